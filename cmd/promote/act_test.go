//go:build act

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// Workflows that are to be copied, and some more, run by act (https://github.com/nektos/act) as GitHub would run them, with
// the image and the sandbox. .ci/act builds the image, fetches act, and runs this.
//
// What act does not do, and what stands in for it:
//   - It starts a container's post-entrypoint without what the step has saved, and without the defaults of inputs: the copy
//     of action.yml passes them on. What is saved in fact is for script/post.txtar to see.
//   - It takes no notice of permissions: the workflow's token has what all its jobs together ask for.
//   - It does not know `deployment: false`, which is left out; and it files no deployment for a job's environment.
//   - It has no concurrency groups, and no artifacts without node: see standIn.
//   - A summary and its post-entrypoint's are one text in its log.

// shop are the functions.
var shop = []string{"checkout", "payments"}

const shopOnMain = `app: shop
endpoints: {latest: {auth: none}, environment: {auth: none}}
functions:
  checkout: {artifact: dist/checkout.zip, path: /}
  payments: {artifact: dist/payments.zip}
verify:
  - name: payments answers
    invoke: {function: payments, expect: .code != null, within: 10s}
  - name: the newest checkout answers
    http: {url: "{{.Endpoint.latest}}/health", expect: {status: 200, json: .code != null}, within: 30s}
environments:
  prod: {alias: live, region: eu-west-1}
`

// scripts are what `make` runs in the jobs.
var scripts = map[string]string{
	"make/build": "mkdir dist\ncp code/*.zip dist/\n",
	"make/end-to-end": `wget -q -O answer "$BASE_URL/health"
echo "$(cat answer)"
mkdir reports
if grep -q '"code":"red' answer; then exit 1; fi
echo '<testsuite tests="2" failures="0"><testcase name="a"/><testcase name="b"/></testsuite>' >reports/end-to-end.xml
`,
	"make/after": "echo \"outcome: $OUTCOME\"\necho \"functions: $FUNCTIONS\"\nprintf %s \"$NOTES\" >given\ncmp given notes.md\n",
}

