//go:build act

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A pipeline is a repository at the sandbox's GitHub, a clone of it, and the AWS account that its workflows release to.
// There are no keys for them: they assume roles by their identity token.
type pipeline struct {
	t      *testing.T
	cloud  *sandboxtest.Cloud
	clone  string
	action string // the folder that act takes for the repository of the action
	shared string // a folder that all jobs see as /artifacts
	runs   int
	token  string // that of whoever looks
}

// standIn is what artifacts are to jobs here, since act has no store for them that needs neither node nor GitHub.
const standIn = `name: artifact
inputs: {name: {required: true}, path: {required: true}}
runs:
  using: composite
  steps:
    - shell: sh
      run: %s
`

// passedOn is what act leaves out of a container's post-entrypoint: what the step has saved, and the defaults of inputs. A
// step has no outputs before its main part has ended, and so nothing is saved then.
// https://github.com/nektos/act/blob/v0.2.89/pkg/runner/action.go (runPostStep)
func passedOn(mode any) yaml.MapSlice {
	if mode == nil {
		mode = "run"
	}
	const out = "steps[github.action].outputs."
	return yaml.MapSlice{
		{Key: "STATE_promote_begun", Value: "${{ " + out + "outcome && 'true' || '' }}"},
		{Key: "STATE_promote_mode", Value: fmt.Sprintf("${{ %soutcome && '%v' || '' }}", out, mode)},
		{Key: "STATE_promote_release", Value: "${{ " + out + "release-id }}"},
		{Key: "STATE_promote_told", Value: "${{ " + out + "outcome && '1' || '' }}"},
		{Key: "INPUT_JOB-STATUS", Value: "${{ job.status }}"},
		{Key: "INPUT_GITHUB-TOKEN", Value: "${{ github.token }}"},
	}
}

// forAct is a workflow as act can run it: without what it does not know yet, environments that file no deployment, and
// with what is passed on.
func forAct(t *testing.T, workflow []byte) []byte {
	t.Helper()
	var file struct {
		Name        string
		On          yaml.MapSlice
		Permissions yaml.MapSlice
		Jobs        yaml.MapSlice
	}
	must(t, yaml.UnmarshalWithOptions(workflow, &file, yaml.UseOrderedMap(), yaml.DisallowUnknownField()))
	for _, job := range file.Jobs {
		job := job.Value.(yaml.MapSlice)
		for i := range job {
			switch value := job[i].Value.(type) {
			case yaml.MapSlice:
				if job[i].Key == "environment" {
					job[i].Value = slices.DeleteFunc(value, func(item yaml.MapItem) bool { return item.Key == "deployment" })
				}
			case []any:
				for n, step := range value {
					step, is := step.(yaml.MapSlice)
					if fields := step.ToMap(); is && fields["uses"] == ours {
						with, _ := fields["with"].(yaml.MapSlice)
						value[n] = append(step, yaml.MapItem{Key: "env", Value: passedOn(with.ToMap()["mode"])})
					}
				}
			}
		}
	}
	text, err := yaml.Marshal(file)
	must(t, err)
	return text
}

const ours = "promote-on-success/promote@v1"

func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	p := &pipeline{t: t, cloud: sandboxtest.Start(t, sandbox.Options{Seed: 1}), clone: t.TempDir(), action: t.TempDir(), shared: t.TempDir(), token: "ghs_looker"}
	must(t, p.hub().AddToken(github.Token{Value: p.token, Permissions: github.ReadWrite()}))
	action, err := os.ReadFile("../../action.yml")
	must(t, err)
	pinned := strings.Replace(string(action), "  image: Dockerfile\n", "  image: docker://"+os.Getenv("PROMOTE_IMAGE")+"\n", 1)
	if pinned == string(action) {
		t.Fatal("action.yml does not name the Dockerfile")
	}
	p.write(p.action, "action.yml", pinned)
	p.write(p.action, "upload/action.yml", fmt.Sprintf(standIn, `cp "${{ inputs.path }}"/* "/artifacts/${{ inputs.name }}/"`))
	p.write(p.action, "download/action.yml", fmt.Sprintf(standIn, `mkdir -p "${{ inputs.path }}" && cp "/artifacts/${{ inputs.name }}"/* "${{ inputs.path }}/"`))
	must(t, os.Mkdir(filepath.Join(p.shared, "reports"), 0o777)) // its files are root's, and are removed with it
	p.git("init", "--quiet", "--initial-branch", "main")
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *pipeline) hub() *github.Service { return p.cloud.Server().GitHub() }

