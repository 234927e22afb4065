// Package ecr is the sandbox's container registry, as far as resolving a tag to a digest goes:
// repositories, image manifests and tags, in awsJson 1.1.
//
// It holds manifests and no layers; nothing can be pulled from it. A manifest is put there with
// CreateRepository and PutImage, as any client does it.
package ecr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Service is the service "ecr".
type Service struct {
	mu           sync.Mutex
	repositories map[place]*repository
}

type place struct{ account, region, name string }

type repository struct {
	place
	images []*image // in the order of their arrival
}

type image struct {
	digest, manifest, mediaType string
	tags                        []string
	pushed                      time.Time
}

// New returns a registry without repositories.
func New() *Service { return &Service{repositories: map[place]*repository{}} }

// Name is "ecr".
func (s *Service) Name() string { return "ecr" }

const target = "AmazonEC2ContainerRegistry_V20150921."

type operation func(s *Service, call cloud.Call, in input) (any, *cloud.Error)

var operations = map[string]operation{
	"CreateRepository": (*Service).createRepository,
	"PutImage":         (*Service).putImage,
	"BatchGetImage":    (*Service).batchGetImage,
	"DescribeImages":   (*Service).describeImages,
}

// input has the members of all operations.
type input struct {
	RegistryID             string    `json:"registryId"`
	RepositoryName         string    `json:"repositoryName"`
	ImageIDs               []imageID `json:"imageIds"`
	ImageManifest          string    `json:"imageManifest"`
	ImageManifestMediaType string    `json:"imageManifestMediaType"`
	ImageTag               string    `json:"imageTag"`
	ImageDigest            string    `json:"imageDigest"`
}

type imageID struct {
	Digest string `json:"imageDigest,omitempty"`
	Tag    string `json:"imageTag,omitempty"`
}

// Identify takes the operation from X-Amz-Target; the resource is the repository's name.
func (s *Service) Identify(r *http.Request, body []byte) (name, resource string, ok bool) {
	name = strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	var in input
	_ = json.Unmarshal(body, &in) // Do says what is wrong with the body
	_, ok = operations[name]
	return name, in.RepositoryName, ok
}

// Do carries the call out.
func (s *Service) Do(_ context.Context, call cloud.Call) cloud.Reply {
	var in input
	if err := json.Unmarshal(call.Body, &in); err != nil {
		return s.Fail(call, &cloud.Error{Status: 400, Code: "SerializationException", Message: err.Error()})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out, e := operations[call.Operation](s, call, in)
	if e != nil {
		return s.Fail(call, e)
	}
	return render(http.StatusOK, out)
}

// Fail renders an error as awsJson 1.1.
func (s *Service) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	return render(e.Status, map[string]string{"__type": e.Code, "message": e.Message})
}

func render(status int, v any) cloud.Reply {
	body, _ := json.Marshal(v) // strings, numbers and lists always marshal
	return cloud.Reply{Status: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: body}
}

// find returns the repository that a call names. The caller has the lock.
func (s *Service) find(call cloud.Call, in input) (*repository, *cloud.Error) {
	registry := in.RegistryID
	if registry == "" {
		registry = call.Account
	}
	if registry != call.Account {
		// Another account's registry is open only by a repository policy, which the sandbox does not have.
		return nil, &cloud.Error{Status: 400, Code: "AccessDeniedException", Message: fmt.Sprintf(
			"User: %s is not authorized to perform: ecr:%s on resource: arn:aws:ecr:%s:%s:repository/%s because no resource-based policy allows the ecr:%s action",
			call.Principal, call.Operation, call.Region, registry, in.RepositoryName, call.Operation)}
	}
	repo := s.repositories[place{registry, call.Region, in.RepositoryName}]
	if repo == nil {
		return nil, notFound(in.RepositoryName, registry)
	}
	return repo, nil
}

func notFound(name, registry string) *cloud.Error {
	return &cloud.Error{Status: 400, Code: "RepositoryNotFoundException", Message: fmt.Sprintf(
		"The repository with name '%s' does not exist in the registry with id '%s'", name, registry)}
}

var repositoryNames = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

func (s *Service) createRepository(call cloud.Call, in input) (any, *cloud.Error) {
	at := place{call.Account, call.Region, in.RepositoryName}
	switch {
	case len(in.RepositoryName) < 2 || !repositoryNames.MatchString(in.RepositoryName):
		return nil, &cloud.Error{Status: 400, Code: "InvalidParameterException", Message: fmt.Sprintf(
			"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '%s''", repositoryNames)}
	case s.repositories[at] != nil:
		return nil, &cloud.Error{Status: 400, Code: "RepositoryAlreadyExistsException", Message: fmt.Sprintf(
			"The repository with name '%s' already exists in the registry with id '%s'", at.name, at.account)}
	}
	s.repositories[at] = &repository{place: at}
	return map[string]any{"repository": map[string]any{
		"repositoryArn":  "arn:aws:ecr:" + at.region + ":" + at.account + ":repository/" + at.name,
		"registryId":     at.account,
		"repositoryName": at.name,
		"repositoryUri":  at.account + ".dkr.ecr." + at.region + ".amazonaws.com/" + at.name,
		"createdAt":      float64(time.Now().Unix()),
	}}, nil
}

