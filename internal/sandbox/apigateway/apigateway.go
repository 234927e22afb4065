// Package apigateway is the sandbox's API Gateway, HTTP APIs only: the control plane (service
// "apigateway") with APIs, stages, integrations, routes and tags, and the data plane (service
// "execute-api") that selects a route, builds the function's event in payload format 2.0 and turns what
// the function returns into a response.
//
// Integrations are Lambda proxies, authorization is NONE or AWS_IAM, and stages deploy automatically.
// WebSocket APIs, other integrations, authorizers, CORS, domain names and throttling are not implemented.
package apigateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// maxRoutes and maxIntegrations are API Gateway's quotas for one API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	maxRoutes       = 300
	maxIntegrations = 300
)

// Options are what the gateway needs of the rest.
type Options struct {
	BaseURL string        // what endpoints start with
	Invoker cloud.Invoker // runs the functions of integrations
	// Random returns n bytes for ids.
	Random func(n int) []byte
}

// Gateway holds all APIs. Its control plane is Control, its data plane Data.
type Gateway struct {
	options Options

	mu   sync.Mutex
	apis map[string]*api // by id, which is unique across accounts and regions
}

// New returns a gateway without APIs.
func New(o Options) *Gateway { return &Gateway{options: o, apis: map[string]*api{}} }

// Control is the service "apigateway".
func (g *Gateway) Control() cloud.Service { return control{g} }

// Data is the service "execute-api".
func (g *Gateway) Data() cloud.Service { return data{g} }

type api struct {
	account, region string

	id, name, description, version string
	created                        time.Time
	tags                           map[string]string
	disabled                       bool // the default endpoint
	stages                         []*stage
	integrations                   []*integration
	routes                         []*route
}

type stage struct {
	name, description string
	autoDeploy        bool
	created, updated  time.Time
	deployment        string
	tags              map[string]string
	variables         map[string]string
}

type integration struct {
	id, uri, description, credentials string
	timeout                           time.Duration
	target                            functionRef
}

type route struct {
	id, key, authorization, target, operationName string
	pattern                                       pattern
}

func (a *api) arn() string { return "arn:aws:apigateway:" + a.region + "::/apis/" + a.id }

func (a *api) stage(name string) *stage {
	return named(a.stages, name, func(s *stage) string { return s.name })
}
func (a *api) route(id string) *route {
	return named(a.routes, id, func(r *route) string { return r.id })
}
func (a *api) integration(id string) *integration {
	return named(a.integrations, id, func(i *integration) string { return i.id })
}

func named[T any](list []*T, name string, of func(*T) string) *T {
	for _, v := range list {
		if of(v) == name {
			return v
		}
	}
	return nil
}

// id makes an identifier as API Gateway does: small letters and digits.
func (g *Gateway) id(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := g.options.Random(n)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

func refuse(status int, code, format string, args ...any) *cloud.Error {
	return &cloud.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *cloud.Error {
	return refuse(http.StatusBadRequest, "BadRequestException", format, args...)
}

func notFound(format string, args ...any) *cloud.Error {
	return refuse(http.StatusNotFound, "NotFoundException", format, args...)
}

// notImplemented names what a client asked for and the sandbox does not have.
func notImplemented(what string) *cloud.Error {
	return refuse(http.StatusNotImplemented, "NotImplementedException", "the sandbox does not implement %s", what)
}

func reply(status int, v any) cloud.Reply {
	header := http.Header{"Content-Type": {"application/json"}}
	if v == nil {
		return cloud.Reply{Status: status, Header: header}
	}
	body, _ := json.Marshal(v) // maps of plain values always marshal
	return cloud.Reply{Status: status, Header: header, Body: body}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// A functionRef is the function that an integration's URI names.
type functionRef struct{ account, region, name, qualifier string }

// parseFunction reads both forms of an integration's URI: the function's ARN, and the path of Lambda's
// API that API Gateway itself writes.
func parseFunction(uri string) (functionRef, bool) {
	arn := uri
	if _, rest, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/"); ok && strings.HasPrefix(uri, "arn:aws:apigateway:") {
		if arn, ok = strings.CutSuffix(rest, "/invocations"); !ok {
			return functionRef{}, false
		}
	}
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || len(parts) > 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" || parts[6] == "" {
		return functionRef{}, false
	}
	ref := functionRef{account: parts[4], region: parts[3], name: parts[6]}
	if len(parts) == 8 {
		ref.qualifier = parts[7]
	}
	return ref, ref.account != "" && ref.region != ""
}
