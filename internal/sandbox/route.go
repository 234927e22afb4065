package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/sns"
)

// serviceOf finds the service that a request is for: a data plane by its prefix, everything else by the
// scope of its signature. Without a signature the request's shape decides, so that the refusal comes in
// the right protocol.
func serviceOf(r *http.Request, body []byte, sig *signature) string {
	path, target := r.URL.Path, r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(path, "/_api/"):
		return "execute-api"
	case strings.HasPrefix(path, "/_url/"):
		return "lambda-url"
	case sig != nil:
		return sig.service
	case strings.HasPrefix(target, "DynamoDB_"):
		return "dynamodb"
	case strings.HasPrefix(target, "AmazonEC2ContainerRegistry_"):
		return "ecr"
	case strings.HasPrefix(path, "/v2/apis"), strings.HasPrefix(path, "/v2/tags"):
		return "apigateway"
	case strings.HasPrefix(path, "/20") && strings.HasPrefix(strings.TrimLeft(path, "/0123456789-"), "functions"):
		return "lambda"
	case path == "/" && apiVersion(r, body) == sns.Version:
		return "sns"
	case path == "/" && (isForm(body) || r.URL.Query().Get("Action") != ""):
		return "sts"
	}
	return "s3"
}

// apiVersion tells the services of the query protocol apart.
func apiVersion(r *http.Request, body []byte) string {
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Version")
	}
	return r.URL.Query().Get("Version")
}

func isForm(body []byte) bool {
	form, err := url.ParseQuery(string(body))
	return err == nil && form.Get("Action") != ""
}

// dataPlane says whether the service is one that runs functions for the world, not an API of AWS.
func dataPlane(service string) bool { return service == "execute-api" || service == "lambda-url" }

// invocation says whether the operation runs a function while its caller waits.
func invocation(service, operation string) bool {
	return dataPlane(service) || service == "lambda" && strings.HasPrefix(operation, "Invoke")
}

// worksUnsigned says whether the service itself decides what an unsigned request may do.
func worksUnsigned(service, operation string) bool {
	return dataPlane(service) || service == "sts" && operation == "AssumeRoleWithWebIdentity"
}

// noService answers a request that is signed for a service which the sandbox does not have.
func noService(service, operation string) cloud.Reply {
	what, _ := json.Marshal("the sandbox does not implement " + service + ":" + operation) // a string always marshals
	return cloud.Reply{
		Status: http.StatusNotImplemented,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {"NotImplementedException"}},
		Body:   []byte(`{"__type":"NotImplementedException","message":` + string(what) + `}`),
	}
}

// guessOperation names the operation of such a request as well as the protocols of AWS allow.
func guessOperation(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	if _, name, ok := strings.Cut(r.URL.Path, "/operation/"); ok {
		return name
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	return r.Method + " " + r.URL.Path
}
