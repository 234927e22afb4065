package check

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// candidateHost is the host that a function sees when it is asked without an API in front of it. The name is
// reserved and resolves nowhere: https://www.rfc-editor.org/rfc/rfc2606.
const candidateHost = "candidate.invalid"

// An event is API Gateway's event of payload format 2.0, as the $default route of an HTTP API sends it.
type event struct {
	Version        string            `json:"version"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies,omitempty"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters,omitempty"`
	Context        eventContext      `json:"requestContext"`
	Body           string            `json:"body,omitempty"`
	Base64         bool              `json:"isBase64Encoded"`
}

type eventContext struct {
	AccountID    string    `json:"accountId"`
	APIID        string    `json:"apiId"`
	DomainName   string    `json:"domainName"`
	DomainPrefix string    `json:"domainPrefix"`
	HTTP         eventHTTP `json:"http"`
	RequestID    string    `json:"requestId"`
	RouteKey     string    `json:"routeKey"`
	Stage        string    `json:"stage"`
	Time         string    `json:"time"`
	TimeEpoch    int64     `json:"timeEpoch"`
}

type eventHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func newEvent(r request, path string, now time.Time) event {
	path, _, _ = strings.Cut(path, "#")
	path, rawQuery, _ := strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	headers, cookies := eventHeaders(r)
	e := event{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: rawQuery,
		Headers: headers, Cookies: cookies, Query: eventQuery(rawQuery),
		Context: eventContext{
			AccountID: "anonymous", APIID: "candidate", DomainName: headers["host"], DomainPrefix: "candidate",
			HTTP:      eventHTTP{Method: r.method, Path: path, Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: headers["user-agent"]},
			RequestID: rand.Text(), RouteKey: "$default", Stage: "$default",
			Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
		Body: r.body,
	}
	if r.body != "" && !textual(headers["content-type"], r.body) {
		e.Body, e.Base64 = base64.StdEncoding.EncodeToString([]byte(r.body)), true
	}
	return e
}

// eventHeaders are in lower case, several of one name joined by commas; cookies stand apart.
func eventHeaders(r request) (headers map[string]string, cookies []string) {
	headers = map[string]string{
		"accept": "*/*", "content-length": strconv.Itoa(len(r.body)), "host": candidateHost, "user-agent": userAgent,
		"x-forwarded-for": "127.0.0.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
	}
	given := map[string][]string{}
	for _, h := range r.headers {
		name := strings.ToLower(h.name)
		given[name] = append(given[name], h.value)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if name == "cookie" {
			for _, c := range strings.Split(strings.Join(given[name], ";"), ";") {
				if c = strings.TrimSpace(c); c != "" {
					cookies = append(cookies, c)
				}
			}
			continue
		}
		headers[name] = strings.Join(given[name], ",")
	}
	return headers, cookies
}

func eventQuery(raw string) map[string]string {
	query := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescaped(name), unescaped(value)
		if before, twice := query[name]; twice {
			value = before + "," + value
		}
		query[name] = value
	}
	return query
}

// unescaped decodes one part of a query, or leaves it as it is where it cannot be decoded.
func unescaped(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// textual tells whether API Gateway hands a body on as text. Other content arrives in base64, forms among it.
func textual(contentType, body string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	if !utf8.ValidString(body) {
		return false
	}
	return strings.HasPrefix(kind, "text/") ||
		kind == "application/json" || kind == "application/xml" || kind == "application/javascript"
}
