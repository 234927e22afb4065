package lambda

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// provisioned is warm capacity bound to a version or an alias.
type provisioned struct {
	requested int
	modified  time.Time
	readyAt   time.Time
	ready     bool
}

func (p *provisioned) restart(readyAt, now time.Time) {
	p.readyAt, p.modified, p.ready = readyAt, now, false
}

func (p *provisioned) settle(now time.Time) { p.ready = p.ready || !now.Before(p.readyAt) }

func (p *provisioned) document() map[string]any {
	doc := map[string]any{
		"RequestedProvisionedConcurrentExecutions": p.requested,
		"AvailableProvisionedConcurrentExecutions": 0,
		"AllocatedProvisionedConcurrentExecutions": 0,
		"Status":       "IN_PROGRESS",
		"LastModified": timestamp(p.modified),
	}
	if p.ready {
		doc["AvailableProvisionedConcurrentExecutions"] = p.requested
		doc["AllocatedProvisionedConcurrentExecutions"] = p.requested
		doc["Status"] = "READY"
	}
	return doc
}

func (f *function) provisionedTotal(except string) int {
	total := 0
	for qualifier, p := range f.provisioned {
		if qualifier != except {
			total += p.requested
		}
	}
	return total
}

// missing refuses a qualifier that stands for nothing; what looks like an alias is called one.
func missing(h *home, function, qualifier string) error {
	arn := h.arn(function) + ":" + qualifier
	if aliasForm.matches(qualifier) {
		return aliasNotFound(arn)
	}
	return functionNotFound(arn)
}

// provisionable finds the version or alias of a call; latest words the refusal of $LATEST.
func (s *Service) provisionable(r *request, c *checker, latest string) (*function, string, error) {
	c.required("qualifier", r.given("Qualifier") != nil)
	id, err := r.identify(c, plainName, pcQualifier)
	if err != nil {
		return nil, "", err
	}
	if id.qualifier == latestName {
		return nil, "", invalid("%s", latest)
	}
	f := s.find(r, id.name)
	if f == nil || f.release(id.qualifier) == nil {
		return nil, "", missing(r.home, id.name, id.qualifier)
	}
	return f, id.qualifier, nil
}

const (
	notPublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	notEither    = "The function resource provided must be an alias or a published version."
)

func (s *Service) putProvisioned(_ context.Context, r *request) (cloud.Reply, error) {
	var in struct{ ProvisionedConcurrentExecutions *int }
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	if c.required("provisionedConcurrentExecutions", in.ProvisionedConcurrentExecutions != nil) {
		c.number("provisionedConcurrentExecutions", in.ProvisionedConcurrentExecutions, 1, 0)
	}
	f, qualifier, err := s.provisionable(r, c, notPublished)
	if err != nil {
		return cloud.Reply{}, err
	}
	requested := *in.ProvisionedConcurrentExecutions
	if err := f.provisionConflict(qualifier); err != nil {
		return cloud.Reply{}, err
	}
	total := f.provisionedTotal(qualifier) + requested
	if f.reserved != nil && total > *f.reserved {
		return cloud.Reply{}, invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	}
	if f.reserved == nil {
		free := r.home.unreserved(f)
		if total > free {
			return cloud.Reply{}, invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", free)
		}
		if free-total < minUnreserved {
			return cloud.Reply{}, invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
	}
	p := &provisioned{requested: requested}
	p.restart(r.now.Add(s.options.UpdateTime), r.now)
	f.provisioned[qualifier] = p
	return answer(http.StatusAccepted, p.document()), nil
}

// provisionConflict holds that an alias and the version behind it are not provisioned both.
func (f *function) provisionConflict(qualifier string) error {
	a := f.aliases[qualifier]
	if a == nil {
		for _, other := range f.aliases {
			if other.version == qualifier && f.provisioned[other.name] != nil {
				return conflict("Version is pointed by a Provisioned Concurrency alias")
			}
		}
		return nil
	}
	switch {
	case a.version == latestName:
		return invalid("%s", notPublished)
	case len(a.weights) > 0:
		return invalid("Alias with weights can not be used with Provisioned Concurrency")
	case f.provisioned[a.version] != nil:
		return conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	}
	return nil
}

func (s *Service) getProvisioned(_ context.Context, r *request) (cloud.Reply, error) {
	f, qualifier, err := s.provisionable(r, &checker{}, notEither)
	if err != nil {
		return cloud.Reply{}, err
	}
	p := f.provisioned[qualifier]
	if p == nil {
		return cloud.Reply{}, refuse(http.StatusNotFound, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	}
	return answer(http.StatusOK, p.document()), nil
}

func (s *Service) deleteProvisioned(_ context.Context, r *request) (cloud.Reply, error) {
	f, qualifier, err := s.provisionable(r, &checker{}, notEither)
	if err != nil {
		return cloud.Reply{}, err
	}
	delete(f.provisioned, qualifier) // nothing there is no fault; recorded so
	return noContent(), nil
}

func (s *Service) listProvisioned(_ context.Context, r *request) (cloud.Reply, error) {
	c := &checker{}
	page, err := r.page(c, 50, 50)
	if err != nil {
		return cloud.Reply{}, err
	}
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return cloud.Reply{}, err
	}
	f, err := s.must(r, id)
	if err != nil {
		return cloud.Reply{}, err
	}
	var items []item
	for _, qualifier := range slices.Sorted(maps.Keys(f.provisioned)) {
		doc := f.provisioned[qualifier].document()
		doc["FunctionArn"] = f.qualified(qualifier)
		items = append(items, item{qualifier, doc})
	}
	return page.answer("ProvisionedConcurrencyConfigs", items)
}
