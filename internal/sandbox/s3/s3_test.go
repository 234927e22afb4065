package s3_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

type store struct {
	*s3.Client
	t *testing.T
}

func open(t *testing.T, cfg aws.Config) store {
	t.Helper()
	return store{s3.NewFromConfig(cfg, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} }), t}
}

// bucket makes the bucket "code" in eu-west-1.
func bucket(t *testing.T) (*sandboxtest.Cloud, store) {
	t.Helper()
	c := sandboxtest.Start(t, sandbox.Options{Accounts: []sandbox.Account{{ID: "123456789012"}, {ID: "210987654321"}}})
	s := open(t, c.AWS())
	if _, err := s.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintEuWest1}}); err != nil {
		t.Fatal(err)
	}
	return c, s
}

func (s store) put(key, body string, more ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	s.t.Helper()
	in := &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String(key), Body: strings.NewReader(body)}
	for _, m := range more {
		m(in)
	}
	out, err := s.PutObject(s.t.Context(), in)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s store) get(key string, more ...func(*s3.GetObjectInput)) string {
	s.t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String("code"), Key: aws.String(key)}
	for _, m := range more {
		m(in)
	}
	out, err := s.GetObject(s.t.Context(), in)
	if err != nil {
		return code(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// spy keeps the headers of the last PUT.
type spy struct {
	http.RoundTripper
	sent *http.Header
}

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut {
		*s.sent = r.Header.Clone()
	}
	return s.RoundTripper.RoundTrip(r)
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestObjectsHaveVersions(t *testing.T) {
	_, s := bucket(t)
	one := s.put("a/fn.zip", "one")
	two := s.put("a/fn.zip", "two")
	if aws.ToString(one.VersionId) == "" || *one.VersionId == *two.VersionId {
		t.Fatalf("versions %v, %v", one.VersionId, two.VersionId)
	}
	if got := s.get("a/fn.zip"); got != "two" {
		t.Errorf("the newest is %q", got)
	}
	pinned := func(in *s3.GetObjectInput) { in.VersionId = one.VersionId }
	if got := s.get("a/fn.zip", pinned); got != "one" {
		t.Errorf("the pinned one is %q", got)
	}
	if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("code"), Key: aws.String("a/fn.zip")}); err != nil {
		t.Fatal(err)
	}
	if got := s.get("a/fn.zip"); got != "NoSuchKey" {
		t.Errorf("after the deletion: %q", got)
	}
	if got := s.get("a/fn.zip", pinned); got != "one" {
		t.Errorf("the pinned one after the deletion: %q", got)
	}
	if got := s.get("a/fn.zip", func(in *s3.GetObjectInput) { in.VersionId = aws.String("nonsense") }); got != "NoSuchVersion" {
		t.Errorf("a version that never was: %q", got)
	}
}

