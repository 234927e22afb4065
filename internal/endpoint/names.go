package endpoint

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/promote-on-success/promote/internal/promotion"
)

// TagKey is the tag by which an app's API is found. Its value is "<app>/<api>".
const TagKey = "promote:endpoints"

func tagValue(r promotion.Request) string { return r.App + "/" + r.Endpoints.API }

// latestName is the part of the path that stands for the newest code, where an environment's name stands otherwise.
const latestName = "latest"

// An endpoint is one of the two addresses of an app.
type endpoint struct {
	name   string // "latest", or the environment's
	alias  string // "" for $LATEST
	prefix string // "/shop/latest"
	auth   types.AuthorizationType
}

// endpoints are the two of a request.
func endpoints(r promotion.Request) (latest, environment endpoint, err error) {
	if r.Endpoints == nil {
		return latest, environment, promotion.Fault{What: "no endpoints are configured", Hint: "endpoints: {api: " + r.App + "} in promote.yaml names them"}
	}
	if r.Environment.Name == latestName {
		return latest, environment, promotion.Fault{What: "an environment cannot be called latest: its routes would be those of the newest code"}
	}
	latest = endpoint{name: latestName, prefix: "/" + r.App + "/" + latestName, auth: authorization(r.Endpoints.Latest)}
	environment = endpoint{
		name: r.Environment.Name, alias: r.Environment.Alias,
		prefix: "/" + r.App + "/" + r.Environment.Name, auth: authorization(r.Endpoints.Environment),
	}
	return latest, environment, nil
}

// authorization is closed unless it is said to be open.
func authorization(a promotion.EndpointAuth) types.AuthorizationType {
	if a == promotion.AuthNone {
		return types.AuthorizationTypeNone
	}
	return types.AuthorizationTypeAwsIam
}

// routeKeys are those of a function: its path, and everything below it.
func (e endpoint) routeKeys(f promotion.Function) [2]string {
	path := strings.Trim(f.Path, "/")
	if f.Path == "" {
		path = f.Key
	}
	if path != "" {
		path = "/" + path
	}
	return [2]string{"ANY " + e.prefix + path, "ANY " + e.prefix + path + "/{proxy+}"}
}

// statementID names the permission in the function's policy, so that making it twice is refused as a conflict.
func (e endpoint) statementID(apiID string) string { return "promote-" + apiID + "-" + e.name }

// A functionARN is the ARN of a function without qualifier.
type functionARN struct{ partition, region, account, text string }

func parseFunctionARN(text string) (functionARN, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[5] != "function" {
		return functionARN{}, fmt.Errorf("%q is not a function's ARN", text)
	}
	// Lambda answers without a qualifier where none was asked for; an integration has to have none either.
	return functionARN{partition: parts[1], region: parts[3], account: parts[4], text: strings.Join(parts[:7], ":")}, nil
}

// qualified is the ARN that an endpoint's integration names.
func (a functionARN) qualified(e endpoint) string {
	if e.alias == "" {
		return a.text
	}
	return a.text + ":" + e.alias
}

// source is the ARN pattern of the requests that may invoke the function: all methods and stages of this API
// below the endpoint. It does not hold the function's path, which may change:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
func (a functionARN) source(apiID string, e endpoint) string {
	return fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/*/*%s*", a.partition, a.region, a.account, apiID, e.prefix)
}

// invokes tells whether an integration's URI names the function by the endpoint's qualifier. Besides the ARN, other
// tools write the path of Lambda's API with the ARN in it.
func invokes(uri string, e endpoint, f promotion.Function) bool {
	if _, arn, ok := strings.Cut(uri, "/functions/"); ok {
		uri = strings.TrimSuffix(arn, "/invocations")
	}
	_, target, ok := strings.Cut(uri, ":function:")
	want := f.Name
	if e.alias != "" {
		want += ":" + e.alias
	}
	return ok && target == want
}
