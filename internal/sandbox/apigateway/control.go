package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// control is the API of API Gateway.
type control struct{ *Gateway }

func (control) Name() string { return "apigateway" }

// operations by method and by the shape of the path, in which "*" is any one segment.
var operations = []struct {
	method, shape, name string
	do                  func(*Gateway, *request) (cloud.Reply, *cloud.Error)
}{
	{"POST", "apis", "CreateApi", (*Gateway).createAPI},
	{"GET", "apis", "GetApis", (*Gateway).getAPIs},
	{"GET", "apis/*", "GetApi", withAPI(getAPI)},
	{"PATCH", "apis/*", "UpdateApi", withAPI(updateAPI)},
	{"DELETE", "apis/*", "DeleteApi", withAPI(deleteAPI)},
	{"POST", "apis/*/stages", "CreateStage", withAPI(createStage)},
	{"GET", "apis/*/stages", "GetStages", withAPI(getStages)},
	{"GET", "apis/*/stages/*", "GetStage", withAPI(getStage)},
	{"DELETE", "apis/*/stages/*", "DeleteStage", withAPI(deleteStage)},
	{"POST", "apis/*/integrations", "CreateIntegration", withAPI(createIntegration)},
	{"GET", "apis/*/integrations", "GetIntegrations", withAPI(getIntegrations)},
	{"GET", "apis/*/integrations/*", "GetIntegration", withAPI(getIntegration)},
	{"PATCH", "apis/*/integrations/*", "UpdateIntegration", withAPI(updateIntegration)},
	{"DELETE", "apis/*/integrations/*", "DeleteIntegration", withAPI(deleteIntegration)},
	{"POST", "apis/*/routes", "CreateRoute", withAPI(createRoute)},
	{"GET", "apis/*/routes", "GetRoutes", withAPI(getRoutes)},
	{"GET", "apis/*/routes/*", "GetRoute", withAPI(getRoute)},
	{"PATCH", "apis/*/routes/*", "UpdateRoute", withAPI(updateRoute)},
	{"DELETE", "apis/*/routes/*", "DeleteRoute", withAPI(deleteRoute)},
	{"POST", "tags/*", "TagResource", withTags((*tagged).set)},
	{"GET", "tags/*", "GetTags", withTags((*tagged).get)},
	{"DELETE", "tags/*", "UntagResource", withTags((*tagged).remove)},
}

// A request is a call with the segments of its path and its body.
type request struct {
	cloud.Call
	parts []string // after "/v2/", unescaped
}

// segments splits the path; a resource's ARN, which may come unescaped, is one segment.
func segments(r *http.Request) []string {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v2/")
	if !ok {
		return nil
	}
	if arn, ok := strings.CutPrefix(path, "tags/"); ok {
		return []string{"tags", unescape(arn)}
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := range parts {
		parts[i] = unescape(parts[i])
	}
	return parts
}

func find(r *http.Request) (operation int, parts []string) {
	parts = segments(r)
	for i, op := range operations {
		shape := strings.Split(op.shape, "/")
		fits := op.method == r.Method && len(shape) == len(parts)
		for j := 0; fits && j < len(shape); j++ {
			fits = shape[j] == "*" || shape[j] == parts[j]
		}
		if fits {
			return i, parts
		}
	}
	return -1, parts
}

// Identify names the operation; the resource is the API's id.
func (c control) Identify(r *http.Request, _ []byte) (operation, resource string, ok bool) {
	i, parts := find(r)
	if len(parts) > 1 {
		resource = parts[1]
	}
	if i < 0 {
		return r.Method + " " + r.URL.Path, resource, false
	}
	return operations[i].name, resource, true
}

// Do carries the call out.
func (c control) Do(_ context.Context, call cloud.Call) cloud.Reply {
	i, parts := find(call.Request)
	c.mu.Lock()
	defer c.mu.Unlock()
	r, e := operations[i].do(c.Gateway, &request{Call: call, parts: parts})
	if e != nil {
		return c.Fail(call, e)
	}
	return r
}

// Fail renders an error as restJson1.
func (control) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	r := reply(e.Status, map[string]string{"message": e.Message})
	r.Header.Set("X-Amzn-Errortype", e.Code)
	return r
}