func (p *pipeline) write(folder, name, content string) {
	p.t.Helper()
	path := filepath.Join(folder, name)
	must(p.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(p.t, os.WriteFile(path, []byte(content), 0o644))
}

func (p *pipeline) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", p.clone, "-c", "user.name=octocat", "-c", "user.email=octocat@example.com"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a commit with a release of the shop, in the clone and at GitHub.
func (p *pipeline) commit(branch, title, code string) string {
	p.t.Helper()
	for _, function := range shop {
		p.write(p.clone, "code/"+function+".zip", string(p.cloud.Zip(sandboxtest.Code{Name: code})))
	}
	p.git("add", "--all")
	p.git("commit", "--quiet", "--message", title)
	sha := p.git("rev-parse", "HEAD")
	c := github.Commit{SHA: sha, Message: title, Author: "octocat", Branch: branch, Files: []github.File{{Path: "code/checkout.zip"}}}
	if p.git("rev-list", "--count", "HEAD") != "1" {
		c.Parents = []string{p.git("rev-parse", "HEAD^")}
	}
	_, err := p.hub().AddCommit(repository, c)
	must(p.t, err)
	return sha
}

// A ran is what act has told of a workflow's run.
type ran struct {
	failed  bool
	log     string
	outputs map[string]map[string]string // by step, as "job/id"; of the main part
	summary map[string]string
	main    map[string]string // how it ended
	post    map[string]string
	said    map[string]string // by step: what its containers wrote
	took    time.Duration
}

// jobsToken is a token with the permissions that the workflow's jobs have, which act gives no heed to.
func (p *pipeline) jobsToken(workflow []byte) string {
	p.t.Helper()
	var file struct {
		Jobs map[string]struct{ Permissions map[string]string }
	}
	must(p.t, yaml.Unmarshal(workflow, &file))
	permissions := map[string]string{}
	for _, job := range file.Jobs {
		for scope, level := range job.Permissions {
			if scope != "id-token" && permissions[scope] != "write" {
				permissions[scope] = level
			}
		}
	}
	value := "ghs_jobs" + strconv.Itoa(p.runs)
	must(p.t, p.hub().AddToken(github.Token{Value: value, Permissions: permissions, Repositories: []string{repository}}))
	return value
}

// act runs a workflow's file for an event, to its end.
func (p *pipeline) act(file, event string, payload map[string]any) ran {
	p.t.Helper()
	p.runs++
	workflow, err := os.ReadFile(file)
	must(p.t, err)
	token := p.jobsToken(workflow)
	name := filepath.Base(file)
	p.write(p.clone, ".github/workflows/"+name, string(workflow)) // promote reads it there, as it is
	run := p.t.TempDir()
	p.write(run, name, string(forAct(p.t, workflow)))
	payload["repository"] = map[string]any{"full_name": repository, "default_branch": "main"}
	text, err := json.Marshal(payload)
	must(p.t, err)
	p.write(run, "event.json", string(text))

	env := p.cloud.Env()
	args := []string{event, "--json", "--rm", "--pull=false", "--no-cache-server", "--network", "host", "--container-daemon-socket", "-",
		"--container-options", "--label promote.act --volume " + p.shared + ":/artifacts",
		"--platform", "ubuntu-latest=" + os.Getenv("ACT_JOB_IMAGE"), "--action-cache-path", filepath.Join(run, "cache"),
		"--directory", p.clone, "--workflows", filepath.Join(run, name), "--eventpath", filepath.Join(run, "event.json"),
		"--actor", "octocat", "--secret", "GITHUB_TOKEN=" + token}
	for _, action := range []struct{ uses, folder string }{
		{ours, ""},
		{"actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f", "upload"},
		{"actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131", "download"},
	} {
		args = append(args, "--local-repository", env["GITHUB_SERVER_URL"]+"/"+action.uses+"="+filepath.Join(p.action, action.folder))
	}
	delete(env, "AWS_ACCESS_KEY_ID")
	delete(env, "AWS_SECRET_ACCESS_KEY")
	delete(env, "GITHUB_TOKEN")
	env["GITHUB_RUN_ID"] = strconv.Itoa(100 + p.runs)
	env["GITHUB_RUN_NUMBER"] = strconv.Itoa(p.runs)
	env["GITHUB_REPOSITORY_ID"] = "1296269"
	env["GITHUB_WORKFLOW_REF"] = repository + "/.github/workflows/" + name + "@refs/heads/main"
	for name, value := range env {
		args = append(args, "--env", name+"="+value)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv("ACT"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it removes its containers then
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), "ACT_DISABLE_VERSION_CHECK=1", "XDG_CONFIG_HOME="+run, "XDG_CACHE_HOME="+run)
	cmd.Dir = run // it would read .env, .secrets and the like
	began := time.Now()
	out, err := cmd.CombinedOutput()
	r := read(p.t, out)
	r.took, r.failed = time.Since(began), err != nil
	if ctx.Err() != nil {
		p.t.Fatalf("act %s took too long\n%s", name, r.log)
	}
	p.t.Logf("%s: act ran it in %.1f s", name, r.took.Seconds())
	return r
}

// read takes act's log apart.
func read(t *testing.T, out []byte) ran {
	t.Helper()
	r := ran{outputs: map[string]map[string]string{}, summary: map[string]string{}, main: map[string]string{}, post: map[string]string{}, said: map[string]string{}}
	var log strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct {
			JobID, Stage, StepResult string
			StepID                   []string
			Command, Name, Arg, Msg  string
			Content                  string
			RawOutput                bool `json:"raw_output"`
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			log.WriteString(lines.Text() + "\n")
			continue
		}
		step := line.JobID + "/" + strings.Join(line.StepID, ".")
		fmt.Fprintf(&log, "%s %s: %s\n", step, line.Stage, strings.TrimRight(line.Msg, "\n"))
		switch {
		case line.Command == "set-output" && line.Stage == "Main":
			if r.outputs[step] == nil {
				r.outputs[step] = map[string]string{}
			}
			r.outputs[step][line.Name] = line.Arg
		case line.Command == "summary":
			r.summary[step] += line.Content
		case line.StepResult != "" && line.Stage == "Main":
			r.main[step] = line.StepResult
		case line.StepResult != "" && line.Stage == "Post":
			r.post[step] = line.StepResult
		case line.RawOutput:
			r.said[step] += line.Msg
		}
	}
	must(t, lines.Err())
	r.log = log.String()
	return r
}

// get reads from GitHub's API.
func (p *pipeline) get(path string, answer any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.cloud.Env()["GITHUB_API_URL"]+"/repos/"+repository+path, nil)
	must(p.t, err)
	p.call(req, answer)
}

func (p *pipeline) post(path string, body, answer any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	must(p.t, err)
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.cloud.Env()["GITHUB_API_URL"]+"/repos/"+repository+path, bytes.NewReader(text))
	must(p.t, err)
	p.call(req, answer)
}

func (p *pipeline) call(req *http.Request, answer any) {
	p.t.Helper()
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := p.cloud.HTTPClient().Do(req)
	must(p.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(p.t, err)
	if res.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s\n%s", req.Method, req.URL.Path, res.Status, text)
	}
	must(p.t, json.Unmarshal(text, answer))
}
