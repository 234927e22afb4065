package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

const workflowName, workflowPath = "release", ".github/workflows/release.yml"

// run is what a workflow's job tells the programs in it about the run for a merge.
func (d *show) run(n int) map[string]string {
	return map[string]string{
		"GITHUB_REPOSITORY_ID":    "1296269",
		"GITHUB_RUN_ID":           strconv.Itoa(100 + n),
		"GITHUB_RUN_ATTEMPT":      "1",
		"GITHUB_RUN_NUMBER":       strconv.Itoa(n),
		"GITHUB_WORKFLOW":         workflowName,
		"GITHUB_WORKFLOW_REF":     repositoryOwner + "/" + repositoryName + "/" + workflowPath + "@refs/heads/main",
		"GITHUB_JOB":              "release",
		"GITHUB_ACTOR":            "octocat",
		"GITHUB_TRIGGERING_ACTOR": "octocat",
	}
}

// step runs promote as a step of a workflow that was started by a push to ref, and shows the step's log.
func (d *show) step(ctx context.Context, expected, n int, ref string) error {
	workspace, err := d.checkout(n)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%s (#%d)", merges[n-1].title, merges[n-1].pull)
	if err := d.box.GitHub().PutRun(repositoryOwner+"/"+repositoryName, github.Run{
		ID: int64(100 + n), Name: workflowName, Path: workflowPath, Branch: "main", SHA: commit(n), Title: title, Number: n, Actor: "octocat",
		Jobs: []github.Job{{Name: "release", Status: "in_progress"}},
	}); err != nil {
		return err
	}
	files, err := d.stepFiles(n, ref, title)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "  - uses: promote-on-success/promote@v1   # started by a push to %s\n    with: {environment: prod}\n\n", ref)
	cmd := exec.CommandContext(ctx, filepath.Join(d.folder, "bin", "promote"))
	cmd.Dir = workspace
	cmd.Env = append(d.environment(), "GITHUB_ACTIONS=true", "GITHUB_WORKSPACE="+workspace, "GITHUB_EVENT_NAME=push", "GITHUB_SHA="+commit(n),
		"GITHUB_REF="+ref, "GITHUB_REF_NAME="+ref[strings.LastIndexByte(ref, '/')+1:], "GITHUB_ACTION_REPOSITORY=promote-on-success/promote",
		"INPUT_MODE=run", "INPUT_ENVIRONMENT=prod", "INPUT_JOB-STATUS=success", "INPUT_GITHUB-TOKEN="+d.box.Env()["GITHUB_TOKEN"])
	for _, more := range []map[string]string{d.run(n), files} {
		for name, value := range more {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	log := &prefixed{out: d.out, shown: asOnPage(brief(true))}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run promote: %w", err)
	}
	if err := (&process{Cmd: cmd, name: "as a step", log: log}).wait(expected); err != nil {
		return err
	}
	summary, err := os.ReadFile(files["GITHUB_STEP_SUMMARY"])
	d.summaries[n] = string(summary)
	return err
}

// stepFiles makes the files that a runner gives to a step, and the variables that name them.
func (d *show) stepFiles(n int, ref, title string) (map[string]string, error) {
	folder := filepath.Join(d.folder, "step-"+strconv.Itoa(n))
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	event, err := json.Marshal(map[string]any{"ref": ref, "after": commit(n), "head_commit": map[string]any{"id": commit(n), "message": title}})
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for name, content := range map[string][]byte{"EVENT_PATH": event, "OUTPUT": nil, "STEP_SUMMARY": nil, "STATE": nil, "ENV": nil} {
		path := filepath.Join(folder, strings.ToLower(name))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
		env["GITHUB_"+name] = path
	}
	return env, nil
}

// asOnPage is how GitHub's page shows a line of a step's log. What is no command is passed on.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func asOnPage(text func(line string) (string, bool)) func(line string) (string, bool) {
	return func(line string) (string, bool) {
		rest, is := strings.CutPrefix(line, "::")
		command, message, ends := strings.Cut(rest, "::")
		if !is || !ends {
			return text(line)
		}
		message = strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n").Replace(message)
		switch name, _, _ := strings.Cut(command, " "); name {
		case "group":
			return "▾ " + message, true
		case "error", "warning", "notice":
			return strings.ToUpper(name[:1]) + name[1:] + ": " + message, true
		}
		return "", false // a mask, the end of a group, or of text without commands
	}
}
