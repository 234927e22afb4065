package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// urlPrefix is where function URLs live on the sandbox's host; AWS gives each a host of its own.
const urlPrefix = "/_url/"

func sortedURLs(urls map[string]*urlConfig) []*urlConfig {
	var list []*urlConfig
	for _, qualifier := range slices.Sorted(maps.Keys(urls)) {
		list = append(list, urls[qualifier])
	}
	return list
}

// URLs is the data plane of function URLs: a [cloud.Service] for paths that begin with /_url/. The account
// and region of a call are the function's, whatever the server has read from the request.
type URLs struct{ lambda *Service }

// URLs returns the data plane that belongs to this Lambda.
func (s *Service) URLs() *URLs { return &URLs{s} }

// Name is "lambda-url".
func (u *URLs) Name() string { return "lambda-url" }

// Identify finds the function behind a URL. There is one operation.
func (u *URLs) Identify(r *http.Request, _ []byte) (operation, resource string, ok bool) {
	config, _ := u.find(r)
	if config == nil {
		return "InvokeFunctionUrl", "", true
	}
	return "InvokeFunctionUrl", config.function.name, true
}

// find returns the URL's configuration as it is now, and the path below it.
func (u *URLs) find(r *http.Request) (*urlConfig, string) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), urlPrefix), "/")
	u.lambda.mu.Lock()
	defer u.lambda.mu.Unlock()
	config := u.lambda.urls[id]
	if config == nil {
		return nil, ""
	}
	now := *config
	return &now, "/" + rest
}

// Fail renders an error as function URLs do.
func (u *URLs) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	reply := answer(e.Status, map[string]any{"Message": e.Message})
	reply.Header.Set("X-Amzn-Errortype", e.Code)
	return reply
}

// Do turns a request into an event, invokes the function and turns its answer into a response.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (u *URLs) Do(ctx context.Context, call cloud.Call) cloud.Reply {
	config, path := u.find(call.Request)
	forbidden := &cloud.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}
	if config == nil {
		return u.Fail(call, forbidden)
	}
	s := u.lambda
	home := config.function.home
	may := func(f *function) error {
		if config.admits(f, call) {
			return nil
		}
		return forbidden
	}
	run, err := s.prepare(home.place, config.function.name, config.qualifier, may)
	if err != nil {
		return u.Fail(call, asError(err))
	}
	defer run.done()
	doc, err := json.Marshal(config.event(call, path, run.in.RequestID, time.Now()))
	if err != nil {
		return u.Fail(call, asError(err))
	}
	run.in.Payload = doc
	out, err := s.options.Runner.Invoke(ctx, run.in)
	if err != nil {
		return u.Fail(call, asError(err))
	}
	reply := response(out.Payload, out.FunctionError != "")
	reply.Header.Set("X-Amzn-Requestid", run.in.RequestID)
	return reply
}

// admits says whether a caller may use the URL. Since October 2025 both permissions are needed:
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func (u *urlConfig) admits(f *function, call cloud.Call) bool {
	if u.auth == "AWS_IAM" {
		if call.Principal == "" {
			return false
		}
		if call.Account == f.home.account { // the caller's own policies allow it; the server denies by action
			return true
		}
	}
	url := visitor{action: "InvokeFunctionUrl", principal: call.Principal, urlAuth: u.auth, account: call.Account}
	function := url
	function.action = "InvokeFunction"
	return f.allows(u.qualifier, url) && f.allows(u.qualifier, function)
}

// event is the request in the payload format of API Gateway, version 2.0.
func (u *urlConfig) event(call cloud.Call, path, requestID string, now time.Time) map[string]any {
	r := call.Request
	host := u.id + ".lambda-url." + u.function.home.region + ".on.aws"
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = "127.0.0.1"
	}
	headers := map[string]string{"host": host}
	for name, values := range r.Header {
		if name = strings.ToLower(name); name != "cookie" {
			headers[name] = strings.Join(values, ",")
		}
	}
	about := map[string]any{
		"accountId": "anonymous", "apiId": u.id, "domainName": host, "domainPrefix": u.id,
		"http":      map[string]any{"method": r.Method, "path": path, "protocol": r.Proto, "sourceIp": ip, "userAgent": r.UserAgent()},
		"requestId": requestID, "routeKey": "$default", "stage": "$default",
		"time": now.UTC().Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": now.UnixMilli(),
	}
	if u.auth == "AWS_IAM" {
		about["accountId"] = call.Account
		about["authorizer"] = map[string]any{"iam": map[string]any{"accountId": call.Account, "userArn": call.Principal}}
	}
	doc := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": r.URL.RawQuery,
		"headers": headers, "requestContext": about, "isBase64Encoded": false,
	}
	if query := r.URL.Query(); len(query) > 0 {
		parameters := map[string]string{}
		for name, values := range query {
			parameters[name] = strings.Join(values, ",")
		}
		doc["queryStringParameters"] = parameters
	}
	var cookies []string
	for _, c := range r.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if cookies != nil {
		doc["cookies"] = cookies
	}
	if len(call.Body) > 0 {
		doc["body"] = string(call.Body)
		if !isText(r.Header.Get("Content-Type")) || !utf8.Valid(call.Body) {
			doc["body"], doc["isBase64Encoded"] = base64.StdEncoding.EncodeToString(call.Body), true
		}
	}
	return doc
}

// isText says whether a body of this type reaches the function as it is; any other comes in base64.
func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(media, "text/")
}

// response reads a function's answer: a response object, or anything else as the body of a 200.
func response(payload []byte, failed bool) cloud.Reply {
	reply := cloud.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
	if failed {
		reply.Status, reply.Body = http.StatusBadGateway, []byte("Internal Server Error")
		return reply
	}
	var shape struct {
		StatusCode      *int
		Headers         map[string]any
		Cookies         []string
		Body            string
		IsBase64Encoded bool
	}
	if json.Unmarshal(payload, &shape) != nil || shape.StatusCode == nil {
		reply.Body = payload
		var text string
		if json.Unmarshal(payload, &text) == nil {
			reply.Body = []byte(text)
		}
		return reply
	}
	reply.Status, reply.Body = *shape.StatusCode, []byte(shape.Body)
	if shape.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(shape.Body)
		if err != nil {
			return response(nil, true)
		}
		reply.Body = body
	}
	for name, value := range shape.Headers {
		reply.Header.Set(name, fmt.Sprint(value))
	}
	for _, c := range shape.Cookies {
		reply.Header.Add("Set-Cookie", c)
	}
	return reply
}