func TestWorkflows(t *testing.T) {
	p := newPipeline(t)
	for _, function := range shop {
		p.cloud.Function(function, sandboxtest.Code{Name: "old"})
		p.cloud.Alias(function, "live", p.cloud.Publish(function))
	}
	p.write(p.clone, "promote.yaml", shopOnMain)
	for name, script := range scripts {
		p.write(p.clone, name, script)
	}
	first := p.commit("main", "Open the shop", "old")
	p.setUp()

	proposed := p.commit("change", "Sell cups in pairs (@somebody)", "new")
	p.putPull(github.PullRequest{Number: 7, Title: "Sell cups in pairs", Head: "change", HeadSHA: proposed})
	one := func(t *testing.T, name string, f func(p *pipeline)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) { q := *p; q.t = t; f(&q); p.runs = q.runs }) {
			t.FailNow() // what follows builds on it
		}
	}

	one(t, "a pull request gets the plan as a comment, and nothing is changed", func(p *pipeline) {
		p.cloud.ResetCalls()
		r := p.act("testdata/act/plan.yml", "pull_request", map[string]any{
			"number": 7, "action": "opened", "pull_request": map[string]any{
				"number": 7, "state": "open", "title": "Sell cups in pairs", "base": map[string]any{"ref": "main", "sha": first},
				"head": map[string]any{"ref": "change", "sha": proposed, "repo": map[string]any{"full_name": repository}},
			},
		})
		calls := p.cloud.Calls()
		r.ends(p.t, true, "plan/2")
		step := r.expect(p.t, "plan/2", map[string]string{"outcome": "planned", "changed": "false", "environment": "prod", "commit": proposed, "alias": "live"})
		if slices.ContainsFunc(calls, changes) {
			p.t.Errorf("a plan changed something: %v", calls)
		}
		p.holds("1")
		says(p.t, "the comment", p.theComment(7, "plan"), "planned", "checkout", "payments", proposed[:7])
		says(p.t, "the job summary", r.summary["plan/2"], "planned", "checkout", "payments")
		if step["comment-url"] == "" {
			p.t.Errorf("the output comment-url is empty")
		}
	})

	p.git("checkout", "--quiet", "main")
	merged := p.commit("main", "Sell cups in pairs (#7)", "new")
	p.putPull(github.PullRequest{Number: 7, Title: "Sell cups in pairs", Head: "change", HeadSHA: proposed, Merged: true, MergeCommit: merged, Commits: []string{proposed}})

	one(t, "a push is deployed, tested and promoted", func(p *pipeline) {
		r := p.act("../../examples/workflows/deploy-test-promote.yml", "push", pushed(first, merged, "Sell cups in pairs (#7)"))
		r.ends(p.t, true, "deploy/deploy", "promote/2")
		deployed := r.expect(p.t, "deploy/deploy", map[string]string{"outcome": "deployed", "changed": "false", "commit": merged})
		says(p.t, "the tests through the output endpoint-latest", r.said["test/1"], `"code":"new"`)
		promoted := r.expect(p.t, "promote/2", map[string]string{
			"outcome": "promoted", "reason-code": "verified", "changed": "true", "commit": merged, "environment": "prod", "alias": "live",
			"release-id": deployed["release-id"], "faults": "[]",
		})
		p.moved(promoted["functions"], "1", "2")
		p.holds("2")
		says(p.t, "the job summary of deploy", r.summary["deploy/deploy"], "deployed", merged[:7])
		says(p.t, "the job summary of promote", r.summary["promote/2"], "promoted", merged[:7], "checkout", "payments", "2 tests", "junit reports/")
		says(p.t, "the output release-notes", promoted["release-notes"], "Promoted versions", merged[:7])
		says(p.t, "the comment on the merged pull request", p.theComment(7, "release"), "promoted", merged[:7])
		p.deployed(merged)
	})

	p.git("checkout", "--quiet", "main")
	red := p.commit("main", "Sell broken cups", "red")
	one(t, "red tests keep a push from being promoted, and the job's end voids its release", func(p *pipeline) {
		r := p.act("testdata/act/red.yml", "push", pushed(merged, red, "Sell broken cups"))
		r.ends(p.t, false, "release/deploy", "release/promote", "late/promote")
		r.expect(p.t, "release/deploy", map[string]string{"outcome": "deployed"})
		says(p.t, "the tests", r.said["release/test"], `"code":"red"`)
		r.expect(p.t, "release/promote", map[string]string{"outcome": "refused", "reason-code": "job-not-green", "changed": "false"})
		r.expect(p.t, "late/promote", map[string]string{"outcome": "refused", "reason-code": "release-void", "changed": "false"})
		p.holds("2")
		p.deployed(merged)
	})

	fixed := p.commit("main", "Sell whole cups again", "newer")
	must(t, p.hub().AddTag(repository, github.Tag{Name: "v1.1.0", SHA: fixed}))
	p.git("tag", "v1.1.0")
	const words = "Cups, now in pairs.\n\nThanks to everybody."
	var release struct {
		ID   int64  `json:"id"`
		Body string `json:"body"`
		URL  string `json:"html_url"`
	}
	p.post("/releases", map[string]any{"tag_name": "v1.1.0", "name": "Cups", "body": words}, &release)
	one(t, "a release that is published is promoted, and tells so", func(p *pipeline) {
		r := p.act("testdata/act/published.yml", "release", map[string]any{
			"action": "published", "release": map[string]any{"id": release.ID, "tag_name": "v1.1.0", "target_commitish": "main", "body": words},
		})
		r.ends(p.t, true, "release/promote")
		step := r.expect(p.t, "release/promote", map[string]string{"outcome": "promoted", "changed": "true", "commit": fixed, "release-url": release.URL})
		p.moved(step["functions"], "2", "4")
		p.holds("4")
		says(p.t, "a later step", r.said["release/after"], "outcome: promoted", "functions: "+step["functions"])
		says(p.t, "the job summary", r.summary["release/promote"], "promoted", fixed[:7])
		p.get("/releases/tags/v1.1.0", &release)
		says(p.t, "the release", release.Body, words, "<!-- promote:", ":begin -->", "Promoted versions", "prod", "checkout", "payments", fixed[:7], "Sell whole cups again", ":end -->")
		p.deployed(fixed)
	})
}

func pushed(before, after, message string) map[string]any {
	return map[string]any{"ref": "refs/heads/main", "before": before, "after": after, "deleted": false, "head_commit": map[string]any{"id": after, "message": message}}
}

