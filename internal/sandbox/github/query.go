package github

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/github/graphql"
)

//go:embed schema.graphql
var schemaText string

var schema = graphql.MustParse(schemaText)

// graphql answers a query: 200 also for queries that are wrong, as GitHub does.
func (q *request) graphql() *reply {
	var in struct {
		Query     *string        `json:"query"`
		Operation string         `json:"operationName"`
		Variables map[string]any `json:"variables"`
	}
	if refused := q.decode(&in); refused != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	if in.Query == nil {
		return ok(object{"errors": []object{{"message": "A query attribute must be specified and must be a string."}}})
	}
	return ok(schema.Do(*in.Query, in.Operation, in.Variables, q.root()))
}

// lazy is a value that is made only when a query asks for it, so that a pull request can lead to its
// commit and the commit to the pull request.
func lazy(make func() any) graphql.Resolver {
	return func(map[string]any) (any, error) { return make(), nil }
}

func (q *request) root() graphql.Value {
	return graphql.Value{
		"__typename": "Query",
		"viewer": lazy(func() any {
			v := q.actor(q.token.Login).(graphql.Value)
			v["__typename"], v["login"] = "User", q.token.Login // here, and only here, a bot keeps its [bot]
			v["name"], v["email"] = nil, ""
			return v
		}),
		"nodes": graphql.Resolver(q.nodes),
		"rateLimit": lazy(func() any {
			w := &q.token.graphql
			return graphql.Value{"__typename": "RateLimit", "limit": w.Limit, "cost": 1, "remaining": max(0, w.remaining()-1),
				"used": w.Used + 1, "resetAt": stamp(w.Reset), "nodeCount": 0}
		}),
		"repository": graphql.Resolver(func(args map[string]any) (any, error) {
			full := fmt.Sprint(args["owner"], "/", args["name"])
			r := q.repos[strings.ToLower(full)]
			if r == nil || !q.token.sees(r) || args["followRenames"] == false && !strings.EqualFold(full, r.fullName()) {
				return nil, &graphql.Error{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", full)}
			}
			inside := *q
			inside.repo = r
			return inside.queryRepository(), nil
		}),
	}
}

// need guards what a permission is needed for.
func (q *request) need(permission string, get func(args map[string]any) (any, error)) graphql.Resolver {
	return func(args map[string]any) (any, error) {
		if !q.token.may(permission, q.repo) {
			return nil, &graphql.Error{Type: "FORBIDDEN", Message: "Resource not accessible by integration",
				Extensions: map[string]any{"saml_failure": false}}
		}
		return get(args)
	}
}

// connection pages through a list that is made when it is asked for.
func connection[T any](typ string, all func(args map[string]any) []T, view func(T) graphql.Value) func(args map[string]any) (any, error) {
	return func(args map[string]any) (any, error) {
		field := strings.ToLower(typ[:1]) + typ[1:]
		first, last, err := bounds(field, args)
		if err != nil {
			return nil, err
		}
		list := all(args)
		from, to := 0, len(list)
		if after, ok := args["after"].(string); ok {
			if from, err = cursor(after); err != nil {
				return nil, err
			}
			from = min(from, to)
		}
		if before, ok := args["before"].(string); ok {
			if to, err = cursor(before); err != nil {
				return nil, err
			}
			to = min(max(from, to-1), len(list))
		}
		if first >= 0 {
			to = min(to, from+first)
		}
		if last >= 0 {
			from = max(from, to-last)
		}
		nodes, edges := []any{}, []any{}
		for i := from; i < to; i++ {
			node := view(list[i])
			nodes = append(nodes, node)
			edges = append(edges, graphql.Value{"__typename": typ + "Edge", "node": node, "cursor": mark(i + 1)})
		}
		info := graphql.Value{"__typename": "PageInfo", "hasNextPage": to < len(list), "hasPreviousPage": from > 0,
			"startCursor": nil, "endCursor": nil}
		if from < to {
			info["startCursor"], info["endCursor"] = mark(from+1), mark(to)
		}
		return graphql.Value{"nodes": nodes, "edges": edges, "totalCount": len(list), "pageInfo": info}, nil
	}
}

// bounds reads first and last; -1 is absent. One of them has to be there, and neither may pass 100.
func bounds(field string, args map[string]any) (first, last int, err error) {
	first, last = -1, -1
	for name, into := range map[string]*int{"first": &first, "last": &last} {
		n, given := args[name].(int)
		if !given {
			continue
		}
		if n > 100 {
			return 0, 0, &graphql.Error{Type: "EXCESSIVE_PAGINATION",
				Message: fmt.Sprintf("Requesting %d records on the `%s` connection exceeds the `%s` limit of 100 records.", n, field, name)}
		}
		if n < 0 {
			return 0, 0, &graphql.Error{Type: "ARGUMENT_ERROR",
				Message: fmt.Sprintf("`%s` on the `%s` connection cannot be less than zero.", name, field)}
		}
		*into = n
	}
	if first < 0 && last < 0 {
		return 0, 0, &graphql.Error{Type: "MISSING_PAGINATION_BOUNDARIES",
			Message: fmt.Sprintf("You must provide a `first` or `last` value to properly paginate the `%s` connection.", field)}
	}
	return first, last, nil
}

func mark(n int) string {
	return base64.StdEncoding.EncodeToString([]byte("cursor:v2:" + strconv.Itoa(n)))
}

func cursor(s string) (int, error) {
	plain, err := base64.StdEncoding.DecodeString(s)
	n, numeric := strconv.Atoi(strings.TrimPrefix(string(plain), "cursor:v2:"))
	if err := errors.Join(err, numeric); err != nil || n < 1 {
		return 0, &graphql.Error{Type: "INVALID_CURSOR_ARGUMENTS", Message: fmt.Sprintf("`%s` does not appear to be a valid cursor.", s)}
	}
	return n, nil
}

// actor is a person or a bot. A bot's login is without [bot] here, unlike everywhere else.
func (l links) actor(login string) any {
	if login == "" || login == "-" {
		return nil
	}
	kind, name, path := "User", login, "/"+login
	if isBot(login) {
		kind, name = "Bot", strings.TrimSuffix(login, "[bot]")
		path = "/apps/" + name
	}
	v := graphql.Value{"__typename": kind, "id": node(kind, userID(login)), "databaseId": userID(login), "login": name,
		"url": l.web + path, "resourcePath": path, "avatarUrl": fmt.Sprintf("%s/avatars/u/%d?v=4", l.web, userID(login))}
	if kind == "User" {
		v["name"], v["email"] = nil, ""
	}
	return v
}

func (q *request) queryRepository() graphql.Value {
	r := q.repo
	return graphql.Value{
		"__typename": "Repository", "id": node("Repository", r.ID), "databaseId": r.ID, "name": r.Name, "nameWithOwner": r.fullName(),
		"url": q.web + "/" + r.fullName(), "description": nullable(r.Description), "isPrivate": !r.Public, "isFork": false, "isArchived": false,
		"owner": lazy(func() any {
			v := q.actor(r.Owner).(graphql.Value)
			v["__typename"], v["name"] = "Organization", nil
			return v
		}),
		"defaultBranchRef": q.need("contents=read", func(map[string]any) (any, error) { return q.queryRef("refs/heads/" + r.DefaultBranch), nil }),
		"ref": q.need("contents=read", func(args map[string]any) (any, error) {
			name := fmt.Sprint(args["qualifiedName"])
			return q.queryRef(cmp.Or(q.existing(name), q.existing("refs/heads/"+name), q.existing("refs/tags/"+name))), nil
		}),
		"object": q.need("contents=read", func(args map[string]any) (any, error) {
			if oid, ok := args["oid"].(string); ok {
				return q.queryObject(oid), nil
			}
			expression, _ := args["expression"].(string)
			return q.queryObject(r.resolve(expression)), nil
		}),
		"pullRequest": q.need("pull_requests=read", func(args map[string]any) (any, error) {
			n, _ := args["number"].(int)
			if p := r.pulls[n]; p != nil {
				return q.queryPull(p), nil
			}
			return nil, &graphql.Error{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a PullRequest with the number of %d.", n)}
		}),
		"pullRequests": q.need("pull_requests=read", connection("PullRequests", q.pullsBy, q.queryPull)),
		"issue": q.need("issues=read", func(args map[string]any) (any, error) {
			n, _ := args["number"].(int)
			if i := r.issues[n]; i != nil {
				return q.queryIssue(i), nil
			}
			return nil, &graphql.Error{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to an Issue with the number of %d.", n)}
		}),
		"issueOrPullRequest": q.need("issues=read; pull_requests=read", func(args map[string]any) (any, error) {
			n, _ := args["number"].(int)
			switch {
			case r.pulls[n] != nil:
				return q.queryPull(r.pulls[n]), nil
			case r.issues[n] != nil:
				return q.queryIssue(r.issues[n]), nil
			}
			return nil, &graphql.Error{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to an issue or pull request with the number of %d.", n)}
		}),
		"release": q.need("contents=read", func(args map[string]any) (any, error) {
			return q.queryRelease(r.published(fmt.Sprint(args["tagName"]))), nil
		}),
		"latestRelease": q.need("contents=read", func(map[string]any) (any, error) { return q.queryRelease(r.latestRelease()), nil }),
	}
}

func (q *request) existing(ref string) string {
	if q.repo.refs[ref] == "" {
		return ""
	}
	return ref
}

// pullsBy filters and orders pull requests; without an order they are by number.
func (q *request) pullsBy(args map[string]any) []*PullRequest {
	has := func(list any, s string) bool {
		wanted, given := list.([]any)
		return !given || slices.Contains(wanted, any(s))
	}
	var found []*PullRequest
	for _, p := range q.repo.allPulls() {
		base, _ := args["baseRefName"].(string)
		head, _ := args["headRefName"].(string)
		labelled := args["labels"] == nil || slices.ContainsFunc(p.Labels, func(l Label) bool { return has(args["labels"], l.Name) })
		if has(args["states"], p.queryState()) && labelled && (base == "" || base == p.Base) && (head == "" || head == p.Head) {
			found = append(found, p)
		}
	}
	return ordered(found, args)
}

// ordered applies orderBy: by the last change for UPDATED_AT, by creation otherwise.
func ordered(list []*PullRequest, args map[string]any) []*PullRequest {
	order, given := args["orderBy"].(map[string]any)
	if !given {
		return list
	}
	slices.SortStableFunc(list, func(a, b *PullRequest) int {
		if order["field"] == "UPDATED_AT" {
			return latest(a.CreatedAt, a.ClosedAt).Compare(latest(b.CreatedAt, b.ClosedAt))
		}
		return a.CreatedAt.Compare(b.CreatedAt)
	})
	if order["direction"] == "DESC" {
		slices.Reverse(list)
	}
	return list
}
