package apigateway

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// The event of a function behind an HTTP API, payload format 2.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type (
	eventV2 struct {
		Version               string            `json:"version"`
		RouteKey              string            `json:"routeKey"`
		RawPath               string            `json:"rawPath"`
		RawQueryString        string            `json:"rawQueryString"`
		Cookies               []string          `json:"cookies,omitempty"`
		Headers               map[string]string `json:"headers"`
		QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
		RequestContext        requestContext    `json:"requestContext"`
		PathParameters        map[string]string `json:"pathParameters,omitempty"`
		StageVariables        map[string]string `json:"stageVariables,omitempty"`
		Body                  string            `json:"body,omitempty"`
		IsBase64Encoded       bool              `json:"isBase64Encoded"`
	}
	requestContext struct {
		AccountID    string      `json:"accountId"`
		APIID        string      `json:"apiId"`
		Authorizer   *authorizer `json:"authorizer,omitempty"`
		DomainName   string      `json:"domainName"`
		DomainPrefix string      `json:"domainPrefix"`
		HTTP         httpContext `json:"http"`
		RequestID    string      `json:"requestId"`
		RouteKey     string      `json:"routeKey"`
		Stage        string      `json:"stage"`
		Time         string      `json:"time"`
		TimeEpoch    int64       `json:"timeEpoch"`
	}
	httpContext struct {
		Method    string `json:"method"`
		Path      string `json:"path"`
		Protocol  string `json:"protocol"`
		SourceIP  string `json:"sourceIp"`
		UserAgent string `json:"userAgent"`
	}
	authorizer struct {
		IAM iamContext `json:"iam"`
	}
	iamContext struct {
		AccessKey       string  `json:"accessKey"`
		AccountID       string  `json:"accountId"`
		CallerID        string  `json:"callerId"`
		CognitoIdentity *string `json:"cognitoIdentity"`
		PrincipalOrgID  *string `json:"principalOrgId"`
		UserARN         string  `json:"userArn"`
		UserID          string  `json:"userId"`
	}
)

func event(call cloud.Call, h *hit, requestID string) ([]byte, error) {
	r, now := call.Request, time.Now()
	// HTTP APIs hand the path over unescaped, and end it at a question mark that was escaped.
	path, _, _ := strings.Cut(unescape(h.path), "?")
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	e := eventV2{
		Version:        "2.0",
		RouteKey:       h.route.key,
		RawPath:        path,
		RawQueryString: r.URL.RawQuery,
		Headers:        headers(r, source, len(call.Body)),
		PathParameters: h.variables,
		RequestContext: requestContext{
			AccountID: h.api.account, APIID: h.api.id,
			DomainName: h.api.id + ".execute-api." + h.api.region + ".amazonaws.com", DomainPrefix: h.api.id,
			HTTP:      httpContext{Method: r.Method, Path: path, Protocol: "HTTP/1.1", SourceIP: source, UserAgent: r.UserAgent()},
			RequestID: requestID, RouteKey: h.route.key, Stage: h.stage,
			Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
		StageVariables: h.stageVariables,
	}
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			e.Cookies = append(e.Cookies, strings.TrimSpace(cookie))
		}
	}
	query, _ := url.ParseQuery(r.URL.RawQuery) // what cannot be read is left out
	for name, values := range query {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	if h.route.authorization == "AWS_IAM" {
		e.RequestContext.Authorizer = &authorizer{IAM: caller(call)}
	}
	if len(call.Body) > 0 {
		e.IsBase64Encoded = !isText(r.Header.Get("Content-Type")) || !utf8.Valid(call.Body)
		e.Body = string(call.Body)
		if e.IsBase64Encoded {
			e.Body = base64.StdEncoding.EncodeToString(call.Body)
		}
	}
	return json.Marshal(e)
}

// headers are the request's, in small letters, several values joined by commas; cookies go elsewhere.
func headers(r *http.Request, source string, length int) map[string]string {
	all := map[string]string{
		"host":              r.Host,
		"content-length":    strconv.Itoa(length),
		"x-forwarded-for":   source,
		"x-forwarded-port":  "443",
		"x-forwarded-proto": "https",
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		// The sandbox speaks plain HTTP: whoever builds links out of these has to get ones that work.
		all["x-forwarded-port"], all["x-forwarded-proto"] = port, "http"
	}
	for name, values := range r.Header {
		switch name {
		case "Cookie", "Connection", "Content-Length":
			continue
		case "X-Forwarded-For":
			values = append(slices.Clone(values), source)
		}
		all[strings.ToLower(name)] = strings.Join(values, ",")
	}
	return all
}

// caller describes who signed the request.
func caller(call cloud.Call) iamContext {
	accessKey := ""
	if _, rest, ok := strings.Cut(call.Request.Header.Get("Authorization"), "Credential="); ok {
		accessKey, _, _ = strings.Cut(rest, "/")
	} else {
		accessKey, _, _ = strings.Cut(call.Request.URL.Query().Get("X-Amz-Credential"), "/")
	}
	sum := sha256.Sum256([]byte(call.Principal))
	id := "AIDA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
	if i := strings.LastIndexByte(call.Principal, '/'); strings.Contains(call.Principal, ":assumed-role/") {
		id = "AROA" + id[4:] + ":" + call.Principal[i+1:]
	}
	return iamContext{AccessKey: accessKey, AccountID: call.Account, CallerID: id, UserARN: call.Principal, UserID: id}
}

// isText says whether a body of this type is handed over as it is, not in base64.
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
