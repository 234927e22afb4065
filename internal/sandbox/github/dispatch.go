package github

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// A route is one operation of the API. The operation's name is that of GitHub's OpenAPI description.
type route struct {
	method, pattern, operation string
	// need is what the token must have, as X-Accepted-GitHub-Permissions says it.
	need   string
	handle func(*request) *reply

	match *regexp.Regexp
}

// variable is a quoted {x} or {x...} of a pattern.
var variable = regexp.MustCompile(`\\\{([a-z_]+)(\\\.\\\.\\\.)?\\\}`)

// compile makes a pattern a regular expression on the escaped path: {x} is one segment, {x...} at least one.
func compile(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + variable.ReplaceAllStringFunc(regexp.QuoteMeta(pattern), func(s string) string {
		name := strings.Trim(s, `\{}.`)
		if strings.Contains(s, ".") {
			return "(?P<" + name + ">.+)"
		}
		return "(?P<" + name + ">[^/]+)"
	}) + "$")
}

// find returns the route of a call and the variables of its path.
func (s *Service) find(method, path string) (*route, map[string]string) {
	for _, rt := range s.routes {
		if rt.method != method {
			continue
		}
		if m := rt.match.FindStringSubmatch(path); m != nil {
			vars := map[string]string{}
			for i, name := range rt.match.SubexpNames() {
				if name != "" {
					vars[name] = unescape(m[i])
				}
			}
			return rt, vars
		}
	}
	return nil, nil
}

// serve carries one call of REST or GraphQL through: log, fault, token, limit, repository, permission, operation.
func (s *Service) serve(w http.ResponseWriter, r *http.Request, path string) {
	body, err := readBody(r)
	if err != nil {
		refuse(http.StatusBadRequest, "Problems reading the request: "+err.Error()).send(w, http.StatusBadRequest, nil)
		return
	}
	q := &request{Service: s, links: newLinks(s.origin(r)), r: r, body: body}
	q.path = s.byName(path)
	q.route, q.vars = s.find(r.Method, q.path)

	var (
		answer *reply
		status int
		out    []byte
	)
	id, f := s.arrive(q)
	if f == nil || f.After {
		answer, status, out = s.carryOut(q)
	}
	if f != nil && s.strike(w, id, f, q) {
		return
	}
	if answer == nil {
		answer, status, out = s.carryOut(q)
	}
	s.settle(id, status)
	answer.send(w, status, out)
}

// carryOut runs the operation under the lock, so that calls take effect one after the other.
func (s *Service) carryOut(q *request) (a *reply, status int, out []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = s.perform(q)
	if q.token != nil && q.route != nil && q.route.need != "" {
		a.header.Set("X-Accepted-GitHub-Permissions", q.route.need)
	}
	out = a.encode()
	status, out = a.conditional(q.r, out)
	if q.token != nil {
		w, resource := &q.token.core, "core"
		if q.path == "/graphql" {
			w, resource = &q.token.graphql, "graphql"
		}
		if status != http.StatusNotModified && q.path != "/rate_limit" {
			w.Used = min(w.Used+1, w.Limit)
		}
		a.limits(w, resource)
	}
	return a, status, out
}

func (s *Service) perform(q *request) *reply {
	if q.r.UserAgent() == "" {
		return refuse(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	}
	token, refused := s.authenticate(q.r)
	if refused != nil {
		return refused
	}
	q.token = token
	token.core.roll()
	token.graphql.roll()
	switch {
	case q.path == "/graphql" && token.graphql.remaining() == 0:
		return ok(object{"errors": []object{{"type": "RATE_LIMITED", "message": exceeded(token)}}})
	case q.path != "/graphql" && q.path != "/rate_limit" && token.core.remaining() == 0:
		return refuse(http.StatusForbidden, exceeded(token))
	case q.route == nil:
		return refuse(http.StatusNotImplemented, fmt.Sprintf("the sandbox does not implement %s %s", q.r.Method, q.path))
	}
	if name, ok := q.vars["repo"]; ok {
		full := q.vars["owner"] + "/" + name
		q.repo = s.repos[strings.ToLower(full)]
		if q.repo == nil || !token.sees(q.repo) {
			return notFound()
		}
		if !strings.EqualFold(full, q.repo.fullName()) {
			return q.moved()
		}
	}
	if !token.may(q.route.need, q.repo) {
		return token.forbidden()
	}
	return q.route.handle(q)
}

// moved sends a caller who uses a former name to the repository's number.
func (q *request) moved() *reply {
	status, text := http.StatusMovedPermanently, "Moved Permanently"
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		status, text = http.StatusTemporaryRedirect, "Temporary Redirect"
	}
	to := q.numbered()
	if q.r.URL.RawQuery != "" {
		to += "?" + q.r.URL.RawQuery
	}
	a := answer(status, object{"message": text, "url": to, "documentation_url": documentation})
	a.header.Set("Location", to)
	return a
}

// byName turns /repositories/ID/... into /repos/OWNER/NAME/...
func (s *Service) byName(path string) string {
	rest, ok := strings.CutPrefix(path, "/repositories/")
	if !ok {
		return path
	}
	number, tail, more := strings.Cut(rest, "/")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return path
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.repos {
		if r.ID == id {
			path = "/repos/" + r.fullName()
			if more {
				path += "/" + tail
			}
			return path
		}
	}
	return "/repos/-/-" // no such repository, which is a 404 like any other
}

func exceeded(t *token) string {
	if t.Kind == Personal {
		return fmt.Sprintf("API rate limit exceeded for user ID %d.", userID(t.Login))
	}
	return fmt.Sprintf("API rate limit exceeded for installation ID %d.", userID(t.Login))
}