// setUp makes the lock table and the endpoints, by the image as a command-line tool.
func (p *pipeline) setUp() {
	p.t.Helper()
	args := []string{"run", "--rm", "--label", "promote.act", "--network", "host", "--volume", p.clone + ":/shop", "--workdir", "/shop"}
	for name, value := range p.cloud.Env() {
		if strings.HasPrefix(name, "AWS_") {
			args = append(args, "--env", name+"="+value)
		}
	}
	if out, err := exec.Command("docker", append(args, os.Getenv("PROMOTE_IMAGE"), "setup")...).CombinedOutput(); err != nil {
		p.t.Fatalf("promote setup: %v\n%s", err, out)
	}
}

func (p *pipeline) putPull(pull github.PullRequest) {
	p.t.Helper()
	pull.Author = "octocat"
	must(p.t, p.hub().PutPull(repository, pull))
}

// ends holds a run to its end, and its steps to a post-entrypoint that has nothing to complain of.
func (r ran) ends(t *testing.T, green bool, steps ...string) {
	t.Helper()
	if r.failed == green {
		t.Fatalf("act failed: %t\n%s", r.failed, r.log)
	}
	for _, step := range steps {
		if r.post[step] != "success" {
			t.Errorf("the post-entrypoint of %s: %q", step, r.post[step])
		}
	}
	t.Logf("the post-entrypoints of %s have run", strings.Join(steps, ", "))
}

// expect holds a step to some of its outputs, and returns all of them.
func (r ran) expect(t *testing.T, step string, want map[string]string) map[string]string {
	t.Helper()
	got := r.outputs[step]
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: output %s is %q, and should be %q", step, name, got[name], value)
		}
	}
	if t.Failed() {
		t.Logf("outputs: %v\n%s", got, r.log)
	}
	t.Logf("outputs of %s: %v", step, want)
	return got
}

func says(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q:\n%s", what, part, text)
			return
		}
	}
	t.Logf("%s says %q", what, parts)
}

// moved holds the output functions to versions.
func (p *pipeline) moved(functions, from, to string) {
	p.t.Helper()
	var list []struct {
		Function, Version string
		Previous          string `json:"previous_version"`
	}
	must(p.t, json.Unmarshal([]byte(functions), &list))
	var keys []string
	for _, f := range list {
		keys = append(keys, f.Function)
		if f.Previous != from || f.Version != to {
			p.t.Errorf("the output functions tells that %s went from %q to %q", f.Function, f.Previous, f.Version)
		}
	}
	if !slices.Equal(keys, shop) {
		p.t.Errorf("the output functions is about %v", keys)
	}
}

// holds holds the aliases of both functions to a version.
func (p *pipeline) holds(version string) {
	p.t.Helper()
	for _, function := range shop {
		alias, err := p.cloud.Lambda().GetAlias(p.t.Context(), &lambda.GetAliasInput{FunctionName: &function, Name: aws.String("live")})
		must(p.t, err)
		if got := aws.ToString(alias.FunctionVersion); got != version {
			p.t.Errorf("%s:live holds version %s, and should hold %s", function, got, version)
		}
	}
	p.t.Logf("live holds version %s of both functions", version)
}

// theComment is the only one that a workflow has on a pull request.
func (p *pipeline) theComment(pull int, workflow string) string {
	p.t.Helper()
	var comments []struct{ Body string }
	p.get(fmt.Sprintf("/issues/%d/comments", pull), &comments)
	var found []string
	for _, c := range comments {
		if strings.Contains(c.Body, " workflow="+workflow+" ") {
			found = append(found, c.Body)
		}
	}
	if len(found) != 1 {
		p.t.Fatalf("the workflow %s has %d comments: %v", workflow, len(found), comments)
	}
	return found[0]
}

// deployed holds the environment's deployments to one of them being active, that of a commit.
func (p *pipeline) deployed(sha string) {
	p.t.Helper()
	var deployments []struct {
		ID  int64
		SHA string
	}
	p.get("/deployments?environment=prod", &deployments)
	var active []string
	for _, d := range deployments {
		var statuses []struct{ State string }
		p.get(fmt.Sprintf("/deployments/%d/statuses", d.ID), &statuses)
		if len(statuses) > 0 && statuses[0].State == "success" {
			active = append(active, d.SHA)
		}
	}
	if !slices.Equal(active, []string{sha}) {
		p.t.Errorf("of the deployments %v those of %v are active, and that of %s should be", deployments, active, sha)
	}
	p.t.Logf("of %d deployments that of commit %s is active", len(deployments), sha[:7])
}
