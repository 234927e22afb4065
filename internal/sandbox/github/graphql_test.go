package github_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

const pullFields = `
fragment Pull on PullRequest {
  number title url
  author { __typename login }
  labels(first: 10) { nodes { name } }
  closingIssuesReferences(first: 10) { nodes { number title url } }
  files(first: 100) { nodes { path additions changeType } pageInfo { hasNextPage endCursor } }
  mergeCommit { oid }
}`

func TestQueryOfPullRequestsByCommit(t *testing.T) {
	_, base := newHub(t)
	got := query(t, base, jobToken, `
query Pulls($owner: String!, $name: String!, $squash: GitObjectID!) {
  repository(owner: $owner, name: $name) {
    merge: object(oid: "`+sha("m4")+`") { ... on Commit { associatedPullRequests(first: 5) { totalCount nodes { ...Pull } } } }
    squash: object(oid: $squash) { ...Associated }
    direct: object(oid: "`+sha("c5")+`") { ...Associated }
    unknown: object(oid: "`+sha("none")+`") { ...Associated }
  }
}
fragment Associated on Commit { messageHeadline associatedPullRequests(first: 5) { nodes { ...Pull } } }`+pullFields,
		map[string]any{"owner": "acme", "name": "shop", "squash": sha("c3")})
	if errs := got["errors"]; errs != nil {
		t.Fatal(errs)
	}
	repo := dig(got, "data", "repository")
	pull := dig(repo, "merge", "associatedPullRequests", "nodes", 0)
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"number"}, 12.0}, {[]any{"title"}, "Add payments"}, {[]any{"url"}, base + "/_github/acme/shop/pull/12"},
		{[]any{"author", "login"}, "bob"}, {[]any{"author", "__typename"}, "User"}, {[]any{"labels", "nodes", 0, "name"}, "feature"},
		{[]any{"closingIssuesReferences", "nodes", 0, "number"}, 3.0}, {[]any{"files", "nodes", 0, "path"}, "payments/main.go"},
		{[]any{"files", "nodes", 0, "changeType"}, "ADDED"}, {[]any{"files", "pageInfo", "hasNextPage"}, false}, {[]any{"mergeCommit", "oid"}, sha("m4")},
	} {
		equal(t, fmt.Sprint(c.path), dig(pull, c.path...), c.want)
	}
	equal(t, "squash", dig(repo, "squash", "associatedPullRequests", "nodes", 0, "number"), any(11.0))
	equal(t, "headline", dig(repo, "squash", "messageHeadline"), any("c3: a change"))
	t.Run("a bot's login is without [bot] here", func(t *testing.T) {
		equal(t, "login", dig(repo, "squash", "associatedPullRequests", "nodes", 0, "author", "login"), any("dependabot"))
		equal(t, "type", dig(repo, "squash", "associatedPullRequests", "nodes", 0, "author", "__typename"), any("Bot"))
	})
	equal(t, "direct", len(dig(repo, "direct", "associatedPullRequests", "nodes").([]any)), 0)
	if u, present := repo.(map[string]any)["unknown"]; u != nil || !present {
		t.Errorf("an unknown commit is %v", u)
	}
}

func TestViewer(t *testing.T) {
	_, base := newHub(t)
	equal(t, "job", dig(query(t, base, jobToken, "{ viewer { login } }", nil), "data", "viewer", "login"), any("github-actions[bot]"))
	equal(t, "person", dig(query(t, base, personToken, "query { me: viewer { login } }", nil), "data", "me", "login"), any("ada"))
}

func TestConnectionsArePaged(t *testing.T) {
	hub, base := newHub(t)
	var files []github.File
	for i := range 150 {
		files = append(files, github.File{Path: fmt.Sprintf("f%03d", i), Additions: 1})
	}
	must(t, hub.PutPull("acme/shop", github.PullRequest{Number: 20, Title: "wide", Author: "bob", Head: "topic", Files: files}))
	const q = `query($after: String) { repository(owner: "acme", name: "shop") { pullRequest(number: 20) {
		files(first: 100, after: $after) { totalCount nodes { path } pageInfo { hasNextPage endCursor } } } } }`
	first := dig(query(t, base, jobToken, q, nil), "data", "repository", "pullRequest", "files")
	equal(t, "first page", len(dig(first, "nodes").([]any)), 100)
	equal(t, "total", dig(first, "totalCount"), any(150.0))
	second := dig(query(t, base, jobToken, q, map[string]any{"after": dig(first, "pageInfo", "endCursor")}), "data", "repository", "pullRequest", "files")
	equal(t, "second page", len(dig(second, "nodes").([]any)), 50)
	equal(t, "begins", dig(second, "nodes", 0, "path"), any("f100"))
	equal(t, "end", dig(second, "pageInfo", "hasNextPage"), any(false))
	last := query(t, base, jobToken, `{ repository(owner: "acme", name: "shop") { pullRequest(number: 20) { files(last: 2) { nodes { path } pageInfo { hasPreviousPage } } } } }`, nil)
	equal(t, "last", dig(last, "data", "repository", "pullRequest", "files", "nodes", 0, "path"), any("f148"))
}