// withAPI finds the API that a path names, in the caller's account and region.
func withAPI(do func(*Gateway, *request, *api) (cloud.Reply, *cloud.Error)) func(*Gateway, *request) (cloud.Reply, *cloud.Error) {
	return func(g *Gateway, r *request) (cloud.Reply, *cloud.Error) {
		a := g.apis[r.parts[1]]
		if a == nil || a.account != r.Account || a.region != r.Region {
			return cloud.Reply{}, notFound("Invalid API identifier specified %s:%s", r.Account, r.parts[1])
		}
		return do(g, r, a)
	}
}

// read decodes the body. Members that the sandbox does not know are refused by name, so that nothing
// that a client asks for is silently left undone.
func (r *request) read(v any) *cloud.Error {
	if len(r.Body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return notImplemented(r.Operation + " with " + strings.Trim(name, `"`))
		}
		return badRequest("Invalid request input")
	}
	return nil
}

// page cuts a list as maxResults and nextToken say.
func page[T any](r *request, list []T, show func(T) any) (cloud.Reply, *cloud.Error) {
	query := r.Request.URL.Query()
	size, from := 25, 0
	if v := query.Get("maxResults"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return cloud.Reply{}, badRequest("Invalid value for maxResults")
		}
		size = min(n, 500)
	}
	if v := query.Get("nextToken"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > len(list) {
			return cloud.Reply{}, badRequest("Invalid nextToken")
		}
		from = n
	}
	to := min(from+size, len(list))
	items := []any{}
	for _, v := range list[from:to] {
		items = append(items, show(v))
	}
	out := map[string]any{"items": items}
	if to < len(list) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return reply(http.StatusOK, out), nil
}

type apiInput struct {
	Name                      *string           `json:"name"`
	ProtocolType              *string           `json:"protocolType"`
	Description               *string           `json:"description"`
	Version                   *string           `json:"version"`
	Tags                      map[string]string `json:"tags"`
	DisableExecuteAPIEndpoint *bool             `json:"disableExecuteApiEndpoint"`
	RouteSelectionExpression  *string           `json:"routeSelectionExpression"`
}

