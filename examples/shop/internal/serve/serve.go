// Package serve is what the three functions of the example shop share: one handler that answers both a plain invocation
// ({"ping": true}) and a request from an HTTP API, and that says which release it is.
package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Set at build time: -ldflags "-X .../serve.Release=2 -X .../serve.Fault=payments".
var (
	Release = "1"
	Fault   = "" // the function whose release is broken, to show what happens then
)

// A Page answers one path below the function's own, such as "/health" or "/products".
type Page func(query map[string]string) (any, int)

// Function serves one function of the shop under its name until Lambda ends the process.
func Function(name string, pages map[string]Page) {
	broken := Fault == name
	lambda.Start(func(_ context.Context, event json.RawMessage) (any, error) {
		var request events.APIGatewayV2HTTPRequest
		if json.Unmarshal(event, &request) != nil || request.Version != "2.0" {
			return map[string]any{"ok": !broken, "function": name, "release": Release, "version": lambdacontext.FunctionVersion}, nil
		}
		return respond(name, pages, request, broken), nil
	})
}

func respond(name string, pages map[string]Page, request events.APIGatewayV2HTTPRequest, broken bool) events.APIGatewayV2HTTPResponse {
	// An HTTP API passes the whole path (/shop/prod/checkout/health) as rawPath; what follows the function's own part
	// stands in pathParameters.proxy. A request made by `via: invoke` has the path alone.
	path := request.RawPath
	if _, routed := request.PathParameters["proxy"]; routed || strings.HasPrefix(request.RouteKey, "ANY ") {
		path = "/" + request.PathParameters["proxy"]
	}
	if path == "/health" {
		status, health := http.StatusOK, "ok"
		if broken {
			status, health = http.StatusInternalServerError, "cannot reach the card network"
		}
		return answer(status, map[string]any{"status": health, "function": name, "release": Release, "version": lambdacontext.FunctionVersion})
	}
	page, found := pages[path]
	if !found {
		return answer(http.StatusNotFound, map[string]any{"error": "no such page", "path": path})
	}
	body, status := page(request.QueryStringParameters)
	return answer(status, body)
}

func answer(status int, body any) events.APIGatewayV2HTTPResponse {
	text, err := json.Marshal(body)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusInternalServerError}
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"content-type": "application/json"},
		Body:       string(text),
	}
}
