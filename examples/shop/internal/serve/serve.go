// Package serve is what the three functions of the example shop share: one handler that answers both a plain invocation
// ({"ping": true}) and a request from an HTTP API, and that says which release it is.
//
// What release that is stands in release.json beside the program, as a build would write it.
package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// ReleaseFile is the name of the file that says what a function is a release of.
const ReleaseFile = "release.json"

// A Release is what a function knows of itself.
type Release struct {
	Number string `json:"release"`
	Broken bool   `json:"broken,omitempty"` // the function does not do its work, to show what happens then
}

// A Page answers one path below the function's own, such as "/health" or "/products".
type Page func(query map[string]string) (any, int)

// Function serves one function of the shop under its name until Lambda ends the process.
func Function(name string, pages map[string]Page) {
	f := function{name: name, pages: pages, release: read(filepath.Join(os.Getenv("LAMBDA_TASK_ROOT"), ReleaseFile))}
	lambda.Start(func(_ context.Context, event json.RawMessage) (any, error) {
		var request events.APIGatewayV2HTTPRequest
		if json.Unmarshal(event, &request) != nil || request.Version != "2.0" {
			about := f.about()
			about["ok"] = !f.release.Broken
			return about, nil
		}
		return f.respond(request), nil
	})
}

// read finds out which release this is. Code that was never built for one has no file.
func read(path string) (r Release) {
	if text, err := os.ReadFile(path); err != nil || json.Unmarshal(text, &r) != nil || r.Number == "" {
		return Release{Number: "none"}
	}
	return r
}

type function struct {
	name    string
	pages   map[string]Page
	release Release
}

func (f function) about() map[string]any {
	return map[string]any{"function": f.name, "release": f.release.Number, "version": lambdacontext.FunctionVersion}
}

func (f function) respond(request events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	// An HTTP API passes the whole path (/shop/prod/checkout/health) as rawPath; what follows the function's own part
	// stands in pathParameters.proxy. A request made by `via: invoke` has the path alone.
	path := request.RawPath
	if _, routed := request.PathParameters["proxy"]; routed || strings.HasPrefix(request.RouteKey, "ANY ") {
		path = "/" + request.PathParameters["proxy"]
	}
	if path == "/health" {
		status, health := http.StatusOK, f.about()
		health["status"] = "ok"
		if f.release.Broken {
			status, health["status"] = http.StatusInternalServerError, "cannot reach the card network"
		}
		return f.answer(status, health)
	}
	page, found := f.pages[path]
	if !found {
		return f.answer(http.StatusNotFound, map[string]any{"error": "no such page", "path": path})
	}
	body, status := page(request.QueryStringParameters)
	return f.answer(status, body)
}

func (f function) answer(status int, body any) events.APIGatewayV2HTTPResponse {
	text, err := json.Marshal(body)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusInternalServerError}
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"content-type": "application/json", "x-shop-function": f.name, "x-shop-release": f.release.Number},
		Body:       string(text),
	}
}