// apply changes what is given, and nothing else.
func (in apiInput) apply(a *api) {
	set(&a.name, in.Name)
	set(&a.description, in.Description)
	set(&a.version, in.Version)
	set(&a.disabled, in.DisableExecuteAPIEndpoint)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (in apiInput) check() *cloud.Error {
	if in.Name != nil && (*in.Name == "" || len(*in.Name) > 128) {
		return badRequest("Invalid value for name: it needs 1 to 128 characters")
	}
	if in.RouteSelectionExpression != nil && *in.RouteSelectionExpression != "${request.method} ${request.path}" && *in.RouteSelectionExpression != "$request.method $request.path" {
		return badRequest("Invalid RouteSelectionExpression for HTTP protocol; only $request.method $request.path is supported")
	}
	return nil
}

func (g *Gateway) createAPI(r *request) (cloud.Reply, *cloud.Error) {
	var in apiInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	switch {
	case in.Name == nil:
		return cloud.Reply{}, badRequest("name is a required field")
	case in.ProtocolType == nil:
		return cloud.Reply{}, badRequest("protocolType is a required field")
	case *in.ProtocolType == "WEBSOCKET":
		return cloud.Reply{}, notImplemented("CreateApi with protocolType WEBSOCKET")
	case *in.ProtocolType != "HTTP":
		return cloud.Reply{}, badRequest("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	}
	if e := in.check(); e != nil {
		return cloud.Reply{}, e
	}
	a := &api{account: r.Account, region: r.Region, id: g.id(10), created: time.Now(), tags: map[string]string{}}
	in.apply(a)
	for name, value := range in.Tags {
		a.tags[name] = value
	}
	g.apis[a.id] = a
	return reply(http.StatusCreated, g.show(a)), nil
}

func (g *Gateway) show(a *api) any {
	out := map[string]any{
		"apiId": a.id, "name": a.name, "protocolType": "HTTP",
		"apiEndpoint":               g.options.BaseURL + prefix + a.id,
		"createdDate":               stamp(a.created),
		"routeSelectionExpression":  "$request.method $request.path",
		"apiKeySelectionExpression": "$request.header.x-api-key",
		"disableExecuteApiEndpoint": a.disabled,
		"ipAddressType":             "ipv4",
		"tags":                      a.tags,
	}
	optional(out, "description", a.description)
	optional(out, "version", a.version)
	return out
}

func optional(out map[string]any, name, value string) {
	if value != "" {
		out[name] = value
	}
}

func (g *Gateway) getAPIs(r *request) (cloud.Reply, *cloud.Error) {
	var mine []*api
	for _, a := range g.apis {
		if a.account == r.Account && a.region == r.Region {
			mine = append(mine, a)
		}
	}
	sortBy(mine, func(a *api) string { return a.id })
	return page(r, mine, g.show)
}

func getAPI(g *Gateway, _ *request, a *api) (cloud.Reply, *cloud.Error) {
	return reply(http.StatusOK, g.show(a)), nil
}

func updateAPI(g *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	var in apiInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	if in.ProtocolType != nil || in.Tags != nil {
		return cloud.Reply{}, badRequest("Invalid request input")
	}
	if e := in.check(); e != nil {
		return cloud.Reply{}, e
	}
	in.apply(a)
	return reply(http.StatusOK, g.show(a)), nil
}

func deleteAPI(g *Gateway, _ *request, a *api) (cloud.Reply, *cloud.Error) {
	delete(g.apis, a.id)
	return reply(http.StatusNoContent, nil), nil
}

// tagged is what an ARN names that can carry tags.
type tagged struct {
	r    *request
	tags map[string]string
}

func withTags(do func(*tagged) (cloud.Reply, *cloud.Error)) func(*Gateway, *request) (cloud.Reply, *cloud.Error) {
	return func(g *Gateway, r *request) (cloud.Reply, *cloud.Error) {
		for _, a := range g.apis {
			if a.account != r.Account || a.region != r.Region {
				continue
			}
			if r.parts[1] == a.arn() {
				return do(&tagged{r, a.tags})
			}
			for _, s := range a.stages {
				if r.parts[1] == a.arn()+"/stages/"+s.name || r.parts[1] == a.arn()+"/stages/"+url.PathEscape(s.name) {
					return do(&tagged{r, s.tags})
				}
			}
		}
		return cloud.Reply{}, notFound("Invalid resource ARN specified: %s", r.parts[1])
	}
}

// maxTags is how many tags a resource can carry.
const maxTags = 50

func (t *tagged) set() (cloud.Reply, *cloud.Error) {
	var in struct {
		Tags map[string]string `json:"tags"`
	}
	if e := t.r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	if len(in.Tags) == 0 {
		return cloud.Reply{}, badRequest("tags is a required field")
	}
	if len(t.tags)+len(in.Tags) > maxTags {
		return cloud.Reply{}, badRequest("A resource cannot have more than %d tags", maxTags)
	}
	for name, value := range in.Tags {
		t.tags[name] = value
	}
	return reply(http.StatusCreated, struct{}{}), nil
}

func (t *tagged) get() (cloud.Reply, *cloud.Error) {
	return reply(http.StatusOK, map[string]any{"tags": t.tags}), nil
}

func (t *tagged) remove() (cloud.Reply, *cloud.Error) {
	for _, name := range t.r.Request.URL.Query()["tagKeys"] {
		delete(t.tags, name)
	}
	return reply(http.StatusNoContent, nil), nil
}
