package workflow_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/workflow"
)

var update = flag.Bool("update", false, "write what is found into testdata")

const (
	caller = ".github/workflows/release.yml"
	answer = "findings"
)

var release = workflow.Job{
	WorkflowRef: "acme/shop/" + caller + "@refs/heads/main", Repository: "acme/shop", ID: "release",
	Action: "promote-on-success/promote", App: "shop", Environment: "prod",
}

// a workspace that holds files, by their paths.
type workspace map[string]string

func (w workspace) read(path string) ([]byte, error) {
	text, is := w[path]
	if !is {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func shown(faults []promotion.Fault) string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%s\n", f.Error())
		fmt.Fprintf(&b, "hint: %s\n", f.Hint)
	}
	return b.String()
}

// Each file of testdata is a workspace, with the mode and the job (run and release where it does not say) and what is found.
func TestFindings(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(data)
			job, mode := release, promotion.ModeRun
			for line := range strings.Lines(string(archive.Comment)) {
				if id, is := strings.CutPrefix(line, "job: "); is {
					job.ID = strings.TrimSpace(id)
				}
				if m, is := strings.CutPrefix(line, "mode: "); is {
					mode = promotion.Mode(strings.TrimSpace(m))
				}
			}
			files, want := workspace{}, -1
			for i, f := range archive.Files {
				if f.Name == answer {
					want = i
					continue
				}
				files[f.Name] = string(f.Data)
			}
			if want < 0 {
				t.Fatalf("no file %s", answer)
			}
			faults := workflow.Findings(job, files.read, mode)
			if len(faults) > 1 {
				t.Errorf("it warns %d times", len(faults))
			}
			got := shown(faults)
			if got == string(archive.Files[want].Data) {
				return
			}
			if !*update {
				t.Fatalf("found:\n%swant:\n%s", got, archive.Files[want].Data)
			}
			archive.Files[want].Data = []byte(got)
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

const bare = "jobs:\n  release:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: promote-on-success/promote@v1\n"

func found(t *testing.T, j workflow.Job, text string) bool {
	t.Helper()
	return len(workflow.Findings(j, workspace{caller: text}.read, promotion.ModeRun)) > 0
}

func TestNothingIsSaidOfWhatIsNotThere(t *testing.T) {
	if !found(t, release, bare) {
		t.Fatal("nothing is found where something is")
	}
	t.Run("no checkout", func(t *testing.T) {
		if len(workflow.Findings(release, workspace{}.read, promotion.ModeRun)) > 0 {
			t.Error("found something")
		}
	})
	t.Run("a file that cannot be read", func(t *testing.T) {
		read := func(string) ([]byte, error) { return []byte(bare), errors.New("it is a directory") }
		if len(workflow.Findings(release, read, promotion.ModeRun)) > 0 {
			t.Error("found something")
		}
	})
	t.Run("no way to read", func(t *testing.T) {
		if len(workflow.Findings(release, nil, promotion.ModeRun)) > 0 {
			t.Error("found something")
		}
	})
	for name, change := range map[string]func(*workflow.Job){
		"outside of Actions":                func(j *workflow.Job) { *j = workflow.Job{} },
		"a workflow of another repository":  func(j *workflow.Job) { j.Repository = "acme/tea" },
		"a repository whose name is longer": func(j *workflow.Job) { j.Repository = "acme/sho" },
		"a path that leads out":             func(j *workflow.Job) { j.WorkflowRef = "acme/shop/.github/workflows/../release.yml@main" },
		"a path elsewhere":                  func(j *workflow.Job) { j.WorkflowRef = "acme/shop/dynamic/release@main" },
		"no job":                            func(j *workflow.Job) { j.ID = "" },
		"a job that the file has not":       func(j *workflow.Job) { j.ID = "build" },
		"an id that is none":                func(j *workflow.Job) { j.ID = "release\n" },
	} {
		t.Run(name, func(t *testing.T) {
			j := release
			change(&j)
			if found(t, j, bare) {
				t.Error("found something")
			}
		})
	}
	t.Run("the repository's name in other capitals", func(t *testing.T) {
		j := release
		j.Repository = "Acme/Shop"
		if !found(t, j, bare) {
			t.Error("found nothing")
		}
	})
}

func TestFilesThatAreNoWorkflows(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x]\n")
	for i := range 30 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 7), i)
	}
	var wide strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&wide, "k%d: v\n", i)
	}
	var jobs strings.Builder
	jobs.WriteString("x: &steps\n" + strings.Repeat("  - uses: acme/tea@v1\n", 1000) + "concurrency: x\njobs:\n")
	for i := range 1000 {
		fmt.Fprintf(&jobs, "  j%d: {steps: *steps}\n", i)
	}
	jobs.WriteString("  release: {steps: [{uses: promote-on-success/promote@v1}]}\n") // what the search would find
	for name, text := range map[string]string{
		"empty":                    "",
		"a list":                   "- a\n- b\n",
		"text":                     "release",
		"no jobs":                  "on: push\n",
		"jobs that are a list":     "jobs: [release]\n",
		"a job that is text":       "jobs:\n  release: text\n  x: {uses: [a]}\n",
		"two documents":            bare + "---\n" + bare,
		"not closed":               "jobs: {release: [",
		"binary":                   "\x00\xff\xfe",
		"too large":                bare + strings.Repeat("# a comment\n", workflow.Largest/12),
		"too deep":                 strings.Repeat("[", 10_000),
		"dashes":                   strings.Repeat("- ", 20_000) + "x",
		"an alias of nothing":      "jobs:\n  release: *nothing\n",
		"an alias of itself":       "jobs:\n  release: &a\n    steps: *a\n    concurrency: *a\n",
		"an alias that is itself":  "jobs:\n  release: &a *a\n",
		"a name that is given two": "x: &a {group: x}\ny: &a {group: y}\njobs:\n  release:\n    concurrency: *a\n",
		"a group that is a list":   "jobs:\n  release:\n    concurrency: [a]\n    steps: []\n",
		"a great many keys":        wide.String(),
	} {
		t.Run(name, func(t *testing.T) {
			if found(t, release, text) {
				t.Error("found something")
			}
		})
	}
	t.Run("a bomb of aliases is not set off", func(t *testing.T) {
		began := time.Now()
		if !found(t, release, bomb.String()+bare) {
			t.Error("found nothing")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("a search without end is given up", func(t *testing.T) {
		j := release
		j.ID = "j0"
		if faults := workflow.Findings(j, workspace{caller: jobs.String()}.read, promotion.ModeRollback); len(faults) > 0 {
			t.Errorf("found %v", faults)
		}
	})
}

func TestThisActionIsKnownByItsNames(t *testing.T) {
	// a job of the same id in a called workflow, with a group, is taken only if the other one is not known as ours
	text := func(uses string) workspace {
		return workspace{
			caller:                         "jobs:\n  other: {uses: ./.github/workflows/called.yml}\n  release:\n    steps:\n      - uses: " + uses + "\n",
			".github/workflows/called.yml": "jobs:\n  release:\n    concurrency: x\n    steps: [{run: make}]\n",
		}
	}
	for _, c := range []struct {
		uses, action string
		ours         bool
	}{
		{"promote-on-success/promote@v1", "promote-on-success/promote", true},
		{"Promote-on-Success/promote@de0fac2", "promote-on-success/promote", true},
		{"acme/promote-copy@v1", "acme/promote-copy", true},
		{"docker://ghcr.io/promote-on-success/promote:v1.2.3", "", true},
		{"docker://ghcr.io/promote-on-success/promote@sha256:00", "", true},
		{"./", "", true},
		{"./tools/promote", "", true},
		{"./tools/promote", "promote-on-success/promote", false},
		{"docker://ghcr.io/promote-on-success/promoted:v1", "", false},
		{"acme/promote@v1", "promote-on-success/promote", false},
		{"actions/checkout@v6", "", false},
	} {
		t.Run(c.uses, func(t *testing.T) {
			j := release
			j.Action = c.action
			if got := len(workflow.Findings(j, text(c.uses).read, promotion.ModeRun)) > 0; got != c.ours {
				t.Errorf("known as ours: %v", got)
			}
		})
	}
}

// FuzzFindings holds that no bytes whatever make it panic, or take long, and that a fault has a place and a text.
func FuzzFindings(f *testing.F) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range cases {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		files := workspace{}
		for _, file := range txtar.Parse(data).Files {
			files[file.Name] = string(file.Data)
		}
		f.Add(files[caller], files[".github/workflows/ours.yml"])
	}
	f.Fuzz(func(t *testing.T, text, called string) {
		files := workspace{caller: text, ".github/workflows/ours.yml": called}
		for _, id := range []string{"release", "promote", "rollback"} {
			for _, mode := range []promotion.Mode{promotion.ModeRun, promotion.ModeRollback} {
				j := release
				j.ID = id
				began := time.Now()
				faults := workflow.Findings(j, files.read, mode)
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
				for _, fault := range faults {
					w := fault.Where
					if _, known := files[w.File]; !known || w.Line < 1 || w.Column < 1 || fault.What == "" || fault.Hint == "" {
						t.Errorf("%+v", fault)
					}
					if strings.ContainsAny(fault.What+fault.Hint, "\r\n") || strings.Count(fault.Hint, "`")%2 == 1 {
						t.Errorf("its words break: %+v", fault)
					}
				}
			}
		}
	})
}