func TestQueryErrorsAreWordedAsGitHubWordsThem(t *testing.T) {
	_, base := newHub(t)
	repo := func(inner string) string { return `{ repository(owner: "acme", name: "shop") { ` + inner + ` } }` }
	for _, c := range []struct {
		name, query string
		variables   map[string]any
		message     string
		code        any // of the extensions, or the type
	}{
		{"an unknown field", "{ viewer { nickname } }", nil, "Field 'nickname' doesn't exist on type 'User'", "undefinedField"},
		{"an unknown field of the root", "{ nothing }", nil, "Field 'nothing' doesn't exist on type 'Query'", "undefinedField"},
		{"an unknown field in a fragment", "{ viewer { ...F } } fragment F on User { x }", nil, "Field 'x' doesn't exist on type 'User'", "undefinedField"},
		{"no selections", "{ viewer }", nil, "Field must have selections (field 'viewer' returns User but has no selections. Did you mean 'viewer { ... }'?)", "selectionMismatch"},
		{"selections on a scalar", "{ viewer { login { x } } }", nil, `Selections can't be made on scalars (field 'login' returns String but has selections ["x"])`, "selectionMismatch"},
		{"a missing argument", `{ repository(owner: "acme") { name } }`, nil, "Field 'repository' is missing required arguments: name", "missingRequiredArguments"},
		{"an unknown argument", `{ viewer(x: 1) { login } }`, nil, "Field 'viewer' doesn't accept argument 'x'", "argumentNotAccepted"},
		{"a wrong literal", repo(`pullRequest(number: "12") { number }`), nil, `Argument 'number' on Field 'pullRequest' has an invalid value ("12"). Expected type 'Int!'.`, "argumentLiteralsIncompatible"},
		{"an unknown enum value", repo(`pullRequests(first: 1, states: [DONE]) { totalCount }`), nil, `Argument 'states' on Field 'pullRequests' has an invalid value ([DONE]). Expected type '[PullRequestState!]'.`, "argumentLiteralsIncompatible"},
		{"an undeclared variable", `query Q { repository(owner: $o, name: "shop") { name } }`, nil, "Variable $o is used by Q but not declared", "variableNotDefined"},
		{"an unused variable", `query Q($o: String) { viewer { login } }`, nil, "Variable $o is declared by Q but not used", "variableNotUsed"},
		{"a variable of the wrong type", `query($n: Int!) { repository(owner: $n, name: "x") { name } }`, map[string]any{"n": 1}, "Type mismatch on variable $n and argument owner (Int! / String!)", "variableMismatch"},
		{"a variable that may be null", `query($n: String) { repository(owner: $n, name: "x") { name } }`, nil, "Type mismatch on variable $n and argument owner (String / String!)", "variableMismatch"},
		{"a variable without a value", `query($n: String!) { repository(owner: $n, name: "x") { name } }`, nil, "Variable $n of type String! was provided invalid value", nil},
		{"a variable with a wrong value", `query($n: Int!) { repository(owner: "acme", name: "shop") { pullRequest(number: $n) { number } } }`, map[string]any{"n": "x"}, "Variable $n of type Int! was provided invalid value", nil},
		{"a fragment that is not there", "{ viewer { ...F } }", nil, "Fragment F was used, but not defined", "useAndDefineFragment"},
		{"a fragment that is not used", "{ viewer { login } } fragment F on User { login }", nil, "Fragment F was defined, but not used", "useAndDefineFragment"},
		{"a fragment on nothing", "{ viewer { ... on Robot { login } } }", nil, "No such type Robot, so it can't be a fragment condition", "undefinedType"},
		{"a fragment that cannot apply", "{ viewer { ... on Commit { oid } } }", nil, "Fragment on Commit can't be spread inside User", "cannotSpreadFragment"},
		{"a fragment in itself", "{ viewer { ...F } } fragment F on User { ...F }", nil, "Fragment F contains an infinite loop", "infiniteLoop"},
		{"two fields under one name", `{ repository(owner: "acme", name: "shop") { object(oid: "a") { oid } object(oid: "b") { oid } } }`, nil,
			`Field 'object' has a field conflict: object[oid: "a"] or object[oid: "b"]?`, "fieldConflict"},
		{"an unknown directive", "{ viewer @upper { login } }", nil, "Directive @upper is not defined", "undefinedDirective"},
		{"a repository that is not there", `{ repository(owner: "acme", name: "none") { name } }`, nil, "Could not resolve to a Repository with the name 'acme/none'.", "NOT_FOUND"},
		{"a pull request that is not there", repo("pullRequest(number: 99) { number }"), nil, "Could not resolve to a PullRequest with the number of 99.", "NOT_FOUND"},
		{"no bounds", repo("pullRequests { totalCount }"), nil, "You must provide a `first` or `last` value to properly paginate the `pullRequests` connection.", "MISSING_PAGINATION_BOUNDARIES"},
		{"bounds too wide", repo("pullRequests(first: 101) { totalCount }"), nil, "Requesting 101 records on the `pullRequests` connection exceeds the `first` limit of 100 records.", "EXCESSIVE_PAGINATION"},
		{"a cursor that is none", repo(`pullRequests(first: 1, after: "x") { totalCount }`), nil, "`x` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS"},
		{"a mutation", `mutation { addStar(input: {}) { clientMutationId } }`, nil, "Schema is not configured for mutations", "missingmutationConfiguration"},
		{"no query", "", nil, "Unexpected end of document", nil},
		{"a query cut short", "{ viewer {", nil, "Unexpected end of document", nil},
		{"no GraphQL", "{ viewer { login ) }", nil, `Parse error on ")" ()) at [1, 18]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := query(t, base, jobToken, c.query, c.variables)
			equal(t, "message", dig(got, "errors", 0, "message"), any(c.message))
			code := dig(got, "errors", 0, "extensions", "code")
			if code == nil {
				code = dig(got, "errors", 0, "type")
			}
			equal(t, "code", code, c.code)
		})
	}
	t.Run("a part that fails leaves the others", func(t *testing.T) {
		got := query(t, base, jobToken, `{ a: repository(owner: "acme", name: "none") { name } b: repository(owner: "acme", name: "shop") { name } }`, nil)
		equal(t, "a", dig(got, "data", "a"), nil)
		equal(t, "b", dig(got, "data", "b", "name"), any("shop"))
		equal(t, "path", dig(got, "errors", 0, "path", 0), any("a"))
		equal(t, "place", dig(got, "errors", 0, "locations", 0, "column"), any(3.0))
	})
	t.Run("a null that may not be takes its object with it", func(t *testing.T) {
		got := query(t, base, jobToken, `{ repository(owner: "acme", name: "shop") { name pullRequests(first: 101) { totalCount } } }`, nil)
		equal(t, "repository", dig(got, "data", "repository"), nil)
	})
	t.Run("a body that is no query", func(t *testing.T) {
		r := call(t, "POST", base+"/_github/api/graphql", jobToken, `{}`)
		equal(t, "message", dig(r.object(t), "errors", 0, "message"), any("A query attribute must be specified and must be a string."))
		equal(t, "no JSON", call(t, "POST", base+"/_github/api/graphql", jobToken, `query`).status, 400)
		equal(t, "no token", call(t, "POST", base+"/_github/api/graphql", "", `{}`).status, 401)
	})
}

func TestQueryPermissions(t *testing.T) {
	hub, base := newHub(t)
	must(t, hub.AddToken(github.Token{Value: "code", Permissions: map[string]string{"contents": "read"}}))
	got := query(t, base, "code", `{ repository(owner: "acme", name: "shop") { object(oid: "`+sha("m4")+`") { oid ... on Commit { associatedPullRequests(first: 1) { totalCount } } } } }`, nil)
	equal(t, "type", dig(got, "errors", 0, "type"), any("FORBIDDEN"))
	equal(t, "message", dig(got, "errors", 0, "message"), any("Resource not accessible by integration"))
	equal(t, "the rest", dig(got, "data", "repository", "object", "oid"), any(sha("m4")))
	must(t, hub.AddToken(github.Token{Value: "away", Permissions: github.ReadWrite(), Repositories: []string{"acme/other"}}))
	got = query(t, base, "away", `{ repository(owner: "acme", name: "shop") { name } }`, nil)
	equal(t, "another's repository", dig(got, "errors", 0, "type"), any("NOT_FOUND"))
}

func TestDirectivesAndDefaults(t *testing.T) {
	_, base := newHub(t)
	got := query(t, base, jobToken, `query($with: Boolean = false, $n: Int = 1) { repository(owner: "acme", name: "shop") {
		nameWithOwner name @include(if: $with) url @skip(if: true)
		pullRequests(first: $n, states: [MERGED], orderBy: {field: CREATED_AT, direction: DESC}) { nodes { number } } } }`, nil)
	repo, _ := dig(got, "data", "repository").(map[string]any)
	if repo == nil {
		t.Fatal(got)
	}
	equal(t, "fields", len(repo), 2)
	equal(t, "newest", dig(repo, "pullRequests", "nodes", 0, "number"), any(13.0))
}

var (
	typePattern  = regexp.MustCompile(`(?ms)^type (\w+)[^{]*\{(.*?)\}$`)
	fieldPattern = regexp.MustCompile(`(\w+)(\([^)]*\))?: \[?(\w+)`)
)

// fieldsOf asks for every field of every type of the schema, a level deep.
func fieldsOf(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("schema.graphql")
	must(t, err)
	text := strings.ReplaceAll(string(raw), " }\n", "\n}\n")
	composite := map[string]bool{"Node": true, "Actor": true, "GitObject": true, "RepositoryOwner": true, "IssueOrPullRequest": true}
	types := typePattern.FindAllStringSubmatch(text, -1)
	for _, m := range types {
		composite[m[1]] = true
	}
	fields := map[string]string{}
	for _, m := range types {
		var b strings.Builder
		for _, f := range fieldPattern.FindAllStringSubmatch(m[2], -1) {
			b.WriteString(f[1])
			switch {
			case strings.Contains(f[2], "first:"):
				b.WriteString("(first: 1)")
			case f[1] == "nodes" && m[1] == "Query":
				b.WriteString("(ids: [])")
			case f[1] == "object":
				b.WriteString(`(expression: "main")`)
			case f[1] == "ref":
				b.WriteString(`(qualifiedName: "topic")`)
			case f[1] == "release":
				b.WriteString(`(tagName: "v1.0.0")`)
			case f[1] == "repository" && m[1] == "Query":
				b.WriteString(`(owner: "acme", name: "shop")`)
			case f[1] == "issue":
				b.WriteString(`(number: 3)`)
			case strings.Contains(f[2], "number:"):
				b.WriteString(`(number: 12)`)
			}
			if composite[f[3]] {
				b.WriteString("{__typename}")
			}
			b.WriteString("\n")
		}
		fields[m[1]] = b.String()
	}
	return fields
}

// Every field of the schema has a value: a field without one is an error that says so.
func TestEveryFieldOfTheSchemaAnswers(t *testing.T) {
	_, base := newHub(t)
	equal(t, "comment", call(t, "POST", base+"/_github/api/v3/repos/acme/shop/issues/12/comments", jobToken, `{"body":"x"}`).status, 201)
	equal(t, "release", call(t, "POST", base+"/_github/api/v3/repos/acme/shop/releases", jobToken, `{"tag_name":"v1.0.0"}`).status, 201)
	deployed := deploy(t, client(t, base, jobToken), api.DeploymentRequest{Ref: api.String("main")})
	state(t, client(t, base, jobToken), deployed, api.DeploymentStatusRequest{State: api.String("success")})
	repo := func(s string) string { return `{ repository(owner: "acme", name: "shop") { ` + s + ` } }` }
	commit := func(s string) string { return repo(`object(expression: "nightly") { ... on Commit { ` + s + ` } }`) }
	pull := func(s string) string { return repo(`pullRequest(number: 12) { ` + s + ` }`) }
	ways := map[string]func(string) string{
		"Query": func(s string) string { return "{" + s + "}" }, "RateLimit": func(s string) string { return "{ rateLimit { " + s + "} }" },
		"User": func(s string) string { return "{ viewer { " + s + "} }" }, "Repository": repo, "Commit": commit, "PullRequest": pull,
		"Organization": func(s string) string { return repo("owner { ... on Organization { " + s + "} }") },
		"Bot":          func(s string) string { return repo("pullRequest(number: 11) { author { ... on Bot { " + s + "} } }") },
		"Ref":          func(s string) string { return repo("defaultBranchRef { " + s + "}") },
		"Tag": func(s string) string {
			return repo(`ref(qualifiedName: "refs/tags/v1.0.0") { target { ... on Tag { ` + s + "} } }")
		},
		"Deployment": func(s string) string {
			return `{ nodes(ids: ["` + deployed.GetNodeID() + `"]) { ... on Deployment { ` + s + "} } }"
		},
		"DeploymentStatus": func(s string) string {
			return `{ nodes(ids: ["` + deployed.GetNodeID() + `"]) { ... on Deployment { latestStatus { ` + s + "} } } }"
		},
		"GitActor": func(s string) string { return commit("author { " + s + "}") },
		"PageInfo": func(s string) string { return pull("labels(first: 1) { pageInfo { " + s + "} }") },
		"Issue":    func(s string) string { return repo("issue(number: 3) { " + s + "}") },
		"Release":  func(s string) string { return repo("latestRelease { " + s + "}") },
	}
	for field, types := range map[string]string{"labels": "Label", "files": "PullRequestChangedFile", "commits": "PullRequestCommit", "comments": "IssueComment", "closingIssuesReferences": "Issue"} {
		ways[types+"Connection"] = func(s string) string { return pull(field + "(first: 1) { " + s + "}") }
		ways[types+"Edge"] = func(s string) string { return pull(field + "(first: 1) { edges { " + s + "} }") }
		if ways[types] == nil {
			ways[types] = func(s string) string { return pull(field + "(first: 1) { nodes { " + s + "} }") }
		}
	}
	for field, types := range map[string]string{"parents": "Commit", "history": "CommitHistory", "associatedPullRequests": "PullRequest"} {
		ways[types+"Connection"] = func(s string) string { return commit(field + "(first: 1) { " + s + "}") }
		ways[types+"Edge"] = func(s string) string { return commit(field + "(first: 1) { edges { " + s + "} }") }
	}
	fields := fieldsOf(t)
	asked := 0
	for name, text := range fields {
		if ways[name] == nil {
			t.Errorf("no query leads to %s", name)
			continue
		}
		got := query(t, base, jobToken, ways[name](text), nil)
		if got["errors"] != nil {
			t.Errorf("%s: %v", name, got["errors"])
		}
		asked += strings.Count(text, "\n")
	}
	if len(fields) < 30 || asked < 200 {
		t.Errorf("only %d fields of %d types were asked for", asked, len(fields))
	}
}

// What the list of deployments does not say, nodes do: what became of each, in the order that was asked for.
func TestDeploymentsByTheirIDs(t *testing.T) {
	hub, base := newHub(t)
	job := client(t, base, jobToken)
	first := deploy(t, job, api.DeploymentRequest{Ref: api.String("v1.0.0"), Environment: api.String("prod")})
	second := deploy(t, job, api.DeploymentRequest{Ref: api.String("main"), Environment: api.String("prod")})
	state(t, job, first, api.DeploymentStatusRequest{State: api.String("success"), LogURL: api.String("https://ci.example/1")})
	ask := func(token, id string) map[string]any {
		return query(t, base, token, `query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Deployment { commitOid state latestStatus { state logUrl } } } }`,
			map[string]any{"ids": []string{second.GetNodeID(), id}})
	}
	got := ask(jobToken, first.GetNodeID())
	equal(t, "the first asked for", dig(got, "data", "nodes", 0, "commitOid"), any(second.GetSHA()))
	equal(t, "without a status", dig(got, "data", "nodes", 0, "latestStatus"), nil)
	equal(t, "its state", dig(got, "data", "nodes", 0, "state"), any("PENDING"))
	equal(t, "an active one", dig(got, "data", "nodes", 1, "state"), any("ACTIVE"))
	equal(t, "its status", dig(got, "data", "nodes", 1, "latestStatus", "state"), any("SUCCESS"))
	equal(t, "its log", dig(got, "data", "nodes", 1, "latestStatus", "logUrl"), any("https://ci.example/1"))
	equal(t, "an unknown id", dig(ask(jobToken, "nothing"), "errors", 0, "type"), any("NOT_FOUND"))
	must(t, hub.AddToken(github.Token{Value: "ghs_blind", Repositories: []string{"acme/shop"}}))
	equal(t, "without deployments: read", dig(ask("ghs_blind", first.GetNodeID()), "errors", 0, "type"), any("FORBIDDEN"))
}
