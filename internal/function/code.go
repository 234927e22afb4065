package function

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A code is a package on its way to Lambda.
type code struct {
	account *Account
	pkg     promotion.Package
	staged  bool   // it is in the artifact bucket
	version string // of the staged object
}

// A shipment is one attempt to send it.
type shipment struct {
	*call
	archive *os.File // nil where Lambda fetches the code by itself
	size    int64
	release func()
}

// into puts the code, or where it is, into the request. The shipment has to be closed.
func (c *code) into(ctx context.Context, in *lambda.UpdateFunctionCodeInput) (*shipment, error) {
	p := c.pkg
	byReference := &shipment{call: transfer(0), release: func() {}}
	if p.Kind == promotion.ArtifactImage {
		in.ImageUri = &p.Image
		return byReference, nil
	}
	if p.Bucket != "" {
		version := p.ObjectVersion
		if p.Kind != promotion.ArtifactS3 {
			if err := c.stage(ctx); err != nil {
				return nil, err
			}
			version = c.version
		}
		in.S3Bucket, in.S3Key = &p.Bucket, &p.Key
		if version != "" {
			in.S3ObjectVersion = &version
		}
		return byReference, nil
	}
	archive, release, err := c.account.openPackage(ctx, p)
	if err != nil {
		return nil, err
	}
	return &shipment{call: transfer(p.Size), archive: archive, size: p.Size, release: release}, nil
}

func (s *shipment) close() { s.release() }

// send makes the SDK's call this shipment.
func (s *shipment) send(o *lambda.Options) {
	s.watch(o)
	if s.archive != nil {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Serialize.Insert(middleware.SerializeMiddlewareFunc("promoteZipFile", s.stream), "OperationSerializer", middleware.After)
		})
	}
}

// stream adds the archive to the request that the SDK has written. The SDK wants it in memory as a whole, and then once
// more in base64: 120 MB for each of several archives that are sent at once.
func (s *shipment) stream(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
	var out middleware.SerializeOutput
	var meta middleware.Metadata
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, meta, fmt.Errorf("send the archive: the request is a %T", in.Request)
	}
	fields, err := io.ReadAll(request.GetStream())
	if err != nil {
		return out, meta, fmt.Errorf("send the archive: %w", err)
	}
	head, ok := bytes.CutSuffix(bytes.TrimSpace(fields), []byte("}"))
	if !ok {
		return out, meta, errors.New("send the archive: the request is no JSON object")
	}
	if request, err = request.SetStream(newBody(append(head, `,"ZipFile":"`...), s.archive, s.size, []byte(`"}`))); err != nil {
		return out, meta, err
	}
	in.Request = request
	return next.HandleSerialize(ctx, in)
}

// stage puts a large local archive into the artifact bucket, once. Its key is its digest, so that equal archives share
// an object; S3 compares the bytes with the digest.
func (c *code) stage(ctx context.Context) error {
	if c.staged {
		return nil
	}
	p := c.pkg
	archive, release, err := c.account.openPackage(ctx, p)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, transfer(p.Size).timeout)
	defer cancel()
	out, err := c.account.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &p.Bucket, Key: &p.Key, Body: archive,
		ContentLength:  aws.Int64(p.Size),
		ContentType:    aws.String("application/zip"),
		ChecksumSHA256: aws.String(string(p.Digest)),
	})
	if err != nil {
		return awserr.Explain(err, fmt.Sprintf("upload %s to s3://%s/%s", p.Origin, p.Bucket, p.Key))
	}
	c.staged, c.version = true, pinned(out.VersionId)
	return nil
}

// stagingKey is where an archive goes in the artifact bucket.
func stagingKey(d promotion.Digest) string {
	sum, err := base64.StdEncoding.DecodeString(string(d))
	if err != nil {
		return ""
	}
	return "promote/" + hex.EncodeToString(sum) + ".zip"
}

// openPackage opens a local archive, having compared it with what was measured. An archive of a directory is made again
// in a temporary file that has no name any more.
func (a *Account) openPackage(ctx context.Context, p promotion.Package) (_ *os.File, release func(), err error) {
	leave, err := a.slot(ctx)
	if err != nil {
		return nil, nil, err
	}
	var archive *os.File
	defer func() {
		if err != nil {
			if archive != nil {
				archive.Close()
			}
			leave()
		}
	}()
	hash := sha256.New()
	if p.Kind == promotion.ArtifactDir {
		archive, err = a.remake(ctx, p, hash)
	} else if archive, err = a.openFile(p.Path); err == nil {
		_, err = io.Copy(hash, reader{ctx, archive})
	}
	if err != nil {
		return nil, nil, err
	}
	if found := digest(hash); found != p.Digest {
		return nil, nil, fault("build the artifact before the run, and leave it alone until the run has ended",
			"%s was changed while it was deployed: its digest was %s and is %s", p.Origin, p.Digest.Short(), found.Short())
	}
	if _, err = archive.Seek(0, io.SeekStart); err != nil {
		return nil, nil, fault("", "read %s: %v", p.Origin, plain(err))
	}
	return archive, func() { archive.Close(); leave() }, nil
}

// remake makes the archive of a directory once more.
func (a *Account) remake(ctx context.Context, p promotion.Package, also io.Writer) (*os.File, error) {
	tree, err := a.openTree(p.Path)
	if err != nil {
		return nil, err
	}
	defer tree.close()
	archive, err := os.CreateTemp(a.options.TempDir, "promote-*.zip")
	if err != nil {
		return nil, fault("the temporary directory (TMPDIR) has to exist and to be writable", "zip %s: %v", p.Origin, err)
	}
	os.Remove(archive.Name())
	if err := tree.zip(ctx, io.MultiWriter(archive, also)); err != nil {
		archive.Close()
		return nil, err
	}
	return archive, nil
}

// slot waits until one more archive may be measured or sent.
func (a *Account) slot(ctx context.Context) (leave func(), err error) {
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