func (s *Service) putImage(call cloud.Call, in input) (any, *cloud.Error) {
	repo, e := s.find(call, in)
	if e != nil {
		return nil, e
	}
	if in.ImageManifest == "" {
		return nil, &cloud.Error{Status: 400, Code: "InvalidParameterException", Message: "Invalid parameter at 'imageManifest' failed to satisfy constraint: 'must not be empty'"}
	}
	sum := sha256.Sum256([]byte(in.ImageManifest))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if in.ImageDigest != "" && in.ImageDigest != digest {
		return nil, &cloud.Error{Status: 400, Code: "ImageDigestDoesNotMatchException", Message: "The specified image digest does not match the digest that was computed for the image"}
	}
	img := repo.image(imageID{Digest: digest})
	if img != nil && (in.ImageTag == "" || slices.Contains(img.tags, in.ImageTag)) {
		return nil, &cloud.Error{Status: 400, Code: "ImageAlreadyExistsException", Message: fmt.Sprintf(
			"Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, in.ImageTag, repo.name, repo.account)}
	}
	if img == nil {
		img = &image{digest: digest, manifest: in.ImageManifest, mediaType: mediaType(in), pushed: time.Now()}
		repo.images = append(repo.images, img)
	}
	if in.ImageTag != "" {
		for _, other := range repo.images {
			other.tags = slices.DeleteFunc(other.tags, func(t string) bool { return t == in.ImageTag })
		}
		img.tags = append(img.tags, in.ImageTag)
	}
	return map[string]any{"image": repo.detail(img, in.ImageTag)}, nil
}

func mediaType(in input) string {
	if in.ImageManifestMediaType != "" {
		return in.ImageManifestMediaType
	}
	var manifest struct{ MediaType string }
	if json.Unmarshal([]byte(in.ImageManifest), &manifest) == nil && manifest.MediaType != "" {
		return manifest.MediaType
	}
	return "application/vnd.oci.image.manifest.v1+json"
}

// image finds an image by digest, by tag, or by both.
func (r *repository) image(id imageID) *image {
	for _, img := range r.images {
		if (id.Digest == "" || id.Digest == img.digest) && (id.Tag == "" || slices.Contains(img.tags, id.Tag)) && id != (imageID{}) {
			return img
		}
	}
	return nil
}

func (r *repository) detail(img *image, tag string) map[string]any {
	return map[string]any{
		"registryId": r.account, "repositoryName": r.name,
		"imageId":       imageID{Digest: img.digest, Tag: tag},
		"imageManifest": img.manifest, "imageManifestMediaType": img.mediaType,
	}
}

func (s *Service) batchGetImage(call cloud.Call, in input) (any, *cloud.Error) {
	repo, e := s.find(call, in)
	if e != nil {
		return nil, e
	}
	images, failures := []any{}, []any{}
	for _, id := range in.ImageIDs {
		if img := repo.image(id); img != nil {
			images = append(images, repo.detail(img, id.Tag))
			continue
		}
		failures = append(failures, map[string]any{"imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"})
	}
	return map[string]any{"images": images, "failures": failures}, nil
}

func (s *Service) describeImages(call cloud.Call, in input) (any, *cloud.Error) {
	repo, e := s.find(call, in)
	if e != nil {
		return nil, e
	}
	wanted := repo.images
	if len(in.ImageIDs) > 0 {
		wanted = nil
	}
	for _, id := range in.ImageIDs {
		img := repo.image(id)
		if img == nil {
			return nil, &cloud.Error{Status: 400, Code: "ImageNotFoundException", Message: fmt.Sprintf(
				"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
				orNull(id.Digest), orNull(id.Tag), repo.name, repo.account)}
		}
		wanted = append(wanted, img)
	}
	details := []any{}
	for _, img := range wanted {
		details = append(details, map[string]any{
			"registryId": repo.account, "repositoryName": repo.name,
			"imageDigest": img.digest, "imageTags": img.tags,
			"imageSizeInBytes": len(img.manifest), "imagePushedAt": float64(img.pushed.Unix()),
			"imageManifestMediaType": img.mediaType,
		})
	}
	return map[string]any{"imageDetails": details}, nil
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

var imageURI = regexp.MustCompile(`^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([^@]+))?(?:@(sha256:[0-9a-f]{64}))?$`)

// Image resolves an image for services that take code from ECR.
func (s *Service) Image(account, region, uri string) (digest string, err error) {
	parts := imageURI.FindStringSubmatch(uri)
	if parts == nil || parts[4] == "" && parts[5] == "" {
		return "", &cloud.Error{Status: 400, Code: "InvalidParameterException", Message: "Source image " + uri + " is not valid. Provide a valid source image."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.repositories[place{parts[1], parts[2], parts[3]}]
	switch {
	case parts[1] != account:
		return "", &cloud.Error{Status: 403, Code: "AccessDeniedException", Message: "Lambda does not have permission to access the ECR image. Check the ECR permissions."}
	case parts[2] != region:
		return "", &cloud.Error{Status: 400, Code: "InvalidParameterException", Message: "Source image " + uri + " is not valid: it is in another region than the function."}
	case repo == nil:
		return "", notFound(parts[3], parts[1])
	}
	img := repo.image(imageID{Tag: parts[4], Digest: parts[5]})
	if img == nil {
		return "", &cloud.Error{Status: 400, Code: "ImageNotFoundException", Message: "Source image " + uri + " does not exist. Provide a valid source image."}
	}
	return img.digest, nil
}
