package function

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// imagePattern is the name of an image in ECR, the only registry that Lambda takes images from:
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html.
var imagePattern = regexp.MustCompile(`^((\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([a-z0-9][a-z0-9._/-]*))(?::([\w][\w.-]*))?(?:@sha256:([0-9a-f]{64}))?$`)

const acceptedImage = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY with :TAG or @sha256:DIGEST"

// The manifests that ECR may answer with. An index is among them so that it can be told from an image.
var (
	imageTypes = []string{"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
	indexTypes = []string{"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)

// resolveImage pins an image: a digest is taken as it is, a tag is looked up once. Lambda's CodeSha256 of an image is
// the digest in hexadecimal.
func (a *Account) resolveImage(ctx context.Context, art promotion.Artifact) (promotion.Package, error) {
	m := imagePattern.FindStringSubmatch(art.Image)
	if m == nil {
		return promotion.Package{}, promotion.Fault{What: fmt.Sprintf("%q is not the name of an image in ECR", art.Image), Accepted: acceptedImage,
			Hint: "Lambda takes images from ECR only: push it to a repository there"}
	}
	repository, registry, region, name, tag, digest := m[1], m[2], m[3], m[4], m[5], m[6]
	if region != a.region {
		return promotion.Package{}, fault("push it to, or replicate it into, a repository of "+a.region+": Lambda takes images of the function's own region only",
			"the image %s is in %s, and the function in %s", art.Image, region, a.region)
	}
	if digest == "" && tag == "" {
		return promotion.Package{}, promotion.Fault{What: fmt.Sprintf("the image %s has neither tag nor digest", art.Image), Accepted: acceptedImage}
	}
	if digest == "" {
		var err error
		if digest, err = a.resolveTag(ctx, art.Image, repository, registry, name, tag); err != nil {
			return promotion.Package{}, err
		}
	}
	return promotion.Package{
		Kind: art.Kind, Digest: promotion.Digest(digest), Image: repository + "@sha256:" + digest, Origin: art.Image,
	}, nil
}

func (a *Account) resolveTag(ctx context.Context, image, repository, registry, name, tag string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, transfer(0).timeout)
	defer cancel()
	out, err := a.ecr.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RegistryId: &registry, RepositoryName: &name,
		ImageIds:           []types.ImageIdentifier{{ImageTag: &tag}},
		AcceptedMediaTypes: append(imageTypes[:len(imageTypes):len(imageTypes)], indexTypes...),
	})
	switch {
	case awserr.Code(err) == "RepositoryNotFoundException":
		return "", fault("push the image before this step", "the repository %s does not exist", repository)
	case err != nil:
		return "", awserr.Explain(err, "resolve the image "+image)
	case len(out.Images) == 0:
		f := promotion.Fault{What: fmt.Sprintf("the image %s does not exist", image), Hint: "push it before this step, and check the tag"}
		if len(out.Failures) > 0 && out.Failures[0].FailureCode != types.ImageFailureCodeImageNotFound {
			f.Detail = awserr.Clean(aws.ToString(out.Failures[0].FailureReason))
		}
		return "", f
	}
	found := out.Images[0]
	if mediaType := aws.ToString(found.ImageManifestMediaType); mediaType == indexTypes[0] || mediaType == indexTypes[1] {
		return "", indexFault(image, repository, aws.ToString(found.ImageManifest))
	}
	digest, ok := strings.CutPrefix(aws.ToString(found.ImageId.ImageDigest), "sha256:")
	if !ok {
		return "", fault("name the image by its digest", "resolve the image %s: ECR gave no SHA-256 digest for it", image)
	}
	return digest, nil
}

// indexFault says that Lambda takes one platform's image, not an index, and which ones there are.
func indexFault(image, repository, manifest string) error {
	var index struct {
		Manifests []struct {
			Digest   string
			Platform struct{ OS, Architecture string }
		}
	}
	var platforms []string
	if json.Unmarshal([]byte(manifest), &index) == nil {
		for _, m := range index.Manifests {
			if m.Platform.OS == "linux" { // the rest are attestations, of platform unknown/unknown
				platforms = append(platforms, fmt.Sprintf("%s@%s (%s)", repository, awserr.Clean(m.Digest), awserr.Clean(m.Platform.Architecture)))
			}
		}
	}
	hint := "build it for one platform, without attestations: docker build --platform linux/amd64 --provenance=false"
	if len(platforms) > 0 {
		hint += "; or name one of its images: " + strings.Join(platforms, ", ")
	}
	return fault(hint, "%s is an index of images (for several platforms, or with attestations), and Lambda takes a single image", image)
}
