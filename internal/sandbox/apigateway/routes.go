package apigateway

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

type integrationInput struct {
	IntegrationType      *string `json:"integrationType"`
	IntegrationURI       *string `json:"integrationUri"`
	IntegrationMethod    *string `json:"integrationMethod"`
	PayloadFormatVersion *string `json:"payloadFormatVersion"`
	ConnectionType       *string `json:"connectionType"`
	CredentialsArn       *string `json:"credentialsArn"`
	Description          *string `json:"description"`
	TimeoutInMillis      *int    `json:"timeoutInMillis"`
}

// apply checks what is given and changes that, and nothing else.
func (in integrationInput) apply(r *request, i *integration) *cloud.Error {
	if v := in.IntegrationType; v != nil && *v != "AWS_PROXY" {
		return notImplemented(r.Operation + " with integrationType " + *v)
	}
	if v := in.PayloadFormatVersion; v != nil {
		switch *v {
		case "2.0":
		case "1.0":
			return notImplemented(r.Operation + " with payloadFormatVersion 1.0")
		default:
			return badRequest("Invalid PayloadFormatVersion specified. Must be one of [1.0, 2.0]")
		}
	}
	if v := in.ConnectionType; v != nil && *v != "INTERNET" {
		return notImplemented(r.Operation + " with connectionType " + *v)
	}
	if v := in.TimeoutInMillis; v != nil {
		if *v < 50 || *v > 30000 {
			return badRequest("Timeout should be between 50 ms and 30000 ms")
		}
		i.timeout = time.Duration(*v) * time.Millisecond
	}
	if v := in.IntegrationURI; v != nil {
		target, ok := parseFunction(*v)
		if !ok {
			return badRequest("Integration URI must be a valid Lambda function ARN: %s", *v)
		}
		i.uri, i.target = *v, target
	}
	set(&i.description, in.Description)
	set(&i.credentials, in.CredentialsArn)
	return nil
}

func createIntegration(g *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	var in integrationInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	switch {
	case in.IntegrationType == nil:
		return cloud.Reply{}, badRequest("integrationType is a required field")
	case in.IntegrationURI == nil:
		return cloud.Reply{}, badRequest("IntegrationUri is a required field for AWS_PROXY integration")
	case in.PayloadFormatVersion == nil:
		return cloud.Reply{}, badRequest("PayloadFormatVersion is a required parameter for integration")
	case len(a.integrations) >= maxIntegrations:
		return cloud.Reply{}, full("Integrations")
	}
	i := &integration{id: g.id(7), timeout: 30 * time.Second}
	if e := in.apply(r, i); e != nil {
		return cloud.Reply{}, e
	}
	a.integrations = append(a.integrations, i)
	return reply(http.StatusCreated, showIntegration(i)), nil
}

// full is how API Gateway refuses one more than its quota.
func full(what string) *cloud.Error {
	return refuse(http.StatusTooManyRequests, "ConflictException",
		"Maximum number of %s for this API has been reached. Please contact AWS if you need additional %s.", what, what)
}

func showIntegration(i *integration) any {
	out := map[string]any{
		"integrationId": i.id, "integrationType": "AWS_PROXY", "integrationUri": i.uri, "integrationMethod": "POST",
		"payloadFormatVersion": "2.0", "connectionType": "INTERNET", "timeoutInMillis": i.timeout.Milliseconds(),
	}
	optional(out, "description", i.description)
	optional(out, "credentialsArn", i.credentials)
	return out
}

func getIntegrations(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	return page(r, a.integrations, func(i *integration) any { return showIntegration(i) })
}

// integrationOf finds the integration that a path names.
func integrationOf(r *request, a *api) (*integration, *cloud.Error) {
	if i := a.integration(r.parts[3]); i != nil {
		return i, nil
	}
	return nil, notFound("Invalid Integration identifier specified")
}

func getIntegration(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	i, e := integrationOf(r, a)
	if e != nil {
		return cloud.Reply{}, e
	}
	return reply(http.StatusOK, showIntegration(i)), nil
}

