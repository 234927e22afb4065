package lambda

import (
	"context"
	"maps"
	"net/http"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

const maxTags = 50

// tagged finds the function that an ARN in the path names.
func (s *Service) tagged(r *request, c *checker) (*function, error) {
	arn := r.labels["Resource"]
	c.text("resource", &arn, taggableForm)
	if err := c.err(); err != nil {
		return nil, err
	}
	id, ok := parseIdentity(arn)
	if !ok {
		return nil, notFound("The resource you requested does not exist.") // not a function's ARN
	}
	if err := r.reachable(id); err != nil {
		return nil, err
	}
	if id.qualifier != "" {
		return nil, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return s.must(r, id)
}

func (s *Service) listTags(_ context.Context, r *request) (cloud.Reply, error) {
	f, err := s.tagged(r, &checker{})
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusOK, map[string]any{"Tags": f.tags}), nil
}

func (s *Service) tagResource(_ context.Context, r *request) (cloud.Reply, error) {
	var in struct{ Tags map[string]string }
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	c.required("tags", in.Tags != nil)
	f, err := s.tagged(r, c)
	if err != nil {
		return cloud.Reply{}, err
	}
	if len(in.Tags) == 0 {
		return cloud.Reply{}, invalid("An error occurred and the request cannot be processed.")
	}
	if err := f.updatable(); err != nil {
		return cloud.Reply{}, err
	}
	all := maps.Clone(f.tags)
	maps.Copy(all, in.Tags)
	if len(all) > maxTags {
		return cloud.Reply{}, invalid("Number of tags exceeds resource tag limit.")
	}
	f.tags = all
	f.latest.revision = s.uuid() // recorded so
	return noContent(), nil
}

func (s *Service) untagResource(_ context.Context, r *request) (cloud.Reply, error) {
	keys := r.Request.URL.Query()["tagKeys"]
	c := &checker{}
	c.required("tagKeys", len(keys) > 0)
	f, err := s.tagged(r, c)
	if err != nil {
		return cloud.Reply{}, err
	}
	for _, key := range keys {
		delete(f.tags, key)
	}
	f.latest.revision = s.uuid() // recorded so
	return noContent(), nil
}
