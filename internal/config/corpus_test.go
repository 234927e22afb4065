package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
)

var update = flag.Bool("update", false, "write the golden parts of the test data, and action.yml")

// A corpus file is one run as a person sees it: inputs, a file, the environment, and what is said about them.
//
//	-- inputs --           name: value, one a line
//	-- input NAME --       the value of an input of several lines
//	-- promote.yaml --     the file; "promote.yaml quoted" holds it as Go strings, one a line, for odd bytes
//	-- env --              NAME=value; without it AWS_REGION=eu-west-1
//	-- facts --            mode, commit, repository, run-id, lock-owner (of which "-" is none); "labels: flags" for the command line
//	-- faults --           golden: what has to be reported, in order
//	-- result --           golden: the request and settings
type corpusFile struct {
	archive *txtar.Archive
	path    string
}

func readCorpus(t testing.TB, dir string) []corpusFile {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test data in %s: %v", dir, err)
	}
	var all []corpusFile
	for _, p := range paths {
		a, err := txtar.ParseFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, corpusFile{archive: a, path: p})
	}
	return all
}

func (c corpusFile) name() string { return strings.TrimSuffix(filepath.Base(c.path), ".txtar") }

func (c corpusFile) section(name string) (string, bool) {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

const testCommit = "8f5c2a7d1e0b4c3f9a6d5e4b3c2a1f0e9d8c7b6a"

// source is what Load would be given in this run.
func (c corpusFile) source(t testing.TB) config.Source {
	t.Helper()
	facts := map[string]string{"commit": testCommit, "repository": "acme/shop", "run-id": "1"}
	for name, value := range c.pairs(t, "facts", ": ") {
		facts[name] = strings.TrimPrefix(value, "-")
	}
	label := func(name string) string { return "input " + name }
	if facts["labels"] == "flags" {
		label = func(name string) string { return "--" + name }
	}
	inputs := map[string]config.Input{}
	for _, in := range config.Inputs() {
		inputs[in.Name] = config.Input{Label: label(in.Name)}
	}
	for name, value := range c.pairs(t, "inputs", ": ") {
		inputs[name] = config.Input{Value: value, Label: label(name)}
	}
	for _, f := range c.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "input "); ok {
			inputs[name] = config.Input{Value: string(f.Data), Label: label(name)}
		}
	}
	env := map[string]string{"AWS_REGION": "eu-west-1"}
	if _, ok := c.section("env"); ok {
		env = c.pairs(t, "env", "=")
	}
	name, explicit := config.FileName(inputs)
	file := config.File{Name: name, Explicit: explicit}
	if text, ok := c.section(name); ok {
		file.Data = []byte(text)
	}
	if text, ok := c.section(name + " quoted"); ok {
		for line := range strings.Lines(text) {
			raw, err := strconv.Unquote(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("%s: %q: %v", c.path, line, err)
			}
			file.Data = append(file.Data, raw...)
		}
	}
	return config.Source{
		Mode: promotion.Mode(facts["mode"]), Inputs: inputs, File: file, Getenv: func(name string) string { return env[name] },
		Commit: facts["commit"], Repository: facts["repository"], Release: "r-1", RunURL: "https://github.com/acme/shop/actions/runs/1", Actor: "mona",
		RepositoryID: "1296269", Ref: "refs/heads/main", RunID: facts["run-id"], Attempt: "2", LockOwner: promotion.Secret(facts["lock-owner"]),
	}
}

func (c corpusFile) pairs(t testing.TB, section, separator string) map[string]string {
	t.Helper()
	text, _ := c.section(section)
	out := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), separator)
		if !ok {
			t.Fatalf("%s: %s: %q is no pair", c.path, section, line)
		}
		out[name] = value
	}
	return out
}

// golden compares a section with what was got, or writes it there.
func (c corpusFile) golden(t *testing.T, section, got string) {
	t.Helper()
	want, there := c.section(section)
	if want == got && there {
		return
	}
	if !*update {
		t.Errorf("%s: %s differ (go test -update writes them)\ngot:\n%s\nwant:\n%s", c.path, section, got, want)
		return
	}
	var files []txtar.File
	for _, f := range c.archive.Files {
		if f.Name != section {
			files = append(files, f)
		}
	}
	c.archive.Files = append(files, txtar.File{Name: section, Data: []byte(got)})
	if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBadInputIsReportedWholeWithPlacesAndRemedies(t *testing.T) {
	corpus := readCorpus(t, "bad")
	if len(corpus) < 190 {
		t.Errorf("%d files of bad input, want 190 at least", len(corpus))
	}
	for _, c := range corpus {
		t.Run(c.name(), func(t *testing.T) {
			result, faults := config.Load(c.source(t))
			if len(faults) == 0 {
				t.Fatalf("no fault was reported")
			}
			if len(result.Targets) != 0 {
				t.Errorf("a result came with the faults")
			}
			var b strings.Builder
			for _, f := range faults {
				checkFault(t, f)
				fmt.Fprintln(&b, f.Error())
				if f.Hint != "" {
					fmt.Fprintln(&b, "    hint: "+f.Hint)
				}
			}
			c.golden(t, "faults", b.String())
		})
	}
}

// checkFault holds every fault to the form of our texts.
func checkFault(t testing.TB, f promotion.Fault) {
	t.Helper()
	switch {
	case f.Where.File == "" && f.Where.Input == "":
		t.Errorf("%q has no place", f.What)
	case f.What == "":
		t.Errorf("the fault at %s has no text", f.Where)
	case f.Accepted == "" && f.Hint == "" && f.Detail == "":
		t.Errorf("%q says no way out", f.What)
	case strings.ContainsAny(f.What+f.Accepted+f.Hint, "\n\r"):
		t.Errorf("%q breaks the line", f.What)
	}
}

func TestGoodInputBecomesOneRequest(t *testing.T) {
	for _, c := range readCorpus(t, "good") {
		t.Run(c.name(), func(t *testing.T) {
			result, faults := config.Load(c.source(t))
			for _, f := range faults {
				t.Errorf("%v (hint: %s)", f, f.Hint)
			}
			if t.Failed() {
				return
			}
			c.golden(t, "result", show(t, result.Targets))
		})
	}
}

// show prints a value as JSON without what is zero, and durations as people read them.
func show(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(prune("", tree)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func prune(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if pruned := prune(k, inner); pruned != nil {
				v[k] = pruned
			} else {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = prune("", v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
		if name == "Within" || name == "UpdateTimeout" || name == "Lease" || name == "Hold" || name == "LockTimeout" {
			return time.Duration(v).String()
		}
	}
	return v
}