func updateIntegration(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	i, e := integrationOf(r, a)
	if e != nil {
		return cloud.Reply{}, e
	}
	var in integrationInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	changed := *i
	if e := in.apply(r, &changed); e != nil {
		return cloud.Reply{}, e
	}
	*i = changed
	return reply(http.StatusOK, showIntegration(i)), nil
}

func deleteIntegration(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	i, e := integrationOf(r, a)
	if e != nil {
		return cloud.Reply{}, e
	}
	for _, rt := range a.routes {
		if rt.target == "integrations/"+i.id {
			return cloud.Reply{}, refuse(http.StatusConflict, "ConflictException", "Cannot delete Integration '%s' because it is referenced by Route '%s'", i.id, rt.key)
		}
	}
	a.integrations = slices.DeleteFunc(a.integrations, func(other *integration) bool { return other == i })
	return reply(http.StatusNoContent, nil), nil
}

type routeInput struct {
	RouteKey          *string `json:"routeKey"`
	AuthorizationType *string `json:"authorizationType"`
	Target            *string `json:"target"`
	OperationName     *string `json:"operationName"`
}

// apply checks what is given and changes that, and nothing else.
func (in routeInput) apply(r *request, a *api, rt *route) *cloud.Error {
	if v := in.RouteKey; v != nil {
		p, ok := parsePattern(*v)
		if !ok {
			return badRequest("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")
		}
		for _, other := range a.routes {
			if other.id != rt.id && other.key == *v {
				return refuse(http.StatusConflict, "ConflictException", "Route with key %s already exists for this API", *v)
			}
		}
		rt.key, rt.pattern = *v, p
	}
	if v := in.AuthorizationType; v != nil {
		switch *v {
		case "NONE", "AWS_IAM":
			rt.authorization = *v
		case "JWT", "CUSTOM":
			return notImplemented(r.Operation + " with authorizationType " + *v)
		default:
			return badRequest("Invalid authorizer type specified. Must be one of [NONE, AWS_IAM, CUSTOM, JWT]")
		}
	}
	if v := in.Target; v != nil {
		id, ok := strings.CutPrefix(*v, "integrations/")
		if !ok || a.integration(id) == nil {
			return badRequest("Invalid integration target specified: %s", *v)
		}
		rt.target = *v
	}
	set(&rt.operationName, in.OperationName)
	return nil
}

func createRoute(g *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	var in routeInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	switch {
	case in.RouteKey == nil:
		return cloud.Reply{}, badRequest("routeKey is a required field")
	case len(a.routes) >= maxRoutes:
		return cloud.Reply{}, full("Routes")
	}
	rt := &route{id: g.id(7), authorization: "NONE"}
	if e := in.apply(r, a, rt); e != nil {
		return cloud.Reply{}, e
	}
	a.routes = append(a.routes, rt)
	return reply(http.StatusCreated, showRoute(rt)), nil
}

func showRoute(rt *route) any {
	out := map[string]any{"routeId": rt.id, "routeKey": rt.key, "authorizationType": rt.authorization, "apiKeyRequired": false}
	optional(out, "target", rt.target)
	optional(out, "operationName", rt.operationName)
	return out
}

func getRoutes(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	return page(r, a.routes, func(rt *route) any { return showRoute(rt) })
}

// routeOf finds the route that a path names.
func routeOf(r *request, a *api) (*route, *cloud.Error) {
	if rt := a.route(r.parts[3]); rt != nil {
		return rt, nil
	}
	return nil, notFound("Invalid Route identifier specified")
}

func getRoute(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	rt, e := routeOf(r, a)
	if e != nil {
		return cloud.Reply{}, e
	}
	return reply(http.StatusOK, showRoute(rt)), nil
}

func updateRoute(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	rt, e := routeOf(r, a)
	if e != nil {
		return cloud.Reply{}, e
	}
	var in routeInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	changed := *rt
	if e := in.apply(r, a, &changed); e != nil {
		return cloud.Reply{}, e
	}
	*rt = changed
	return reply(http.StatusOK, showRoute(rt)), nil
}

func deleteRoute(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	rt, e := routeOf(r, a)
	if e != nil {
		return cloud.Reply{}, e
	}
	a.routes = slices.DeleteFunc(a.routes, func(other *route) bool { return other == rt })
	return reply(http.StatusNoContent, nil), nil
}
