package function

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// measureObject pins a stored archive to its version and finds its digest: the object's own checksum where S3 has a
// SHA-256 of all of it, else by reading it once.
func (a *Account) measureObject(ctx context.Context, art promotion.Artifact) (promotion.Package, error) {
	origin := fmt.Sprintf("s3://%s/%s", art.Bucket, art.Key)
	in := &s3.HeadObjectInput{Bucket: &art.Bucket, Key: &art.Key, ChecksumMode: types.ChecksumModeEnabled}
	if art.ObjectVersion != "" {
		in.VersionId = &art.ObjectVersion
	}
	head, err := a.head(ctx, in)
	if err != nil {
		return promotion.Package{}, a.explainObject(err, origin, art)
	}
	p := promotion.Package{
		Kind: art.Kind, Origin: origin, Bucket: art.Bucket, Key: art.Key,
		ObjectVersion: or(pinned(head.VersionId), art.ObjectVersion),
		Size:          aws.ToInt64(head.ContentLength),
	}
	switch {
	case p.Size == 0:
		return promotion.Package{}, fault("look at the step that uploads it", "the artifact %s is empty", origin)
	case p.Size > maxUnpacked: // what it unpacks to is not known, but it is hardly less
		return promotion.Package{}, tooLarge(origin, p.Size)
	}
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(head.ChecksumSHA256))
	if head.ChecksumType == types.ChecksumTypeFullObject && err == nil && len(sum) == sha256.Size {
		p.Digest = promotion.Digest(aws.ToString(head.ChecksumSHA256))
		return p, nil
	}
	p.Digest, err = a.hashObject(ctx, p, head.ETag)
	if err != nil {
		return promotion.Package{}, a.explainObject(err, origin, art)
	}
	return p, nil
}

func (a *Account) head(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, transfer(0).timeout)
	defer cancel()
	return a.s3.HeadObject(ctx, in)
}

// hashObject reads the object once. Where the bucket keeps no versions its ETag has to be the one that was seen.
func (a *Account) hashObject(ctx context.Context, p promotion.Package, etag *string) (promotion.Digest, error) {
	leave, err := a.slot(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, transfer(p.Size).timeout)
	defer cancel()
	in := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfMatch: etag}
	if p.ObjectVersion != "" {
		in.VersionId = &p.ObjectVersion
	}
	out, err := a.s3.GetObject(ctx, in)
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, out.Body); err != nil {
		return "", err
	}
	return digest(sum), nil
}

// pinned is the version of an object, "" where the bucket keeps none.
func pinned(version *string) string {
	if v := aws.ToString(version); v != "null" {
		return v
	}
	return ""
}

func (a *Account) explainObject(err error, origin string, art promotion.Artifact) error {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		// S3 tells it with the refusal: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html.
		if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" && region != a.region {
			return fault("copy it to a bucket of "+a.region+": Lambda takes code from a bucket of the function's own region only",
				"the bucket of %s is in %s, and the function in %s", origin, region, a.region)
		}
	}
	switch awserr.Status(err) {
	case http.StatusNotFound:
		if art.ObjectVersion != "" {
			return fault("check bucket, key and version", "the artifact %s does not exist in version %s", origin, art.ObjectVersion)
		}
		return fault("upload it before this step, and check bucket and key", "the artifact %s does not exist", origin)
	case http.StatusPreconditionFailed:
		return fault("run again; versioning of the bucket would keep it pinned", "the artifact %s was replaced while it was read", origin)
	}
	return awserr.Explain(err, "read the artifact "+origin)
}
