package function_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

const repository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"

func imageArtifact(image string) promotion.Function {
	return promotion.Function{Name: "shop-fn", Artifact: promotion.Artifact{Kind: promotion.ArtifactImage, Image: image}}
}

func TestADigestIsTakenAsItIs(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	for _, name := range []string{repository, repository + ":v1"} {
		p, err := offline(t, function.Options{}).Package(t.Context(), imageArtifact(name+"@sha256:"+digest))
		if err != nil {
			t.Fatal(err)
		}
		want := promotion.Package{Kind: promotion.ArtifactImage, Digest: promotion.Digest(digest), Image: repository + "@sha256:" + digest, Origin: name + "@sha256:" + digest}
		if p != want {
			t.Errorf("got %+v, want %+v", p, want)
		}
	}
}

// registry is an account whose registry answers BatchGetImage with body.
func registry(t *testing.T, status int, body string, asked *string) *function.Account {
	return account(wired(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetImage") {
			t.Errorf("%s was called", r.Header.Get("X-Amz-Target"))
		}
		request, err := io.ReadAll(r.Body)
		*asked = string(request)
		return answer(r, status, body, "Content-Type", "application/x-amz-json-1.1"), err
	}), function.Options{})
}

func TestATagIsResolvedOnceByItsRegistry(t *testing.T) {
	digest := strings.Repeat("0b", 32)
	var asked string
	p, err := registry(t, 200, `{"images":[{"imageId":{"imageDigest":"sha256:`+digest+`","imageTag":"v1"},"imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json"}]}`, &asked).
		Package(t.Context(), imageArtifact(repository+":v1"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest != promotion.Digest(digest) || p.Image != repository+"@sha256:"+digest || p.Origin != repository+":v1" {
		t.Errorf("got %+v", p)
	}
	contains(t, asked, `"registryId":"123456789012"`, `"repositoryName":"team/app"`, `"imageTag":"v1"`, "image.index")
}

func TestAnImageThatCannotBeDeployedIsRefusedWithTheRemedy(t *testing.T) {
	index := `{"manifests":[{"digest":"sha256:aa","platform":{"os":"linux","architecture":"amd64"}},{"digest":"sha256:bb","platform":{"os":"unknown","architecture":"unknown"}}]}`
	quoted := strings.ReplaceAll(index, `"`, `\"`)
	for name, c := range map[string]struct {
		image, answer string
		status        int
		want          []string
	}{
		"another registry": {"docker.io/library/app:v1", "", 0, []string{"not the name of an image in ECR", "ECR only"}},
		"another region":   {strings.Replace(repository, "eu-west-1", "us-east-1", 1) + ":v1", "", 0, []string{"in us-east-1, and the function in eu-west-1", "replicate"}},
		"no tag":           {repository, "", 0, []string{"neither tag nor digest"}},
		"no such tag":      {repository + ":v9", `{"images":[],"failures":[{"imageId":{"imageTag":"v9"},"failureCode":"ImageNotFound","failureReason":"Requested image not found"}]}`, 200, []string{repository + ":v9 does not exist", "push it"}},
		"no repository":    {repository + ":v1", `{"__type":"RepositoryNotFoundException","message":"no"}`, 400, []string{"repository " + repository + " does not exist"}},
		"no permission":    {repository + ":v1", `{"__type":"AccessDeniedException","message":"User: arn:aws:sts::123456789012:assumed-role/release/x is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:123456789012:repository/team/app"}`, 400, []string{"may not ecr:BatchGetImage"}},
		"an index": {repository + ":v1", `{"images":[{"imageId":{"imageDigest":"sha256:cc"},"imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageManifest":"` + quoted + `"}]}`, 200,
			[]string{"is an index of images", "single image", repository + "@sha256:aa (amd64)", "--provenance=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			_, err := registry(t, c.status, c.answer, &asked).Package(t.Context(), imageArtifact(c.image))
			text := faultText(t, err)
			contains(t, text, c.want...)
			if strings.Contains(text, "sha256:bb") {
				t.Errorf("%q offers an attestation as an image", text)
			}
			if (c.status == 0) != (asked == "") {
				t.Errorf("the registry was asked %q", asked)
			}
		})
	}
}
