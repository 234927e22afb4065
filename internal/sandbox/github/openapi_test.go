//go:build openapi

package github_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// description is GitHub's OpenAPI document, made fit for a JSON Schema compiler.
type description struct {
	compiler *jsonschema.Compiler
	paths    map[string]any
	document map[string]any
	done     map[string]int // answers held against the description, by operation and status
	plain    int            // of them, those whose status is described without a body
}

// load reads the document that OPENAPI names (package @octokit/openapi, generated/api.github.com.json).
func load(t *testing.T) *description {
	t.Helper()
	name := os.Getenv("OPENAPI")
	if name == "" {
		t.Fatal("OPENAPI names no file: run .ci/github-openapi")
	}
	raw, err := os.ReadFile(name)
	must(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	must(t, err)
	root := document.(map[string]any)
	for _, path := range []string{"schemas", "responses", "parameters"} {
		if part, ok := dig(root, "components", path).(map[string]any); ok {
			for k := range part {
				part[k] = translate(part[k], false)
			}
		}
	}
	paths := root["paths"].(map[string]any)
	for k := range paths {
		paths[k] = translate(paths[k], false)
	}
	// GitHub sends the status in these bodies too, which its description says of basic-error only.
	for _, name := range []string{"validation-error", "validation-error-simple"} {
		dig(root, "components", "schemas", name, "properties").(map[string]any)["status"] = map[string]any{"type": "string"}
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.AssertFormat()
	must(t, c.AddResource("file:///openapi.json", root))
	return &description{compiler: c, paths: paths, document: root, done: map[string]int{}}
}

// translate turns OpenAPI 3.0's "nullable" into JSON Schema, and closes each object that lists its
// properties, so that a misspelt optional one is found. Parts of an allOf stay open: others add to them.
func translate(v any, open bool) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = translate(x[i], open)
		}
	case map[string]any:
		for k := range x {
			if k == "example" || k == "examples" || k == "default" || k == "enum" {
				continue
			}
			inner := x[k]
			if k == "properties" { // names of properties are no keywords
				for name, p := range inner.(map[string]any) {
					inner.(map[string]any)[name] = translate(p, false)
				}
				continue
			}
			x[k] = translate(inner, k == "allOf")
		}
		_, all := x["allOf"]
		_, either := x["anyOf"]
		_, one := x["oneOf"]
		_, has := x["properties"].(map[string]any)
		if _, said := x["additionalProperties"]; has && !said && !open && !all && !either && !one {
			x["additionalProperties"] = false
		}
		if x["nullable"] == true {
			delete(x, "nullable")
			inner := maps.Clone(x)
			return map[string]any{"anyOf": []any{inner, map[string]any{"type": "null"}}}
		}
		return x
	}
	return v
}

// operation finds an operation by its name, and where it stands.
func (d *description) operation(id string) (template, method string, op map[string]any) {
	for template, item := range d.paths {
		for method, o := range item.(map[string]any) {
			if op, ok := o.(map[string]any); ok && op["operationId"] == id {
				return template, method, op
			}
		}
	}
	return "", "", nil
}

// hold checks one answer of an operation: its status has to be described, and its body to fit the schema.
func (d *description) hold(t *testing.T, id, path string, r response) {
	t.Helper()
	template, method, op := d.operation(id)
	if op == nil {
		t.Errorf("%s: the operation %q is not in the description", path, id)
		return
	}
	status := strconv.Itoa(r.status)
	pointer := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(template) + "/" + method + "/responses/" + status
	described, ok := dig(op, "responses", status).(map[string]any)
	if !ok {
		t.Errorf("%s %s: status %s is not described: %s", id, path, status, r.body)
		return
	}
	if ref, ok := described["$ref"].(string); ok {
		pointer = strings.TrimPrefix(ref, "#")
		described, _ = dig(d.document, anyParts(pointer)...).(map[string]any)
	}
	d.done[id+" "+status]++
	if _, ok := dig(described, "content", "application/json", "schema").(map[string]any); !ok {
		d.plain++
		if len(r.body) > 0 && r.status < 400 {
			t.Errorf("%s %s: %s has no body in the description, but %q", id, path, status, r.body)
		}
		return
	}
	schema, err := d.compiler.Compile("file:///openapi.json#" + pointer + "/content/application~1json/schema")
	if err != nil {
		t.Errorf("%s %s: %v", id, path, err)
		return
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.body))
	if err != nil {
		t.Errorf("%s %s: %v", id, path, err)
		return
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s %s %s: %v", id, path, status, err)
	}
}

