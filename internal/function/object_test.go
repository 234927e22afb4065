package function_test

import (
	"archive/zip"
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func (w *world) objects(region ...string) *s3.Client {
	return s3.NewFromConfig(w.cloud.AWS(region...), func(o *s3.Options) { o.UsePathStyle = true })
}

// bucket makes a bucket that keeps versions.
func (w *world) bucket(t *testing.T, name string) {
	t.Helper()
	if _, err := w.objects().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}); err != nil {
		t.Fatal(err)
	}
}

// put stores an object with a checksum of S3's choice, or of ours, and returns its version.
func (w *world) put(t *testing.T, key string, content []byte, algorithm types.ChecksumAlgorithm) string {
	t.Helper()
	out, err := w.objects().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("artifacts"), Key: &key, Body: bytes.NewReader(content), ChecksumAlgorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

func objectArtifact(key, version string) promotion.Function {
	return promotion.Function{Name: fn, Artifact: promotion.Artifact{Kind: promotion.ArtifactS3, Bucket: "artifacts", Key: key, ObjectVersion: version}}
}

func TestAStoredArchiveIsPinnedAndItsDigestIsFoundWithTheFewestReads(t *testing.T) {
	for name, c := range map[string]struct {
		store func(t *testing.T, w *world, content []byte) string
		reads map[string]int
	}{
		"with a SHA-256 of all of it": {func(t *testing.T, w *world, content []byte) string {
			return w.put(t, "app.zip", content, types.ChecksumAlgorithmSha256)
		}, map[string]int{"HeadObject": 1}},
		"with another checksum": {func(t *testing.T, w *world, content []byte) string {
			return w.put(t, "app.zip", content, types.ChecksumAlgorithmCrc32)
		}, map[string]int{"HeadObject": 1, "GetObject": 1}},
		"with a checksum of its parts": {func(t *testing.T, w *world, content []byte) string {
			api, bucket, key := w.objects(), aws.String("artifacts"), aws.String("app.zip")
			begun, err := api.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
			if err != nil {
				t.Fatal(err)
			}
			part, err := api.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: begun.UploadId, PartNumber: aws.Int32(1),
				Body: bytes.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
			if err != nil {
				t.Fatal(err)
			}
			done, err := api.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: begun.UploadId,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256}}}})
			if err != nil {
				t.Fatal(err)
			}
			return aws.ToString(done.VersionId)
		}, map[string]int{"HeadObject": 1, "GetObject": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{}, function.Options{})
			w.bucket(t, "artifacts")
			content := w.cloud.Zip(sandboxtest.Code{Name: "B"})
			version := c.store(t, w, content)
			w.cloud.ResetCalls()
			p, err := w.Package(t.Context(), objectArtifact("app.zip", ""))
			if err != nil {
				t.Fatal(err)
			}
			want := promotion.Package{Kind: promotion.ArtifactS3, Digest: digest(content), Size: int64(len(content)),
				Bucket: "artifacts", Key: "app.zip", ObjectVersion: version, Origin: "s3://artifacts/app.zip"}
			if p != want || version == "" {
				t.Errorf("got %+v, want %+v", p, want)
			}
			reads := w.cloud.Count("s3")
			for op, n := range c.reads {
				if reads[op] != n {
					t.Errorf("it made %d %s, want %d", reads[op], op, n)
				}
				delete(reads, op)
			}
			if len(reads) > 0 {
				t.Errorf("it also made %v", reads)
			}

			// Somebody replaces the object between plan and upload: the pinned version is deployed.
			w.put(t, "app.zip", w.cloud.Zip(sandboxtest.Code{Name: "C"}), types.ChecksumAlgorithmSha256)
			v, err := w.Upload(t.Context(), fn, p, w.latest(t), w.say)
			if err != nil {
				t.Fatal(err)
			}
			w.finds(t, v, p.Digest, "128")
		})
	}
}

func TestAnObjectThatIsReplacedWhereNothingIsPinnedIsNotACandidate(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	w.bucket(t, "artifacts")
	if _, err := w.objects().PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("artifacts"),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "app.zip", w.cloud.Zip(sandboxtest.Code{Name: "B"}), types.ChecksumAlgorithmCrc32)
	p, err := w.Package(t.Context(), objectArtifact("app.zip", ""))
	if err != nil || p.ObjectVersion != "" {
		t.Fatalf("got %+v, %v", p, err)
	}
	w.put(t, "app.zip", w.cloud.Zip(sandboxtest.Code{Name: "C"}), types.ChecksumAlgorithmCrc32)
	_, err = w.Upload(t.Context(), fn, p, w.latest(t), w.say)
	contains(t, faultText(t, err), "it was changed while it was deployed")
}

func TestAStoredArchiveThatCannotBeReadIsExplained(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	w.bucket(t, "artifacts")
	version := w.put(t, "app.zip", []byte("zip"), types.ChecksumAlgorithmSha256)
	w.put(t, "empty.zip", nil, types.ChecksumAlgorithmSha256)
	if _, err := w.objects("eu-central-1").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("elsewhere"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"}}); err != nil {
		t.Fatal(err)
	}
	far := objectArtifact("app.zip", "")
	far.Artifact.Bucket = "elsewhere"
	none := objectArtifact("app.zip", "")
	none.Artifact.Bucket = "nowhere"
	for name, c := range map[string]struct {
		f    promotion.Function
		want []string
	}{
		"absent":                   {objectArtifact("other.zip", ""), []string{"s3://artifacts/other.zip does not exist"}},
		"absent in that version":   {objectArtifact("app.zip", strings.Repeat("x", len(version))), []string{"s3://artifacts/app.zip", "version"}},
		"empty":                    {objectArtifact("empty.zip", ""), []string{"s3://artifacts/empty.zip is empty"}},
		"bucket in another region": {far, []string{"the bucket of s3://elsewhere/app.zip is in eu-central-1, and the function in eu-west-1"}},
		"no bucket":                {none, []string{"s3://nowhere/app.zip"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Package(t.Context(), c.f)
			contains(t, faultText(t, err), c.want...)
		})
	}
}

