package lambda

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// aliasInput is CreateAlias and UpdateAlias; nil is "not given", and what is not given stays.
type aliasInput struct {
	Name, FunctionVersion, Description, RevisionId *string
	RoutingConfig                                  *routing
}

type routing struct {
	AdditionalVersionWeights *map[string]float64
}

// weights is nil where the request says nothing about routing. An empty routing clears like an empty map:
// https://aws.amazon.com/blogs/compute/implementing-canary-deployments-of-aws-lambda-functions-with-alias-traffic-shifting/
func (in aliasInput) weights() *map[string]float64 {
	if in.RoutingConfig == nil {
		return nil
	}
	if in.RoutingConfig.AdditionalVersionWeights == nil {
		return &map[string]float64{}
	}
	return in.RoutingConfig.AdditionalVersionWeights
}

// check notes what is wrong with the form of a routing.
func (in aliasInput) check(c *checker) {
	c.text("functionVersion", in.FunctionVersion, versionForm)
	c.text("description", in.Description, textForm)
	if in.weights() == nil {
		return
	}
	weights := *in.weights()
	value := printedWeights(weights)
	const member = "routingConfig.additionalVersionWeights"
	for _, version := range slices.Sorted(maps.Keys(weights)) {
		if !isNumber(version) || len(version) > 1024 {
			c.fault(value, member, "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]")
		}
		if w := weights[version]; w < 0 || w > 1 {
			c.fault(value, member, "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]")
		}
	}
}

func printedWeights(weights map[string]float64) string {
	shown := map[string]string{}
	for version, w := range weights {
		text := strconv.FormatFloat(w, 'f', -1, 64)
		if w == float64(int(w)) {
			text = fmt.Sprintf("%.1f", w)
		}
		shown[version] = text
	}
	return printed(shown)
}

// checkRouting holds a value against the rules that need the function: versions exist, two at most,
// $LATEST only alone. https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
func (f *function) checkRouting(version string, weights map[string]float64) error {
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	if len(weights) > 0 && version == latestName {
		return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	if f.release(version) == nil {
		return functionNotFound(f.qualified(version))
	}
	for other := range weights {
		if other == version {
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		}
		if f.versions[other] == nil {
			return functionNotFound(f.qualified(other))
		}
	}
	return nil
}

func (a *alias) document(f *function) map[string]any {
	doc := map[string]any{
		"AliasArn": f.qualified(a.name), "Name": a.name, "FunctionVersion": a.version,
		"Description": a.description, "RevisionId": a.revision,
	}
	if len(a.weights) > 0 {
		doc["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": a.weights}
	}
	return doc
}

func (s *Service) createAlias(_ context.Context, r *request) (cloud.Reply, error) {
	var in aliasInput
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	c.requiredText("name", in.Name, aliasForm)
	c.required("functionVersion", in.FunctionVersion != nil)
	in.check(c)
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return cloud.Reply{}, err
	}
	f := s.find(r, id.name)
	if f == nil { // Lambda looks for the version, not for the function
		return cloud.Reply{}, functionNotFound(r.home.arn(id.name) + ":" + *in.FunctionVersion)
	}
	a := &alias{name: *in.Name, version: *in.FunctionVersion}
	set(&a.description, in.Description)
	if w := in.weights(); w != nil && len(*w) > 0 {
		a.weights = *w
	}
	if err := f.checkRouting(a.version, a.weights); err != nil {
		return cloud.Reply{}, err
	}
	if f.aliases[a.name] != nil {
		return cloud.Reply{}, conflict("Alias already exists: %s", f.qualified(a.name))
	}
	a.revision = s.uuid()
	f.aliases[a.name] = a
	s.record(f, a, r.Principal, r.now)
	return answer(http.StatusCreated, a.document(f)), nil
}

// addressed finds the alias that the path names. missing words the refusal, which differs by operation.
func (s *Service) addressed(r *request, c *checker, missing func(arn string) error) (*function, *alias, error) {
	name := r.labels["Name"]
	c.text("name", &name, aliasForm)
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return nil, nil, err
	}
	f := s.find(r, id.name)
	if f == nil {
		return nil, nil, missing(r.home.arn(id.name) + ":" + name)
	}
	if f.aliases[name] == nil {
		return f, nil, missing(f.qualified(name))
	}
	return f, f.aliases[name], nil
}

func (s *Service) getAlias(_ context.Context, r *request) (cloud.Reply, error) {
	f, a, err := s.addressed(r, &checker{}, aliasNotFound)
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusOK, a.document(f)), nil
}

func (s *Service) updateAlias(_ context.Context, r *request) (cloud.Reply, error) {
	var in aliasInput
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	in.check(c)
	f, a, err := s.addressed(r, c, func(arn string) error { return notFound("Alias not found: %s", arn) })
	if err != nil {
		return cloud.Reply{}, err
	}
	if in.RevisionId != nil && *in.RevisionId != a.revision {
		return cloud.Reply{}, stale(functionAPIs)
	}
	version, weights := a.version, a.weights
	set(&version, in.FunctionVersion)
	if w := in.weights(); w != nil {
		weights = nil // given and empty clears; not given stays; recorded so
		if len(*w) > 0 {
			weights = *w
		}
	}
	if err := f.checkRouting(version, weights); err != nil {
		return cloud.Reply{}, err
	}
	if in.weights() != nil && len(weights) > 0 && f.provisioned[a.name] != nil {
		return cloud.Reply{}, invalid("Alias with weights can not be used with Provisioned Concurrency")
	}
	s.moveAlias(f, a, version, in.weights() != nil, r)
	a.version, a.weights = version, weights
	set(&a.description, in.Description)
	a.revision = s.uuid() // also when nothing changed; recorded so
	s.record(f, a, r.Principal, r.now)
	return answer(http.StatusOK, a.document(f)), nil
}

func (s *Service) deleteAlias(_ context.Context, r *request) (cloud.Reply, error) {
	name := r.labels["Name"]
	c := &checker{}
	c.text("name", &name, aliasForm)
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return cloud.Reply{}, err
	}
	f, err := s.must(r, id)
	if err != nil {
		return cloud.Reply{}, err
	}
	if f.aliases[name] == nil {
		return noContent(), nil // recorded so
	}
	s.recordDeletion(f, name, r)
	delete(f.aliases, name)
	delete(f.policies, name)
	delete(f.provisioned, name)
	if u := f.urls[name]; u != nil {
		delete(s.urls, u.id)
		delete(f.urls, name)
	}
	return noContent(), nil
}

func (s *Service) listAliases(_ context.Context, r *request) (cloud.Reply, error) {
	c := &checker{}
	version := r.given("FunctionVersion")
	c.text("functionVersion", version, versionForm)
	page, err := r.page(c, 50, 10000)
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
	for _, name := range slices.Sorted(maps.Keys(f.aliases)) {
		if a := f.aliases[name]; version == nil || a.version == *version {
			items = append(items, item{name, a.document(f)})
		}
	}
	return page.answer("Aliases", items)
}
