package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Lambda's limits for packages, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxZipped   = 52428800
	maxUnzipped = 262144000
)

// A source says where code comes from: the members of CreateFunction's Code and of UpdateFunctionCode.
type source struct {
	ZipFile                                                     []byte
	S3Bucket, S3Key, S3ObjectVersion, ImageUri, SourceKMSKeyArn *string
}

func (in source) check(c *checker, prefix string) {
	c.text(prefix+"s3Bucket", in.S3Bucket, bucketForm)
	c.text(prefix+"s3Key", in.S3Key, keyForm)
	c.text(prefix+"s3ObjectVersion", in.S3ObjectVersion, keyForm)
	c.text(prefix+"sourceKMSKeyArn", in.SourceKMSKeyArn, arnOrNothing)
}

// fetch gets the code that a source names.
func (s *Service) fetch(r *request, in source) (*code, error) {
	switch {
	case in.ImageUri != nil:
		return s.fetchImage(r, *in.ImageUri)
	case len(in.ZipFile) > maxZipped:
		return nil, tooLarge("Zipped size must be smaller than %d bytes", maxZipped)
	case in.ZipFile != nil:
		return packed(in.ZipFile)
	case in.S3Bucket != nil && in.S3Key != nil:
		pack, err := s.fetchObject(r, in)
		if err != nil {
			return nil, err
		}
		return packed(pack)
	}
	return nil, invalid("Please provide a source for function code.")
}

func (s *Service) fetchObject(r *request, in source) ([]byte, error) {
	version := ""
	if in.S3ObjectVersion != nil {
		version = *in.S3ObjectVersion
	}
	var err error = &cloud.Error{Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
	if s.options.Objects != nil {
		var pack []byte
		if pack, err = s.options.Objects.Object(r.Account, r.Region, *in.S3Bucket, *in.S3Key, version); err == nil {
			return pack, nil
		}
	}
	var refusal *cloud.Error
	if !errors.As(err, &refusal) {
		return nil, err
	}
	return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", refusal.Code, refusal.Message)
}

func (s *Service) fetchImage(r *request, uri string) (*code, error) {
	err := error(&cloud.Error{Code: "ImageNotFoundException"})
	if s.options.Images != nil {
		var digest string
		if digest, err = s.options.Images.Image(r.Account, r.Region, uri); err == nil {
			repository := uri
			if i := strings.LastIndexByte(repository, '@'); i >= 0 {
				repository = repository[:i]
			} else if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
				repository = repository[:i]
			}
			// For an image CodeSha256 is the digest in hex, and there is no size.
			return &code{sha: strings.TrimPrefix(digest, "sha256:"), image: uri, resolved: repository + "@" + digest}, nil
		}
	}
	var refusal *cloud.Error
	if !errors.As(err, &refusal) {
		return nil, err
	}
	return nil, invalid("Source image %s does not exist. Provide a valid source image.", uri)
}

// packed checks a deployment package as far as AWS does when it takes it.
func packed(pack []byte) (*code, error) {
	z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if len(z.File) == 0 {
		return nil, invalid("Uploaded file must be a non-empty zip")
	}
	var unzipped uint64
	for _, f := range z.File {
		unzipped += f.UncompressedSize64
	}
	if unzipped >= maxUnzipped {
		return nil, invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
	}
	sum := sha256.Sum256(pack)
	return &code{zip: pack, sha: base64.StdEncoding.EncodeToString(sum[:]), size: int64(len(pack))}, nil
}