// large writes an archive that is too large to be sent directly, and holds code that runs.
func large(t *testing.T, w *world, path string) []byte {
	t.Helper()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	noise := make([]byte, 53<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for name, content := range map[string][]byte{"bootstrap": []byte("#!/bin/sh\n"), "model.bin": noise} {
		h := &zip.FileHeader{Name: name, Method: zip.Store}
		h.SetMode(0o755)
		f, err := out.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, w.workspace+"/"+path, b.Bytes())
	return b.Bytes()
}

func TestALargeArchiveGoesThroughTheArtifactBucketWhenItIsDeployed(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{ArtifactBucket: "artifacts"})
	w.bucket(t, "artifacts")
	content := large(t, w, "app.zip")
	p, err := w.Package(t.Context(), zipArtifact("app.zip"))
	if err != nil {
		t.Fatal(err)
	}
	w.cloud.ResetCalls()
	w.on("UpdateFunctionCode", failed, failed, failed) // sent again, but stored once
	v, err := w.Upload(t.Context(), fn, p, w.latest(t), w.say)
	if err != nil {
		t.Fatal(err)
	}
	w.finds(t, v, digest(content), "128")
	if stored := w.cloud.Count("s3"); stored["PutObject"] != 1 || len(stored) != 1 {
		t.Errorf("S3 was asked %v, want one PutObject", stored)
	}
	head, err := w.objects().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &p.Key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil || aws.ToString(head.ChecksumSHA256) != string(p.Digest) {
		t.Errorf("the object's checksum is %v (%v), want %s", head, err, p.Digest)
	}
}

func TestAnImageIsDeployedByTheDigestThatItsTagHad(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	registry := ecr.NewFromConfig(w.cloud.AWS())
	if _, err := registry.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app")}); err != nil {
		t.Fatal(err)
	}
	push := func(layer string) string {
		t.Helper()
		out, err := registry.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("team/app"), ImageTag: aws.String("v1"),
			ImageManifestMediaType: aws.String("application/vnd.oci.image.manifest.v1+json"),
			ImageManifest:          aws.String(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":"sha256:` + strings.Repeat(layer, 64) + `"},"layers":[]}`)})
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(aws.ToString(out.Image.ImageId.ImageDigest), "sha256:")
	}
	first := push("a")
	if _, err := w.cloud.Lambda().CreateFunction(t.Context(), &lambda.CreateFunctionInput{FunctionName: aws.String("image-fn"), Role: aws.String(sandboxtest.Role),
		PackageType: lambdatypes.PackageTypeImage, Code: &lambdatypes.FunctionCode{ImageUri: aws.String(repository + "@sha256:" + first)}}); err != nil {
		t.Fatal(err)
	}
	want := push("b")
	p, err := w.Package(t.Context(), imageArtifact(repository+":v1"))
	if err != nil {
		t.Fatal(err)
	}
	push("c") // the tag moves on
	latest, err := w.Latest(t.Context(), "image-fn", w.say)
	if err != nil || string(latest.Digest) != first {
		t.Fatalf("$LATEST holds %s (%v), want %s", latest.Digest, err, first)
	}
	v, err := w.Upload(t.Context(), "image-fn", p, latest, w.say)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Await(t.Context(), "image-fn", v, w.say)
	if err != nil || string(s.Digest) != want {
		t.Errorf("version %s holds %s (%v), want %s", v, s.Digest, err, want)
	}
	if _, err := w.Upload(t.Context(), fn, p, w.latest(t), w.say); err == nil {
		t.Error("a function of archives took an image")
	}
}

func TestAVersionThatFailedIsReplacedByAnotherOfTheSameCode(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	p := w.pack(t, "B")
	if _, err := w.cloud.Server().Fault(sandbox.Fault{Kind: sandbox.EndFailed, Service: "lambda", Operation: "PublishVersion", Code: "InternalError", Message: "no room"}); err != nil {
		t.Fatal(err)
	}
	w.upload(t, "B")
	w.settle(t)
	broken := number(t, w.cloud.Publish(fn))
	_, err := w.Await(t.Context(), fn, broken, w.say)
	contains(t, faultText(t, err), "version 1 of shop-fn cannot be used", "InternalError", "no room")

	v, err := w.Upload(t.Context(), fn, p, w.latest(t), w.say)
	if err != nil {
		t.Fatal(err)
	}
	if v == broken {
		t.Error("the version that failed was taken again")
	}
	w.finds(t, v, p.Digest, "128")
	contains(t, w.String(), "version 1 of shop-fn has this code and failed")
	if sent := w.sent(); !slices.Equal(sent, []string{"PublishVersion", "UpdateFunctionCode"}) {
		t.Errorf("it sent %v", sent)
	}
}