func TestChecksums(t *testing.T) {
	_, s := bucket(t)
	head := func(key string) *s3.HeadObjectOutput {
		t.Helper()
		out, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("code"), Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Run("SHA-256 comes back as the whole object's", func(t *testing.T) {
		s.put("sha", "zip", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 })
		got := head("sha")
		if aws.ToString(got.ChecksumSHA256) != sha("zip") || got.ChecksumType != types.ChecksumTypeFullObject || aws.ToString(got.VersionId) == "" || *got.ContentLength != 3 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("every algorithm of the SDK is checked and kept", func(t *testing.T) {
		for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
			s.put("any", "zip", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm })
			if got := s.get("any", func(in *s3.GetObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled }); got != "zip" {
				t.Errorf("%s: %q", algorithm, got)
			}
		}
	})
	t.Run("a wrong one is refused", func(t *testing.T) {
		_, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("wrong"), Body: strings.NewReader("zip"), ChecksumSHA256: aws.String(sha("other"))})
		if code(err) != "BadDigest" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an upload in chunks with a trailing checksum is put together", func(t *testing.T) {
		// The SDK uploads so where it believes that the connection is encrypted.
		c := sandboxtest.InProcess(t, sandbox.Options{BaseURL: "https://127.0.0.1"})
		s := open(t, c.AWS("us-east-1"))
		if _, err := s.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")}); err != nil {
			t.Fatal(err)
		}
		body := strings.Repeat("chunk ", 50_000)
		var sent http.Header
		s.Client = s3.NewFromConfig(c.AWS("us-east-1"), func(o *s3.Options) {
			o.HTTPClient = &http.Client{Transport: spy{c.HTTPClient().Transport, &sent}}
		})
		s.put("chunks", body, func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 })
		if sent.Get("X-Amz-Content-Sha256") != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
			t.Fatalf("the SDK did not send chunks: %v", sent)
		}
		if got := s.get("chunks"); got != body {
			t.Errorf("%d bytes came back of %d", len(got), len(body))
		}
		got, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("code"), Key: aws.String("chunks"), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil || aws.ToString(got.ChecksumSHA256) != sha(body) || aws.ToString(got.ContentEncoding) != "" {
			t.Errorf("head %+v, %v", got, err)
		}
	})
	t.Run("the attributes tell it too", func(t *testing.T) {
		s.put("attributes", "zip", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 })
		got, err := s.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{Bucket: aws.String("code"), Key: aws.String("attributes"),
			ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesChecksum, types.ObjectAttributesObjectSize}})
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(got.Checksum.ChecksumSHA256) != sha("zip") || *got.ObjectSize != 3 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestMultipartUploads(t *testing.T) {
	_, s := bucket(t)
	parts := []string{strings.Repeat("a", 5<<20), "b"}
	upload := func(algorithm types.ChecksumAlgorithm) *s3.CompleteMultipartUploadOutput {
		t.Helper()
		key := aws.String("big")
		begun, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("code"), Key: key, ChecksumAlgorithm: algorithm})
		if err != nil {
			t.Fatal(err)
		}
		var done []types.CompletedPart
		for i, body := range parts {
			n := aws.Int32(int32(i + 1))
			out, err := s.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String("code"), Key: key, UploadId: begun.UploadId, PartNumber: n, Body: strings.NewReader(body), ChecksumAlgorithm: algorithm})
			if err != nil {
				t.Fatal(err)
			}
			done = append(done, types.CompletedPart{PartNumber: n, ETag: out.ETag})
		}
		out, err := s.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: aws.String("code"), Key: key, UploadId: begun.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: done}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := upload(types.ChecksumAlgorithmSha256)
	if out.ChecksumType != types.ChecksumTypeComposite || !strings.HasSuffix(aws.ToString(out.ChecksumSHA256), "-2") {
		t.Errorf("SHA-256 of parts: %s, %v", out.ChecksumType, out.ChecksumSHA256)
	}
	if got := s.get("big"); got != strings.Join(parts, "") {
		t.Errorf("%d bytes came back", len(got))
	}
	if out := upload(types.ChecksumAlgorithmCrc64nvme); out.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("CRC64NVME is %s", out.ChecksumType)
	}
}

func TestReading(t *testing.T) {
	_, s := bucket(t)
	s.put("ten", "0123456789")
	for spec, want := range map[string]string{
		"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=5-99": "56789", "bytes=10-": "InvalidRange",
	} {
		if got := s.get("ten", func(in *s3.GetObjectInput) { in.Range = aws.String(spec) }); got != want {
			t.Errorf("%s: %q, want %q", spec, got, want)
		}
	}
	if got := s.get("none"); got != "NoSuchKey" {
		t.Errorf("a key that is not there: %q", got)
	}
	_, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("code"), Key: aws.String("none")})
	if code(err) != "NotFound" {
		t.Errorf("its head: %v", err)
	}
	_, err = s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("nobody"), Key: aws.String("k")})
	if code(err) != "NoSuchBucket" {
		t.Errorf("a bucket that is not there: %v", err)
	}
	_, err = s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("ten"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	if code(err) != "PreconditionFailed" {
		t.Errorf("create if absent: %v", err)
	}
}

func TestRegionsAndAccounts(t *testing.T) {
	c, s := bucket(t)
	s.put("fn.zip", "zip")
	key := &s3.GetObjectInput{Bucket: aws.String("code"), Key: aws.String("fn.zip")}
	_, err := open(t, c.AWS("us-east-1")).GetObject(t.Context(), key)
	if code(err) != "PermanentRedirect" {
		t.Errorf("from another region: %v", err)
	}
	other := c.Server().Accounts()[1]
	_, err = open(t, c.AWSWith(other.AccessKeyID, other.SecretAccessKey, "")).GetObject(t.Context(), key)
	if code(err) != "AccessDenied" {
		t.Errorf("from another account: %v", err)
	}
	_, err = open(t, c.AWSWith(other.AccessKeyID, other.SecretAccessKey, "")).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintEuWest1}})
	if code(err) != "BucketAlreadyExists" {
		t.Errorf("its name in another account: %v", err)
	}
}

func TestBucketInTheHostsName(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	s := open(t, c.AWS("us-east-1")) // the base address is a name, so the SDK puts the bucket before it
	if _, err := s.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")}); err != nil {
		t.Fatal(err)
	}
	s.put("a b/c+d.zip", "zip")
	if got := s.get("a b/c+d.zip"); got != "zip" {
		t.Errorf("got %q", got)
	}
	if calls := c.Calls(); calls[len(calls)-1].Resource != "code/a b/c+d.zip" {
		t.Errorf("the log says %q", calls[len(calls)-1].Resource)
	}
}
