package apigateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// prefix is where the data plane is: the API's id follows, then the path that the API sees. On AWS the
// id is in the host's name.
const prefix = "/_api/"

// maxPayload is API Gateway's limit for a request.
const maxPayload = 10 << 20

// data runs the functions behind the APIs.
type data struct{ *Gateway }

func (data) Name() string { return "execute-api" }

// A hit is a request with the API, the stage and the route that it is for.
type hit struct {
	api       *api
	stage     string
	path      string // as the API sees it, escaped as sent, with the stage's name if that is in the URL
	route     *route
	variables map[string]string
	target    integration

	stageVariables map[string]string
}

// locate finds out what a request is for. It returns nil for an API that does not exist; stage and route
// are empty where nothing fits.
func (g *Gateway) locate(r *http.Request) *hit {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), prefix), "/")
	a := g.apis[id]
	if a == nil || a.disabled {
		return nil
	}
	h := &hit{api: a, path: "/" + path}
	within := h.path
	first, rest, _ := strings.Cut(path, "/")
	switch {
	case a.stage(unescape(first)) != nil && first != "":
		h.stage, within = unescape(first), "/"+rest
	case a.stage("$default") != nil:
		h.stage = "$default"
	default:
		return h
	}
	h.stageVariables = a.stage(h.stage).variables
	chosen, variables := a.choose(r.Method, within)
	if chosen == nil {
		return h
	}
	if i := a.integration(strings.TrimPrefix(chosen.target, "integrations/")); i != nil {
		h.target = *i
	}
	copied := *chosen
	h.route, h.variables = &copied, variables
	return h
}

// Identify names every request "Invoke"; the resource is "id/stage/METHOD/path", as in the ARNs of
// policies.
func (d data) Identify(r *http.Request, _ []byte) (operation, resource string, ok bool) {
	h := d.locate(r)
	if h == nil {
		id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
		return "Invoke", id, true
	}
	return "Invoke", h.api.id + "/" + h.stage + "/" + r.Method + strings.TrimPrefix(h.path, "/"+h.stage), true
}

// Do runs the function behind the route and answers as it says.
func (d data) Do(ctx context.Context, call cloud.Call) cloud.Reply {
	requestID := d.requestID()
	h := d.locate(call.Request)
	switch {
	case h == nil || h.route == nil || h.target.id == "":
		return plain(requestID, http.StatusNotFound, "Not Found")
	case h.route.authorization == "AWS_IAM" && !mayCall(call, h.api):
		return plain(requestID, http.StatusForbidden, "Forbidden")
	case len(call.Body) > maxPayload:
		return plain(requestID, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	payload, err := event(call, h, requestID)
	if err != nil {
		return plain(requestID, http.StatusInternalServerError, "Internal Server Error")
	}
	limited, cancel := context.WithTimeout(ctx, h.target.timeout)
	defer cancel()
	in := cloud.Invocation{
		Account: h.target.target.account, Region: h.target.target.region,
		Function: h.target.target.name, Qualifier: h.target.target.qualifier,
		Payload: payload,
	}
	if h.target.credentials == "" {
		// With a role of its own the integration needs no permission on the function.
		in.Principal, in.SourceARN = "apigateway.amazonaws.com", h.sourceARN(call.Request.Method)
	}
	out, err := d.options.Invoker.Invoke(limited, in)
	var refused *cloud.Error
	switch {
	case limited.Err() != nil, errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		return plain(requestID, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil, out.FunctionError != "":
		return plain(requestID, http.StatusInternalServerError, "Internal Server Error")
	}
	answer, ok := response(out.Payload)
	if !ok {
		return plain(requestID, http.StatusInternalServerError, "Internal Server Error")
	}
	answer.Header.Set("Apigw-Requestid", requestID)
	return answer
}

// mayCall says whether the caller's own account lets it call the API. Another account's caller would
// need a resource policy, which HTTP APIs do not have.
func mayCall(call cloud.Call, a *api) bool {
	return call.Principal != "" && call.Account == a.account && call.Region == a.region
}

// sourceARN is what the function's policy sees as the caller: the API, the stage, the method and the
// route's path.
func (h *hit) sourceARN(method string) string {
	path := "/" + method + h.route.pattern.path
	if h.route.pattern.all {
		path = "/$default"
	}
	return "arn:aws:execute-api:" + h.api.region + ":" + h.api.account + ":" + h.api.id + "/" + h.stage + path
}

// Fail renders an error of the gateway.
func (d data) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	return plain(d.requestID(), e.Status, e.Message)
}

func plain(requestID string, status int, message string) cloud.Reply {
	r := reply(status, map[string]string{"message": message})
	r.Header.Set("Apigw-Requestid", requestID)
	return r
}

// requestID looks like those of HTTP APIs.
func (g *Gateway) requestID() string { return g.id(15) + "=" }
