package lambda

import (
	"context"
	"net/http"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// updatable refuses changes to $LATEST while AWS is working on it.
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func (f *function) updatable() error {
	if f.latest.pending != nil && !f.latest.pending.creating {
		return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", f.arn())
	}
	if f.latest.state != active && f.latest.state != failed {
		return f.inState()
	}
	return nil
}

func (f *function) inState() error {
	return conflict("The operation cannot be performed at this time. The function is currently in the following state: %s", f.latest.state)
}

// changeable finds the function that an update is about and checks its preconditions.
func (s *Service) changeable(r *request, c *checker, revision *string) (*function, error) {
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return nil, err
	}
	f, err := s.must(r, id)
	if err != nil {
		return nil, err
	}
	if revision != nil && *revision != f.latest.revision {
		return nil, stale(functionAPIs)
	}
	return f, f.updatable()
}

func (s *Service) updateFunctionCode(_ context.Context, r *request) (cloud.Reply, error) {
	if len(r.Body) > maxRequest {
		return cloud.Reply{}, tooLarge("Request must be smaller than %d bytes for the UpdateFunctionCode operation", maxRequest)
	}
	var in struct {
		source
		Architectures       *[]string
		RevisionId          *string
		Publish, DryRun     bool
		PublishTo           *string
		S3ObjectStorageMode *string
	}
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	in.source.check(c, "")
	checkArchitectures(c, in.Architectures)
	c.oneOf("s3ObjectStorageMode", in.S3ObjectStorageMode, "COPY", "REFERENCE")
	f, err := s.changeable(r, c, in.RevisionId)
	if err != nil {
		return cloud.Reply{}, err
	}
	if in.PublishTo != nil {
		return cloud.Reply{}, notManaged()
	}
	if (in.ImageUri != nil) != (f.latest.PackageType == "Image") {
		return cloud.Reply{}, mismatched(f.latest.PackageType)
	}
	code, err := s.fetch(r, in.source)
	if err != nil {
		return cloud.Reply{}, err
	}
	changed := *f.latest
	changed.settings = changed.settings.copied()
	changed.code = code
	set(&changed.Architectures, in.Architectures)
	if in.DryRun {
		return answer(http.StatusOK, changed.document(f, f.arn(), false)), nil
	}
	s.change(f, changed, r)
	if in.Publish {
		v := s.snapshotVersion(f, nil, r.now)
		return answer(http.StatusOK, v.document(f, f.qualified(v.version), false)), nil
	}
	return answer(http.StatusOK, f.latest.document(f, f.arn(), false)), nil
}

func (s *Service) updateFunctionConfiguration(_ context.Context, r *request) (cloud.Reply, error) {
	var in struct {
		configuration
		RevisionId *string
	}
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	in.configuration.check(c)
	f, err := s.changeable(r, c, in.RevisionId)
	if err != nil {
		return cloud.Reply{}, err
	}
	if err := in.meaning(); err != nil {
		return cloud.Reply{}, err
	}
	changed := *f.latest
	changed.settings = changed.settings.copied()
	if err := in.apply(&changed.settings, f.name); err != nil {
		return cloud.Reply{}, err
	}
	s.change(f, changed, r)
	return answer(http.StatusOK, f.latest.document(f, f.arn(), false)), nil
}

// change makes a new $LATEST, which invocations get when it has settled. The next publish makes a new
// version even if the bytes are the same; recorded so.
func (s *Service) change(f *function, changed release, r *request) {
	changed.instance = s.uuid()
	*f.latest = changed
	f.clean = false
	s.begin(f, f.latest, f.latest.state == failed, r.now)
}
