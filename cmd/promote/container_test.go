//go:build container

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// The image, started exactly as GitHub's runner starts a container action: the same mounts, the same variables, no init,
// no terminal. PROMOTE_IMAGE names it; .ci/container builds it and runs these tests.
// https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/ContainerActionHandler.cs

// A containerJob is the files that the runner mounts for one job.
type containerJob struct {
	t      *testing.T
	cloud  *sandboxtest.Cloud
	folder string
	step   int
}

func newJob(t *testing.T) *containerJob {
	t.Helper()
	j := &containerJob{t: t, cloud: sandboxtest.Start(t, sandbox.Options{UpdateTime: 300 * time.Millisecond}), folder: t.TempDir()}
	for _, d := range []string{"_github_home", "_github_workflow", "_runner_file_commands", "ws"} {
		if err := os.Mkdir(filepath.Join(j.folder, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	j.write("_github_workflow/event.json", []byte(`{}`))
	if _, err := table.New(dynamodb.NewFromConfig(j.cloud.AWS()), "promote", table.Current()).Setup(t.Context(), func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return j
}

func (j *containerJob) write(name string, content []byte) {
	j.t.Helper()
	if err := os.WriteFile(filepath.Join(j.folder, name), content, 0o644); err != nil {
		j.t.Fatal(err)
	}
}

// A result is what a step leaves.
type result struct {
	code    int
	log     string
	outputs map[string]string
	summary string
}

// command is the runner's `docker run` for one step, not started.
func (j *containerJob) command(inputs map[string]string) (*exec.Cmd, *bytes.Buffer) {
	j.t.Helper()
	j.step++
	for _, f := range []string{"set_output", "set_env", "save_state", "step_summary"} {
		j.write(fmt.Sprintf("_runner_file_commands/%s_%d", f, j.step), nil)
	}
	file := func(name string) string { return fmt.Sprintf("/github/file_commands/%s_%d", name, j.step) }
	env := map[string]string{
		"HOME": "/github/home", "GITHUB_ACTIONS": "true", "CI": "true",
		"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_EVENT_PATH": "/github/workflow/event.json", "GITHUB_EVENT_NAME": "push",
		"GITHUB_REPOSITORY": "octo-org/shop", "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "octocat",
		"GITHUB_SHA":    "0123456789abcdef0123456789abcdef01234567",
		"GITHUB_OUTPUT": file("set_output"), "GITHUB_ENV": file("set_env"), "GITHUB_STATE": file("save_state"), "GITHUB_STEP_SUMMARY": file("step_summary"),
	}
	for name, value := range j.cloud.Env() {
		if strings.HasPrefix(name, "AWS_") {
			env[name] = value
		}
	}
	for name, value := range inputs {
		env["INPUT_"+strings.ToUpper(strings.ReplaceAll(name, " ", "_"))] = value
	}
	args := []string{"run", "--rm", "--label", "promote.test", "--workdir", "/github/workspace", "--network", "host"}
	for name, value := range env {
		args = append(args, "-e", name+"="+value)
	}
	for from, to := range map[string]string{"_github_home": "home", "_github_workflow": "workflow", "_runner_file_commands": "file_commands", "ws": "workspace"} {
		args = append(args, "-v", filepath.Join(j.folder, from)+":/github/"+to)
	}
	cmd := exec.Command("docker", append(args, os.Getenv("PROMOTE_IMAGE"))...)
	log := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	return cmd, log
}

func (j *containerJob) run(inputs map[string]string) result {
	j.t.Helper()
	cmd, log := j.command(inputs)
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		j.t.Fatalf("start the container: %v", err)
	}
	return j.result(cmd, log)
}

func (j *containerJob) result(cmd *exec.Cmd, log *bytes.Buffer) result {
	j.t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(j.folder, "_runner_file_commands", fmt.Sprintf("%s_%d", name, j.step)))
		if err != nil {
			j.t.Fatal(err)
		}
		return string(text)
	}
	r := result{code: cmd.ProcessState.ExitCode(), log: log.String(), summary: read("step_summary"), outputs: map[string]string{}}
	lines := strings.Split(read("set_output"), "\n")
	for i := 0; i < len(lines); i++ {
		name, delimiter, found := strings.Cut(lines[i], "<<")
		if !found {
			continue
		}
		var value []string
		for i++; i < len(lines) && lines[i] != delimiter; i++ {
			value = append(value, lines[i])
		}
		r.outputs[name] = strings.Join(value, "\n")
	}
	return r
}

func (r result) expect(t *testing.T, code int, outcome string) {
	t.Helper()
	if r.code != code || r.outputs["outcome"] != outcome {
		t.Fatalf("exit code %d, outcome %q; expected %d and %s\n%s", r.code, r.outputs["outcome"], code, outcome, r.log)
	}
	if !strings.Contains(r.summary, outcome) {
		t.Errorf("the job summary does not say %s:\n%s", outcome, r.summary)
	}
}

func TestContainer(t *testing.T) {
	j := newJob(t)
	j.cloud.Function("checkout", sandboxtest.Code{Name: "old"})
	j.write("ws/new.zip", j.cloud.Zip(sandboxtest.Code{Name: "new"}))
	j.write("ws/newer.zip", j.cloud.Zip(sandboxtest.Code{Name: "newer"}))
	inputs := map[string]string{
		"mode": "run", "config": "promote.yaml", "job-status": "success", "function": "checkout", "artifact": "new.zip", "environment": "prod",
		"verify": "- invoke: {function: checkout, expect: '.code == \"new\"'}",
	}

	r := j.run(inputs)
	r.expect(t, 0, "promoted")
	if r.outputs["version"] != "1" || r.outputs["changed"] != "true" || r.outputs["commit"] == "" {
		t.Errorf("outputs: %v", r.outputs)
	}
	r = j.run(inputs)
	r.expect(t, 0, "unchanged")

	inputs["artifact"] = "newer.zip"
	r = j.run(inputs)
	r.expect(t, 3, "verification-failed")
	if r.outputs["version"] != "1" || !strings.Contains(r.log, "::error") {
		t.Errorf("outputs: %v\n%s", r.outputs, r.log)
	}

	inputs["verify"] = ""
	j.cloud.ResetCalls()
	j.run(inputs).expect(t, 2, "refused")
	if calls := j.cloud.Calls(); len(calls) > 0 {
		t.Errorf("a refused run made calls: %v", calls)
	}

	// It writes nothing into the workspace, where files of root would break the next checkout.
	files, err := os.ReadDir(filepath.Join(j.folder, "ws"))
	if err != nil || len(files) != 2 {
		t.Errorf("the workspace holds %v (%v)", files, err)
	}
}

func TestContainerIsInterrupted(t *testing.T) {
	j := newJob(t)
	asked := make(chan struct{}, 1)
	j.cloud.Function("checkout", sandboxtest.Code{Name: "old"})
	j.write("ws/slow.zip", j.cloud.Zip(sandboxtest.Code{Name: "slow", Handler: func(ctx context.Context, _ runner.Input) (runner.Output, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return runner.Output{}, ctx.Err()
	}}))
	cmd, log := j.command(map[string]string{
		"mode": "run", "config": "promote.yaml", "job-status": "success", "function": "checkout", "artifact": "slow.zip", "environment": "prod",
		"verify": "- invoke: {function: checkout, within: 30s}",
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(30 * time.Second):
		t.Fatalf("the candidate was never asked\n%s", log)
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	took := time.Since(began)
	t.Logf("from SIGINT to the end of the container: %s", took)
	r := j.result(cmd, log)
	r.expect(t, 1, "failed")
	if r.outputs["reason-code"] != "interrupted" {
		t.Errorf("outputs: %v", r.outputs)
	}
	if took > 6*time.Second {
		t.Errorf("it took %s", took)
	}
}

func BenchmarkContainerStart(b *testing.B) {
	for b.Loop() {
		if out, err := exec.Command("docker", "run", "--rm", os.Getenv("PROMOTE_IMAGE"), "--version").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
