package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// The keys of the list verify.
var verifyShape = &shape{
	kinds:    isList | isText,
	doc:      "The checks that a candidate has to pass before an alias moves to it; none verifies nothing, and every report says so.",
	enum:     []string{"none"},
	noun:     "a list of checks",
	accepted: "a list of checks, such as - invoke: {function: checkout}, or none",
	each:     checkShape,
	item:     itemPath,
}

var checkShape = &shape{
	kinds:    isMapping,
	doc:      "One question about the candidate.",
	accepted: "a check, such as invoke: {function: checkout}",
	oneOf:    []string{"invoke", "http", "junit"},
	fields: []field{
		{name: "name", shape: &shape{kinds: isText, noun: "a name", doc: "What reports call the check.", deflt: "made of what it asks", accepted: "1 to 100 characters on one line",
			pattern: regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,100}$`), examples: []string{"checkout answers"}}},
		{name: "invoke", shape: invokeShape},
		{name: "http", shape: httpShape},
		{name: "junit", shape: junitShape},
	},
}

const (
	shortestWithin = 100 * time.Millisecond
	longestWithin  = 15 * time.Minute // Lambda's longest invocation
	defaultWithin  = 30 * time.Second
)

var invokeShape = &shape{
	kinds:    isMapping,
	doc:      "Invokes the candidate by its version's number, once.",
	accepted: "a mapping, such as {function: checkout, expect: '.ok == true'}",
	fields: []field{
		{name: "function", shape: functionKeyShape},
		{name: "payload", shape: &shape{kinds: isText | isMapping | isList, any: true, noun: "JSON", deflt: "{}", examples: []string{`{"ping": true}`},
			doc: "What is sent: JSON as text, or YAML that is turned into JSON. May hold templates.", accepted: "JSON as text, or a mapping or list that is turned into JSON"}},
		{name: "payload-file", shape: described(fileShape, "The file whose bytes are sent instead of payload.", withExamples("checks/ping.json"))},
		{name: "expect", shape: &shape{kinds: isText | isMapping, noun: "an expectation",
			doc: "What has to be answered: a jq expression that yields true on the answer, or several expectations.", accepted: "a jq expression, or a mapping of json, function-error and log",
			examples: []string{".ok == true"},
			fields: []field{
				{name: "json", shape: jqShape("A jq expression that has to yield true on the answer. May hold templates.")},
				{name: "function-error", shape: &shape{kinds: isText, noun: "the type of an error", doc: "The errorType that the function has to fail with, or any for every error.", accepted: "any, or an errorType such as ValidationError",
					deflt: "success is expected", pattern: regexp.MustCompile(`^\S{1,200}$`), examples: []string{"any", "ValidationError"}}},
				{name: "log", shape: patternShape("A regular expression that has to match the end of the invocation's log (the last 4 KB).", "ready in [0-9]+ ms")},
			}}},
		{name: "within", shape: durationShape("How long the answer may take.", shortestWithin, longestWithin, "2s", short(defaultWithin))},
	},
}

var functionKeyShape = &shape{kinds: isText, noun: "a function's key", doc: "The key of the function that is asked.", deflt: "the only function, if there is one only",
	accepted: "the key of one of the functions", examples: []string{"checkout"}}

func jqShape(doc string) *shape {
	return &shape{kinds: isText, noun: "a jq expression", doc: doc, accepted: "a jq expression that yields true or false, such as .ok == true", examples: []string{".status == \"ok\""}}
}

func patternShape(doc, example string) *shape {
	return &shape{kinds: isText, noun: "a regular expression", doc: doc, accepted: "a regular expression (https://pkg.go.dev/regexp/syntax)", wrong: regexpWrong, examples: []string{example}}
}

var httpMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

var httpShape = &shape{
	kinds:    isMapping,
	doc:      "Sends an HTTP request: to a url until it passes or within is over, or with via: invoke to the candidate itself, by its number.",
	accepted: "a mapping, such as {url: \"{{.Endpoint.latest}}/health\", expect: {status: 200}}",
	fields: []field{
		{name: "url", shape: &shape{kinds: isText, noun: "a URL", doc: "Where the request goes. May hold templates.", accepted: "a URL that begins with https:// or {{.Endpoint.latest}}",
			examples: []string{"{{.Endpoint.latest}}/health"}}},
		{name: "function", shape: functionKeyShape},
		{name: "path", shape: &shape{kinds: isText, noun: "a path", doc: "With via: invoke, the path and query of the request. May hold templates.", accepted: "a path that begins with /", examples: []string{"/health"}}},
		{name: "via", shape: &shape{kinds: isText, noun: "a way to the candidate", doc: "invoke turns the request into an API Gateway event (payload format 2.0) and invokes the candidate by its number.", enum: []string{"invoke"}}},
		{name: "method", shape: &shape{kinds: isText, noun: "a method", doc: "The request's method.", enum: httpMethods, deflt: "GET"}},
		{name: "headers", shape: &shape{kinds: isMapping, doc: "The request's headers. A value may be text with templates, or taken from the environment and masked.",
			accepted: "a mapping of names to values, such as {x-api-key: {env: API_KEY}}", names: headerNameShape,
			each: &shape{kinds: isText | isMapping, noun: "a header's value", doc: "The header's value, or the environment variable that holds it.", accepted: "text, or {env: NAME}",
				fields: []field{{name: "env", required: true, shape: &shape{kinds: isText, noun: "the name of an environment variable", doc: "The environment variable that holds the value. It is never shown.", accepted: "letters, digits and _, not beginning with a digit",
					pattern: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`), examples: []string{"API_KEY"}}}}}}},
		{name: "body", shape: &shape{kinds: isText | isMapping | isList, any: true, doc: "The request's body: text, or YAML that is sent as JSON. May hold templates.", accepted: "text, or a mapping or list that is sent as JSON"}},
		{name: "auth", shape: authShape("Whether the request to a url is signed with the run's AWS credentials.", "that of the latest endpoint for its urls, else none")},
		{name: "expect", shape: &shape{kinds: isMapping, doc: "What has to be answered.", accepted: "a mapping of status, headers, json, text and match",
			hint: func(text string) string {
				if regexp.MustCompile(`^[1-5][0-9][0-9]$`).MatchString(text) {
					return fmt.Sprintf("write {status: %s}", text)
				}
				return ""
			},
			fields: []field{
				{name: "status", shape: &shape{kinds: isInteger, doc: "The status.", accepted: "a status from 100 to 599", low: 100, hi: 599, hint: func(text string) string {
					if _, err := strconv.Atoi(text); err == nil {
						return "write it without quotes: " + text
					}
					return ""
				}, deflt: "200 to 299", examples: []string{"200"}}},
				{name: "headers", shape: &shape{kinds: isMapping, doc: "Headers that have to be there, each matching a regular expression.", accepted: "a mapping of names to regular expressions", names: headerNameShape,
					each: patternShape("What the header's value has to match.", "^application/json")}},
				{name: "json", shape: jqShape("A jq expression that has to yield true on the body. May hold templates.")},
				{name: "text", shape: &shape{kinds: isText, doc: "Text that has to occur in the body. May hold templates.", accepted: "text"}},
				{name: "match", shape: patternShape("A regular expression that has to match the body.", "version: [0-9]+")},
			}}},
		{name: "within", shape: durationShape("How long it may take until the answer is as expected.", shortestWithin, longestWithin, "2s", short(defaultWithin))},
	},
}

var headerNameShape = &shape{kinds: isText, noun: "the name of a header", accepted: "letters, digits and - (https://www.rfc-editor.org/rfc/rfc9110#name-field-names)",
	pattern: regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")}
