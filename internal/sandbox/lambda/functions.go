package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// maxRequest is the largest request that carries code.
const maxRequest = 70167211

func (s *Service) createFunction(_ context.Context, r *request) (cloud.Reply, error) {
	if len(r.Body) > maxRequest {
		return cloud.Reply{}, tooLarge("Request must be smaller than %d bytes for the CreateFunction operation", maxRequest)
	}
	var in struct {
		configuration
		FunctionName  *string
		Code          *source
		PackageType   *string
		Architectures *[]string
		Publish       bool
		PublishTo     *string
		Tags          map[string]string
	}
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	c.requiredText("functionName", in.FunctionName, plainName)
	c.required("role", in.Role != nil)
	if c.required("code", in.Code != nil) {
		in.Code.check(c, "code.")
	}
	c.oneOf("packageType", in.PackageType, "Zip", "Image")
	checkArchitectures(c, in.Architectures)
	in.configuration.check(c)
	if err := c.err(); err != nil {
		return cloud.Reply{}, err
	}
	id, _ := parseIdentity(*in.FunctionName)
	if len(id.name) > 64 {
		c.fault(*in.FunctionName, "functionName", "Member must have length less than or equal to 64")
		return cloud.Reply{}, c.err()
	}
	if err := r.reachable(id); err != nil {
		return cloud.Reply{}, err
	}
	if id.qualifier != "" && id.qualifier != latestName {
		return cloud.Reply{}, invalid("The function name %s must not be qualified.", *in.FunctionName)
	}
	if in.PublishTo != nil {
		return cloud.Reply{}, notManaged()
	}
	base := settings{
		Timeout: 3, MemorySize: 128, EphemeralStorage: 512, SnapStart: "None", Tracing: "PassThrough",
		Architectures: []string{"x86_64"}, PackageType: "Zip",
		Logging: logging{LogFormat: "Text", LogGroup: "/aws/lambda/" + id.name},
	}
	set(&base.PackageType, in.PackageType)
	if base.PackageType == "Zip" && (in.Runtime == nil || in.Handler == nil) {
		return cloud.Reply{}, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if base.PackageType == "Image" && (in.Runtime != nil || in.Handler != nil || in.Layers != nil) {
		return cloud.Reply{}, invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	}
	if err := in.meaning(); err != nil {
		return cloud.Reply{}, err
	}
	if r.home.functions[id.name] != nil {
		return cloud.Reply{}, conflict("Function already exist: %s", id.name)
	}
	if len(in.Tags) > maxTags {
		return cloud.Reply{}, invalid("Number of tags exceeds resource tag limit.")
	}
	if (in.Code.ImageUri != nil) != (base.PackageType == "Image") {
		return cloud.Reply{}, mismatched(base.PackageType)
	}
	if err := in.apply(&base, id.name); err != nil {
		return cloud.Reply{}, err
	}
	set(&base.Architectures, in.Architectures)
	code, err := s.fetch(r, *in.Code)
	if err != nil {
		return cloud.Reply{}, err
	}
	f := &function{
		home: r.home, name: id.name, tags: map[string]string{}, next: 1,
		versions: map[string]*release{}, aliases: map[string]*alias{}, policies: map[string]*policy{},
		urls: map[string]*urlConfig{}, provisioned: map[string]*provisioned{}, inFlight: map[string]int{},
		latest: &release{version: latestName, snapshot: snapshot{settings: base, code: code, instance: s.uuid()}},
	}
	maps.Copy(f.tags, in.Tags)
	r.home.functions[id.name] = f
	s.begin(f, f.latest, true, r.now)
	doc := f.latest.document(f, f.arn(), false)
	if in.Publish {
		// The answer is $LATEST under the version's number; recorded so.
		doc["Version"] = s.snapshotVersion(f, nil, r.now).version
	}
	return answer(http.StatusCreated, doc), nil
}

func checkArchitectures(c *checker, given *[]string) {
	if given == nil {
		return
	}
	value := "[" + strings.Join(*given, ", ") + "]"
	switch n := len(*given); {
	case n > 1:
		c.fault(value, "architectures", "Member must have length less than or equal to 1")
	case n < 1:
		c.fault(value, "architectures", "Member must have length greater than or equal to 1")
	case !slices.Contains([]string{"x86_64", "arm64"}, (*given)[0]):
		c.fault(value, "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
	}
}

func notManaged() error {
	return invalid("PublishTo is supported only for functions with a capacity provider, which the sandbox does not have.")
}

func mismatched(packageType string) error {
	if packageType == "Image" {
		return invalid("Please provide ImageUri when updating a function with packageType Image.")
	}
	return invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
}

// qualifiedRelease finds the release that a caller addressed, and the ARN to show it under.
func (s *Service) qualifiedRelease(r *request) (*function, *release, string, error) {
	id, err := r.identify(&checker{}, spacedName, anyQualifier)
	if err != nil {
		return nil, nil, "", err
	}
	arn := r.home.arn(id.name)
	if id.qualifier != "" {
		arn += ":" + id.qualifier
	}
	f := s.find(r, id.name)
	if f == nil {
		return nil, nil, "", functionNotFound(arn)
	}
	found := f.release(id.qualifier)
	if found == nil {
		return nil, nil, "", functionNotFound(arn)
	}
	return f, found, arn, nil
}

func (s *Service) getFunction(_ context.Context, r *request) (cloud.Reply, error) {
	f, found, arn, err := s.qualifiedRelease(r)
	if err != nil {
		return cloud.Reply{}, err
	}
	doc := map[string]any{"Configuration": found.document(f, arn, false), "Code": s.location(f, found, r.now)}
	if len(f.tags) > 0 {
		doc["Tags"] = f.tags
	}
	if f.reserved != nil {
		doc["Concurrency"] = map[string]any{"ReservedConcurrentExecutions": *f.reserved}
	}
	return answer(http.StatusOK, doc), nil
}

// location looks like the presigned URL under which AWS offers the package for ten minutes.
func (s *Service) location(f *function, r *release, now time.Time) map[string]any {
	if r.code.image != "" {
		return map[string]any{"RepositoryType": "ECR", "ImageUri": r.code.image, "ResolvedImageUri": r.code.resolved}
	}
	key := fmt.Sprintf("snapshots/%s/%s-%s", f.home.account, f.name, r.instance)
	sum := sha256.Sum256([]byte(key))
	return map[string]any{"RepositoryType": "S3", "Location": fmt.Sprintf(
		"https://prod-%s-tasks.s3.%s.amazonaws.com/%s?versionId=%s&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=%s&X-Amz-SignedHeaders=host&X-Amz-Expires=600&X-Amz-Signature=%s",
		f.home.region, f.home.region, key, hex.EncodeToString(sum[:8]), now.UTC().Format("20060102T150405Z"), hex.EncodeToString(sum[:]))}
}

func (s *Service) getFunctionConfiguration(_ context.Context, r *request) (cloud.Reply, error) {
	f, found, arn, err := s.qualifiedRelease(r)
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusOK, found.document(f, arn, false)), nil
}

func (s *Service) deleteFunction(_ context.Context, r *request) (cloud.Reply, error) {
	id, err := r.identify(&checker{}, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	if id.qualifier == latestName {
		return cloud.Reply{}, invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	f, err := s.must(r, id)
	if err != nil {
		return cloud.Reply{}, err
	}
	if id.qualifier == "" {
		delete(r.home.functions, f.name)
		for _, u := range f.urls {
			delete(s.urls, u.id)
		}
		for name := range f.aliases {
			s.recordDeletion(f, name, r)
		}
		return noContent(), nil
	}
	if !isNumber(id.qualifier) {
		return cloud.Reply{}, invalid("Deletion of aliases is not currently supported.")
	}
	for _, name := range slices.Sorted(maps.Keys(f.aliases)) {
		a := f.aliases[name]
		if _, weighted := a.weights[id.qualifier]; weighted || a.version == id.qualifier {
			return cloud.Reply{}, conflict("Unable to delete version because the following aliases reference it: [%s]", name)
		}
	}
	// A version that does not exist is deleted without complaint; recorded so.
	delete(f.versions, id.qualifier)
	delete(f.policies, id.qualifier)
	delete(f.provisioned, id.qualifier)
	return noContent(), nil
}

func (s *Service) listFunctions(_ context.Context, r *request) (cloud.Reply, error) {
	c := &checker{}
	c.oneOf("functionVersion", r.given("FunctionVersion"), "ALL")
	page, err := r.page(c, 50, 10000)
	if err != nil {
		return cloud.Reply{}, err
	}
	var items []item
	for _, name := range slices.Sorted(maps.Keys(r.home.functions)) {
		f := s.find(r, name)
		if r.query("FunctionVersion") == "" {
			items = append(items, item{name, f.latest.document(f, f.arn(), true)})
			continue
		}
		items = append(items, item{name, f.latest.document(f, f.qualified(latestName), true)})
		for i, n := range f.numbers() {
			items = append(items, item{fmt.Sprintf("%s:%09d", name, i), f.versions[n].document(f, f.qualified(n), true)})
		}
	}
	return page.answer("Functions", items)
}
