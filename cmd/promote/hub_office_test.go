package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	main "github.com/promote-on-success/promote/cmd/promote"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// An office is where steps of workflows run in virtual time, against an AWS and a GitHub in memory: checkout is at version 1 in
// prod and preprod, and pull request 7 has become commit c2.
type office struct {
	t       *testing.T
	cloud   *sandboxtest.Cloud
	hub     *github.Service
	commits map[string]string
	home    string // of the workspace; every step has a workspace of its own below
	steps   int
}

const officeFile = `app: shop
functions: {checkout: {artifact: dist/checkout.zip}}
verify:
  - invoke: {function: checkout}
environments: {prod: {}, preprod: {}}
`

// inOffice runs a test in virtual time. AWS takes some of it, so that what is told beside a run is told before its end.
func inOffice(t *testing.T, test func(*testing.T, *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newOffice(t, sandbox.Options{Latency: 50 * time.Millisecond})) })
}

func newOffice(t *testing.T, o sandbox.Options) *office {
	t.Helper()
	o.Repository, o.Seed = repository, 1
	f := &office{t: t, cloud: sandboxtest.InProcess(t, o), commits: map[string]string{}, home: t.TempDir()}
	f.hub = f.cloud.Server().GitHub()
	rows := table.New(dynamodb.NewFromConfig(f.cloud.AWS()), table.DefaultName, table.Current())
	if _, err := rows.Setup(t.Context(), func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	f.cloud.Function("checkout", sandboxtest.Code{Name: "old"})
	_, err := f.cloud.Lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("checkout"), Timeout: aws.Int32(60)})
	f.must(err)
	version := f.cloud.Publish("checkout")
	f.cloud.Alias("checkout", "prod", version)
	f.cloud.Alias("checkout", "preprod", version)
	f.commit("c1", "")
	f.commit("c2", "c1")
	f.must(f.hub.PutPull(repository, github.PullRequest{Number: 7, Title: "Change it", Head: "topic", HeadSHA: f.commits["c2"], Merged: true, MergeCommit: f.commits["c2"]}))
	f.hub.ClearCalls()
	return f
}

func (f *office) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// commit makes a commit on main.
func (f *office) commit(name, parent string) {
	f.t.Helper()
	c := github.Commit{Message: "Change " + name, Author: "octocat", Branch: "main"}
	if parent != "" {
		c.Parents = []string{f.commits[parent]}
	}
	sha, err := f.hub.AddCommit(repository, c)
	f.must(err)
	f.commits[name] = sha
}

// A job is a step of a workflow that has not run yet.
type job struct {
	*office
	env       map[string]string
	workspace string
	ctx       context.Context
	web       http.RoundTripper
}

// A heard is what a step has left.
type heard struct {
	code    int
	log     string
	outputs map[string]output
	state   map[string]output
	took    time.Duration
}

// job prepares a step of another run, of a commit and with this code. The inputs are pairs.
func (f *office) job(commit, code string, inputs ...string) *job {
	f.t.Helper()
	f.steps++
	j := &job{office: f, env: f.cloud.Env(), workspace: filepath.Join(f.home, fmt.Sprint(f.steps)), ctx: f.t.Context(), web: f.cloud.HTTPClient().Transport}
	token := j.env["GITHUB_TOKEN"]
	delete(j.env, "GITHUB_TOKEN")
	for _, in := range config.Inputs() {
		j.input(in.Name, in.Default)
	}
	j.input("job-status", "success")
	j.input("github-token", token)
	j.input("environment", "prod")
	for i := 0; i+1 < len(inputs); i += 2 {
		j.input(inputs[i], inputs[i+1])
	}
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": j.workspace, "RUNNER_TEMP": j.at("temp"),
		"GITHUB_REPOSITORY": repository, "GITHUB_REPOSITORY_ID": "1", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main",
		"GITHUB_RUN_ID": fmt.Sprint(1000 + f.steps), "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "octocat", "GITHUB_SHA": f.commits[commit],
		"GITHUB_WORKFLOW": "release", "GITHUB_OUTPUT": j.at("output"), "GITHUB_STEP_SUMMARY": j.at("summary.md"), "GITHUB_ENV": j.at("env"), "GITHUB_STATE": j.at("state"),
	} {
		j.env[name] = value
	}
	j.file("promote.yaml", []byte(officeFile))
	j.file("dist/checkout.zip", f.cloud.Zip(sandboxtest.Code{Name: code}))
	j.file("temp/.keep", nil)
	j.file("state", nil)
	return j
}