func anyParts(pointer string) []any {
	var parts []any
	for _, p := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		parts = append(parts, strings.NewReplacer("~1", "/", "~0", "~").Replace(p))
	}
	return parts
}

// Every route of the fake is driven, and each answer held against GitHub's own description of its API.
func TestAnswersFitGitHubsDescription(t *testing.T) {
	d := load(t)
	hub, base := newHub(t)
	send := func(token, method, path, body string) response {
		t.Helper()
		root := base + "/_github/api/v3"
		if strings.HasPrefix(path, "/uploads") {
			root = base + "/_github/api"
		}
		r := call(t, method, root+path, token, body)
		calls := hub.Calls()
		d.hold(t, calls[len(calls)-1].Operation, path, r)
		return r
	}
	job := func(method, path, body string) response { t.Helper(); return send(jobToken, method, path, body) }
	get := func(path string) response { t.Helper(); return job("GET", path, "") }
	id := func(r response) string { t.Helper(); return fmt.Sprintf("%.0f", r.object(t)["id"]) }

	const repo = "/repos/acme/shop"
	for _, path := range []string{
		"/rate_limit", "/users/ada", "/users/nobody", "/user", "/repos/acme/other", repo, repo + "/tags", repo + "/branches/main",
		repo + "/branches/none", repo + "/git/ref/heads/main", repo + "/git/ref/tags/v1.0.0", repo + "/git/ref/heads/none",
		repo + "/git/matching-refs/heads/", repo + "/git/commits/" + sha("c2"), repo + "/git/commits/" + sha("none"),
		repo + "/contents/README.md?ref=" + sha("c1"), repo + "/contents/payments", repo + "/contents/none", repo + "/contents/payments/main.go?ref=" + sha("t1"),
		repo + "/commits", repo + "/commits?per_page=2&page=2", repo + "/commits?sha=none", repo + "/commits/main", repo + "/commits/" + sha("m4"), repo + "/commits/none",
		repo + "/commits/" + sha("m4") + "/pulls", repo + "/commits/" + sha("u1") + "/pulls", repo + "/commits/main/status", repo + "/commits/none/status",
		repo + "/compare/v1.0.0...main", repo + "/compare/main...v1.0.0", repo + "/compare/main...main", repo + "/compare/main...open%2Fone?per_page=1",
		repo + "/compare/" + sha("none") + "...main", repo + "/pulls?state=all", repo + "/pulls", repo + "/pulls?state=nonsense",
		repo + "/pulls/11", repo + "/pulls/12", repo + "/pulls/13", repo + "/pulls/14", repo + "/pulls/15", repo + "/pulls/99",
		repo + "/pulls/12/files", repo + "/pulls/12/commits", repo + "/issues/3", repo + "/issues/4", repo + "/issues/12", repo + "/issues/99",
		repo + "/actions/runs", repo + "/actions/runs/9001", repo + "/actions/runs/9001/jobs", repo + "/actions/runs/9001/jobs?filter=all",
		repo + "/actions/runs/9001/attempts/2", repo + "/actions/runs/9001/attempts/1/jobs", repo + "/actions/runs/9001/attempts/7/jobs",
		repo + "/releases", repo + "/releases/latest", repo + "/releases/tags/none", repo + "/deployments", repo + "/environments",
	} {
		get(path)
	}
	send(personToken, "GET", "/user", "")
	send("", "GET", "/user", "")
	object := get(repo + "/git/ref/tags/v1.0.0").object(t)
	get(repo + "/git/tags/" + dig(object, "object", "sha").(string))
	get(repo + "/git/tags/" + sha("none"))
	jobs := get(repo + "/actions/runs/9001/jobs").object(t)
	get(repo + "/actions/jobs/" + fmt.Sprintf("%.0f", dig(jobs, "jobs", 0, "id")))

	comment := id(job("POST", repo+"/issues/12/comments", `{"body":"hello"}`))
	send(personToken, "POST", repo+"/issues/4/comments", `{"body":"hello"}`)
	for _, bad := range []string{`{"body":""}`, `{}`, `{"body":7}`} {
		job("POST", repo+"/issues/12/comments", bad)
	}
	job("POST", repo+"/issues/99/comments", `{"body":"hello"}`)
	send(forkToken, "POST", repo+"/issues/12/comments", `{"body":"hello"}`)
	get(repo + "/issues/12/comments")
	get(repo + "/issues/99/comments")
	get(repo + "/issues/comments/" + comment)
	job("PATCH", repo+"/issues/comments/"+comment, `{"body":"again"}`)
	job("PATCH", repo+"/issues/comments/"+comment, `{"body":""}`)
	job("DELETE", repo+"/issues/comments/"+comment, "")
	get(repo + "/issues/comments/" + comment)

	release := id(job("POST", repo+"/releases", `{"tag_name":"v1.0.0","name":"one","body":"text"}`))
	job("POST", repo+"/releases", `{"tag_name":"v1.0.0"}`)
	job("POST", repo+"/releases", `{}`)
	draft := id(job("POST", repo+"/releases", `{"tag_name":"v2.0.0","draft":true,"generate_release_notes":true}`))
	job("POST", "/uploads"+repo+"/releases/"+release+"/assets?name=notes.txt", "bytes")
	job("POST", repo+"/releases/generate-notes", `{"tag_name":"v1.1.0","previous_tag_name":"v1.0.0"}`)
	for _, path := range []string{"/releases", "/releases/latest", "/releases/tags/v1.0.0", "/releases/" + release, "/releases/" + draft} {
		get(repo + path)
	}
	job("PATCH", repo+"/releases/"+release, `{"body":"changed","make_latest":"false"}`)
	job("PATCH", repo+"/releases/999999", `{"body":"changed"}`)
	job("DELETE", repo+"/releases/"+draft, "")
	job("DELETE", repo+"/releases/"+draft, "")

	deployment := id(job("POST", repo+"/deployments", `{"ref":"main","environment":"preprod","auto_merge":false,"required_contexts":[],"payload":{"a":1}}`))
	second := id(send(personToken, "POST", repo+"/deployments", `{"ref":"`+sha("c5")+`","required_contexts":[],"payload":"text","description":"why"}`))
	job("POST", repo+"/deployments", `{"ref":"main"}`)
	job("POST", repo+"/deployments", `{"ref":"none"}`)
	job("POST", repo+"/deployments", `{"ref":"topic"}`)
	var status string
	for _, state := range []string{"in_progress", "success", "nonsense"} {
		r := job("POST", repo+"/deployments/"+deployment+"/statuses", `{"state":"`+state+`","log_url":"https://example.com/run","environment_url":"https://example.com","description":"d"}`)
		if r.status == http.StatusCreated {
			status = id(r)
		}
	}
	for _, path := range []string{"", "/" + deployment, "/" + second, "/" + deployment + "/statuses", "/" + deployment + "/statuses/" + status, "/1", "/1/statuses", "/" + deployment + "/statuses/1"} {
		get(repo + "/deployments" + path)
	}
	job("DELETE", repo+"/deployments/"+deployment, "")
	job("DELETE", repo+"/deployments/"+second, "")
	job("DELETE", repo+"/deployments/1", "")
	get(repo + "/environments")
	get(repo + "/environments/preprod")

	job("POST", repo+"/statuses/"+sha("c6"), `{"state":"pending","context":"promote/prod","description":"d","target_url":"https://example.com"}`)
	job("POST", repo+"/statuses/"+sha("c6"), `{"state":"success"}`)
	get(repo + "/commits/main/status")
	get(repo + "/commits/main/statuses")

	driven := map[string]bool{}
	for _, c := range hub.Calls() {
		driven[c.Operation] = true
	}
	undescribed := []string{"graphql", "raw"} // no operations of the REST description
	for _, name := range hub.Operations() {
		if !driven[name] && !slices.Contains(undescribed, name) {
			t.Errorf("no call was made to %s", name)
		}
	}
	total, operations := 0, map[string]bool{}
	for name, n := range d.done {
		total += n
		operations[strings.Fields(name)[0]] = true
	}
	fmt.Printf("GitHub's description: %d responses of %d operations validated (%d pairs of operation and status; %d responses have no body there)\n",
		total, len(operations), len(d.done), d.plain)
	if testing.Verbose() {
		out, _ := json.MarshalIndent(d.done, "", "  ") // a map of numbers can be encoded
		t.Log(string(out))
	}
}
