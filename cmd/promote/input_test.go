package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/promote-on-success/promote/internal/config"
)

// A sample of internal/config's corpus of bad input, through the whole program: the step is refused with every fault that
// the corpus names, and no call is made.
func TestBadInputIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../internal/config/testdata/bad/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	played := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string]string{}
		for _, f := range a.Files {
			parts[f.Name] = string(f.Data)
		}
		if _, special := parts["facts"]; special || parts["inputs"] == "" || parts["promote.yaml"] == "" || played == 25 {
			continue
		}
		played++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { refused(t, parts) })
	}
	if played < 20 {
		t.Errorf("only %d were played", played)
	}
}

func refused(t *testing.T, parts map[string]string) {
	w := newWorld(t)
	w.write("promote.yaml", []byte(parts["promote.yaml"]))
	cmd := exec.Command("promote")
	cmd.Dir = w.dir
	file := filepath.Join(w.dir, "output")
	cmd.Env = []string{"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + w.dir, "GITHUB_REPOSITORY=acme/shop", "GITHUB_OUTPUT=" + file,
		"GITHUB_SHA=8f5c2a7d1e0b4c3f9a6d5e4b3c2a1f0e9d8c7b6a", "PATH=" + os.Getenv("PATH"), "HOME=" + w.dir}
	for name, value := range w.s.cloud.Env() {
		if strings.HasPrefix(name, "AWS_") {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	for line := range strings.Lines(parts["env"]) {
		cmd.Env = append(cmd.Env, strings.TrimSpace(line))
	}
	inputs := map[string]string{}
	for _, in := range config.Inputs() {
		inputs[in.Name] = in.Default
	}
	inputs["job-status"], inputs["github-token"] = "success", w.s.token()
	for line := range strings.Lines(parts["inputs"]) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		inputs[name] = value
	}
	for part, text := range parts {
		if name, is := strings.CutPrefix(part, "input "); is {
			inputs[name] = text
		}
	}
	for name, value := range inputs {
		cmd.Env = append(cmd.Env, "INPUT_"+strings.ToUpper(name)+"="+value)
	}
	log, _ := cmd.CombinedOutput() // its exit code is looked at below
	if code := cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	if calls := w.s.cloud.Calls(); len(calls) > 0 {
		t.Errorf("calls were made: %v", calls)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	given, err := outputs(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if given["outcome"].value != "refused" || given["reason-code"].value != "bad-input" {
		t.Errorf("outputs %v", given)
	}
	var faults []struct{ What string }
	if err := json.Unmarshal([]byte(given["faults"].value), &faults); err != nil {
		t.Fatal(err)
	}
	want := 0
	for line := range strings.Lines(parts["faults"]) {
		if !strings.HasPrefix(line, " ") {
			want++
		}
	}
	if len(faults) != want || want == 0 {
		t.Errorf("%d faults, want %d", len(faults), want)
	}
	for _, f := range faults {
		if !strings.Contains(parts["faults"], f.What) {
			t.Errorf("it says %q, and the corpus does not", f.What)
		}
	}
	if annotations := strings.Count("\n"+string(log), "\n::error "); annotations != min(len(faults), 10) {
		t.Errorf("%d annotations for %d faults", annotations, len(faults))
	}
	if t.Failed() {
		t.Logf("%s", log)
	}
}