func (j *job) input(name, value string) { j.env["INPUT_"+strings.ToUpper(name)] = value }

func (j *job) at(name string) string { return filepath.Join(j.workspace, filepath.FromSlash(name)) }

func (j *job) file(name string, content []byte) {
	j.t.Helper()
	j.must(os.MkdirAll(filepath.Dir(j.at(name)), 0o755))
	j.must(os.WriteFile(j.at(name), content, 0o644))
}

func (j *job) read(name string) string {
	j.t.Helper()
	text, err := os.ReadFile(j.at(name))
	j.must(err)
	return string(text)
}

// event makes the step one of another event, with this payload.
func (j *job) event(name, ref string, payload map[string]any) *job {
	j.t.Helper()
	text, err := json.Marshal(payload)
	j.must(err)
	j.file("event.json", text)
	j.env["GITHUB_EVENT_NAME"], j.env["GITHUB_REF"], j.env["GITHUB_EVENT_PATH"] = name, ref, j.at("event.json")
	return j
}

// proposed makes it one of pull request 7, whose branch is in that repository.
func (j *job) proposed(from string) *job {
	return j.event("pull_request", "refs/pull/7/merge", map[string]any{"number": 7, "pull_request": map[string]any{
		"head": map[string]any{"sha": j.env["GITHUB_SHA"], "repo": map[string]any{"full_name": from}},
	}})
}

// run runs the step.
func (j *job) run() heard {
	j.t.Helper()
	j.file("output", nil)
	j.file("summary.md", nil)
	var log bytes.Buffer
	began := time.Now()
	code := main.Act(j.ctx, func(name string) string { return j.env[name] }, &log, &http.Client{Transport: j.web})
	r := heard{code: code, log: log.String(), took: time.Since(began)}
	var err error
	r.outputs, err = outputs(j.read("output"))
	j.must(err)
	r.state, err = outputs(j.read("state"))
	j.must(err)
	return r
}

// again makes it the next attempt of the same run.
func (j *job) again() {
	j.env["GITHUB_RUN_ATTEMPT"] += "1"
	j.file("state", nil)
}

// post makes it the post-entrypoint of the step, in a job that ended so.
func (j *job) post(status string) heard {
	j.t.Helper()
	state, err := outputs(j.read("state"))
	j.must(err)
	for name, o := range state {
		j.env["STATE_"+name] = o.value
	}
	j.input("job-status", status)
	return j.run()
}

// ended holds a step to its outcome and exit code, and to no more than these warnings; each has to be found.
func (r heard) ended(t *testing.T, outcome string, code int, warnings ...string) {
	t.Helper()
	if r.code != code || r.outputs["outcome"].value != outcome {
		t.Fatalf("it ended %q with %d, want %q with %d\n%s", r.outputs["outcome"].value, r.code, outcome, code, r.log)
	}
	r.warned(t, warnings...)
}

func (r heard) warned(t *testing.T, warnings ...string) {
	t.Helper()
	var found []string
	for line := range strings.Lines(r.log) {
		if strings.HasPrefix(line, "::warning") {
			found = append(found, line)
		}
	}
	if len(found) != len(warnings) {
		t.Errorf("there are %d warnings, want %q:\n%s", len(found), warnings, strings.Join(found, ""))
		return
	}
	for _, want := range warnings {
		if !strings.Contains(strings.Join(found, ""), want) {
			t.Errorf("no warning says %q:\n%s", want, strings.Join(found, ""))
		}
	}
}

