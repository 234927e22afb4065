package apigateway

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A pattern is a route key, read: "ANY /shop/{id}/{proxy+}", or "$default".
type pattern struct {
	method   string // "ANY" for all
	segments []segment
	all      bool // "$default"
	path     string
}

type segment struct {
	text string // of a literal, or a variable's name
	kind int
}

// The kinds of segments, the most specific first.
const (
	literal = iota
	variable
	greedy
)

var methods = []string{"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

var variableName = regexp.MustCompile(`^\{([a-zA-Z0-9._:-]+)(\+?)\}$`)

// parsePattern says false for a key that API Gateway would not take.
func parsePattern(key string) (pattern, bool) {
	if key == "$default" {
		return pattern{all: true}, true
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !slices.Contains(methods, method) || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " ?#") {
		return pattern{}, false
	}
	p := pattern{method: method, path: path}
	names := map[string]bool{}
	for i, text := range split(path) {
		if len(p.segments) > 0 && p.segments[i-1].kind == greedy {
			return pattern{}, false // a greedy variable takes the rest, so nothing follows it
		}
		match := variableName.FindStringSubmatch(text)
		switch {
		case match == nil && strings.ContainsAny(text, "{}"):
			return pattern{}, false
		case match == nil:
			p.segments = append(p.segments, segment{text: text})
			continue
		case names[match[1]]:
			return pattern{}, false
		}
		names[match[1]] = true
		kind := variable
		if match[2] == "+" {
			kind = greedy
		}
		p.segments = append(p.segments, segment{text: match[1], kind: kind})
	}
	return p, true
}

// split cuts a path into its segments; "/" has none.
func split(path string) []string {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// match says whether a request fits, and what its variables hold. The path is as it was sent.
func (p pattern) match(method, path string) (variables map[string]string, ok bool) {
	if p.all {
		return nil, true
	}
	if p.method != "ANY" && p.method != method {
		return nil, false
	}
	parts := split(path)
	variables = map[string]string{}
	for i, s := range p.segments {
		if i >= len(parts) || parts[i] == "" {
			return nil, false
		}
		text := parts[i]
		if s.kind == greedy {
			variables[s.text] = unescape(strings.Join(parts[i:], "/"))
			return variables, true
		}
		if s.kind == variable {
			variables[s.text] = unescape(text)
		} else if unescape(text) != s.text {
			return nil, false
		}
	}
	return variables, len(parts) == len(p.segments)
}

func unescape(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}

// before says whether p is to be preferred to q where both fit: $default comes last, a full match
// before a greedy one, a literal before a variable, a method before ANY.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func (p pattern) before(q pattern) bool {
	if p.all || q.all {
		return !p.all
	}
	for i := range min(len(p.segments), len(q.segments)) {
		if a, b := p.segments[i].kind, q.segments[i].kind; a != b {
			return a < b
		}
	}
	return p.method != "ANY" && q.method == "ANY"
}

// choose returns the route for a request, nil if none fits.
func (a *api) choose(method, path string) (chosen *route, variables map[string]string) {
	for _, r := range a.routes {
		found, ok := r.pattern.match(method, path)
		if ok && (chosen == nil || r.pattern.before(chosen.pattern)) {
			chosen, variables = r, found
		}
	}
	return chosen, variables
}