// ask asks GitHub as the job's token does.
func (f *office) ask(method, path string, body, into any) {
	f.t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		f.must(err)
		content = bytes.NewReader(text)
	}
	env := f.cloud.Env()
	r, err := http.NewRequestWithContext(f.t.Context(), method, env["GITHUB_API_URL"]+"/repos/"+repository+path, content)
	f.must(err)
	r.Header.Set("Authorization", "Bearer "+env["GITHUB_TOKEN"])
	res, err := f.cloud.HTTPClient().Do(r)
	f.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	f.must(err)
	if res.StatusCode >= 300 {
		f.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	if into != nil {
		f.must(json.Unmarshal(text, into))
	}
}

// comments are those of pull request 7, and how often each was edited does not show.
func (f *office) comments() []string {
	f.t.Helper()
	var list []struct{ Body string }
	f.ask(http.MethodGet, "/issues/7/comments", nil, &list)
	bodies := make([]string, len(list))
	for i, c := range list {
		bodies[i] = c.Body
	}
	return bodies
}

// commented checks that there is one comment, and what its first line says.
func (f *office) commented(verdict string) {
	f.t.Helper()
	list := f.comments()
	if len(list) != 1 {
		f.t.Fatalf("there are %d comments: %q", len(list), list)
	}
	if first, _, _ := strings.Cut(list[0], "\n"); !strings.Contains(first, verdict) {
		f.t.Errorf("the comment begins with %q, and does not say %q", first, verdict)
	}
}

// deployments are those of an environment, oldest first: "c2 promote success".
func (f *office) deployments(environment string) []string {
	f.t.Helper()
	var list []struct {
		ID        int64
		SHA, Task string
	}
	f.ask(http.MethodGet, "/deployments?environment="+environment, nil, &list)
	var found []string
	for _, d := range list {
		var statuses []struct{ State string }
		f.ask(http.MethodGet, fmt.Sprintf("/deployments/%d/statuses", d.ID), nil, &statuses)
		state := "none"
		if len(statuses) > 0 {
			state = statuses[0].State
		}
		found = append([]string{f.named(d.SHA) + " " + d.Task + " " + state}, found...)
	}
	return found
}

func (f *office) named(sha string) string {
	for name, one := range f.commits {
		if one == sha {
			return name
		}
	}
	return sha
}

func (f *office) deployed(want ...string) {
	f.t.Helper()
	if got := f.deployments("prod"); strings.Join(got, ", ") != strings.Join(want, ", ") {
		f.t.Errorf("prod's deployments are %q, want %q", got, want)
	}
}

// environmentJob is what a job's own `environment:` does: GitHub files a deployment when the job begins. The function
// ends it, as GitHub does after the job's last post-entrypoint.
func (j *job) environmentJob() func(state string) {
	j.t.Helper()
	var d struct{ ID int64 }
	j.ask(http.MethodPost, "/deployments", map[string]any{"ref": j.env["GITHUB_SHA"], "task": "deploy", "environment": "prod", "auto_merge": false, "required_contexts": []string{}}, &d)
	status := func(state string) {
		j.ask(http.MethodPost, fmt.Sprintf("/deployments/%d/statuses", d.ID), map[string]any{
			"state": state, "log_url": fmt.Sprintf("https://github.com/%s/actions/runs/%s/job/1", repository, j.env["GITHUB_RUN_ID"]),
		}, nil)
	}
	status("in_progress")
	return status
}

// calls counts GitHub's calls since they were cleared, by what they are.
func (f *office) calls() map[string]int {
	count := map[string]int{}
	for _, c := range f.hub.Calls() {
		name := c.Operation
		if name == "" {
			name = c.Method + " " + c.Path
		}
		count[name]++
	}
	return count
}

// holding is the version that an environment's alias of checkout holds.
func (f *office) holding(alias string) string {
	f.t.Helper()
	out, err := f.cloud.Lambda().GetAlias(f.t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("checkout"), Name: &alias})
	f.must(err)
	return aws.ToString(out.FunctionVersion)
}
