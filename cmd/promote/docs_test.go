package main_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/policy"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

const root = "../../"

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What README says of inputs, outputs, outcomes and permissions is made of the tables that the program works with.
func TestREADMEIsMadeOfTheTables(t *testing.T) {
	readme := readText(t, root+"README.md")
	written := readme
	for _, part := range []struct {
		name string
		text string
	}{{"inputs", inputTable()}, {"outputs", outputTable()}, {"outcomes", outcomeTable()}, {"policy", "```json\n" + string(typicalPolicy()) + "```\n"}} {
		between := regexp.MustCompile(`(?s)(<!-- ` + part.name + `\b[^>]*-->\n).*?(<!-- /` + part.name + ` -->)`)
		if !between.MatchString(written) {
			t.Errorf("README.md has no part <!-- %s -->", part.name)
		}
		written = between.ReplaceAllStringFunc(written, func(old string) string {
			m := between.FindStringSubmatch(old)
			return m[1] + part.text + m[2]
		})
	}
	if written == readme {
		return
	}
	if !*update {
		t.Fatal("README.md is not up to date: go test ./cmd/promote -run README -update")
	}
	if err := os.WriteFile(root+"README.md", []byte(written), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cell is a text within a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "$", `\$`, "<", "&lt;", "\n", " ").Replace(text)
}

func inputTable() string {
	var b strings.Builder
	b.WriteString("| input | what it says | default |\n| --- | --- | --- |\n")
	for _, in := range config.Inputs() {
		value := ""
		if in.Default != "" {
			value = "`" + in.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", in.Name, cell(in.Description), value)
	}
	return b.String()
}

func outputTable() string {
	var b strings.Builder
	b.WriteString("| output | what it says |\n| --- | --- |\n")
	for _, out := range config.Outputs() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", out.Name, cell(out.Description))
	}
	return b.String()
}

func outcomeTable() string {
	var b strings.Builder
	b.WriteString("| outcome | exit code | what it means |\n| --- | --- | --- |\n")
	for _, k := range promotion.Kinds {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", k.Kind, k.ExitCode, cell(k.Meaning))
	}
	return b.String()
}

// typicalPolicy is for functions with local artifacts, verified by number, in one region.
func typicalPolicy() []byte {
	return policy.For(promotion.Request{
		App: "shop", Environment: promotion.Environment{Name: "prod", Alias: "live", Region: "eu-west-1"},
		Functions: []promotion.Function{{Key: "checkout", Name: "checkout", Artifact: promotion.Artifact{Kind: promotion.ArtifactDir, Path: "dist/checkout/"}}},
		Checks:    []promotion.Check{{Name: "invoke checkout", Invoke: &promotion.InvokeCheck{Function: "checkout"}}},
	}, policy.Options{Account: "123456789012"}).JSON()
}

func TestOutputsAreTheSameEverywhere(t *testing.T) {
	var action struct{ Outputs yaml.MapSlice }
	if err := yaml.Unmarshal([]byte(readText(t, root+"action.yml")), &action); err != nil {
		t.Fatal(err)
	}
	var described, documented, given []string
	for _, out := range action.Outputs {
		described = append(described, fmt.Sprint(out.Key))
	}
	for _, out := range config.Outputs() {
		documented = append(documented, out.Name)
	}
	for _, out := range report.Outputs(promotion.Outcome{}, report.Published{}) {
		given = append(given, out.Name)
	}
	if !slices.Equal(described, documented) {
		t.Errorf("action.yml has  %v\nconfig has      %v", described, documented)
	}
	if !slices.Equal(given, documented) {
		t.Errorf("the step gives %v\nconfig has     %v", given, documented)
	}
}

// A block is a code block of README, with the line that it begins at.
type block struct {
	language, text string
	line           int
}

func blocks(t *testing.T) []block {
	t.Helper()
	readme := readText(t, root+"README.md")
	var list []block
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatchIndex(readme, -1) {
		list = append(list, block{readme[m[2]:m[3]], readme[m[4]:m[5]], 1 + strings.Count(readme[:m[4]], "\n")})
	}
	return list
}

// loadFaults are the faults of a request that is made of inputs and perhaps a file.
func loadFaults(inputs map[string]string, file string) []promotion.Fault {
	given := map[string]config.Input{}
	for _, in := range config.Inputs() {
		given[in.Name] = config.Input{Value: inputs[in.Name], Label: "input " + in.Name}
	}
	for name, value := range inputs {
		given[name] = config.Input{Value: value, Label: "input " + name}
	}
	source := config.Source{
		Inputs: given, Commit: strings.Repeat("0123abcd", 5), Repository: "your-org/shop", Release: "r", RunID: "42",
		Getenv: func(name string) string {
			return map[string]string{"SMOKE_KEY": "key", "AWS_REGION": "eu-west-1"}[name]
		},
	}
	source.File.Name = config.DefaultFile
	if file != "" {
		source.File.Data = []byte(file)
	}
	_, faults := config.Load(source)
	return faults
}

func TestREADMEsConfigurationsAreRight(t *testing.T) {
	// What an example leaves out of a whole file.
	missing := map[string]string{
		"app":          "app: shop\n",
		"functions":    "functions: {checkout: {artifact: dist/checkout/}, payments: {artifact: dist/payments.zip}}\n",
		"verify":       "verify: none\n",
		"environments": "environments: {prod: {}}\n",
		"endpoints":    "endpoints: {environment: {auth: none}}\n",
	}
	seen := 0
	for _, b := range blocks(t) {
		if b.language != "yaml" {
			continue
		}
		var document yaml.MapSlice
		if err := yaml.Unmarshal([]byte(b.text), &document); err != nil {
			continue // a list: steps of a workflow
		}
		keys := map[string]bool{}
		for _, item := range document {
			keys[fmt.Sprint(item.Key)] = true
		}
		if keys["jobs"] {
			continue
		}
		seen++
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			file := b.text
			for _, key := range slices.Sorted(maps.Keys(missing)) {
				if !keys[key] {
					file += missing[key]
				}
			}
			for _, f := range loadFaults(map[string]string{"environment": "prod"}, file) {
				t.Errorf("%v\n%s", f, file)
			}
		})
	}
	if seen < 3 {
		t.Errorf("only %d configurations were found", seen)
	}
}

func TestREADMEsStepsAreRight(t *testing.T) {
	type step struct {
		Uses string
		With map[string]string
	}
	seen := 0
	try := func(t *testing.T, steps []step) {
		t.Helper()
		for _, s := range steps {
			if !strings.HasPrefix(s.Uses, "promote-on-success/promote@") {
				continue
			}
			seen++
			file := ""
			if s.With["function"] == "" {
				file = "app: shop\nfunctions: {checkout: {artifact: none}}\nverify: none\nenvironments: {prod: {}}\n"
			}
			for _, f := range loadFaults(s.With, file) {
				t.Errorf("%v", f)
			}
		}
	}
	for _, b := range blocks(t) {
		if b.language != "yaml" {
			continue
		}
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			var workflow struct {
				Jobs map[string]struct{ Steps []step }
			}
			if yaml.Unmarshal([]byte(b.text), &workflow) == nil {
				for _, job := range workflow.Jobs {
					try(t, job.Steps)
				}
				return
			}
			var steps []step
			if err := yaml.Unmarshal([]byte(b.text), &steps); err != nil {
				t.Fatal(err)
			}
			try(t, steps)
		})
	}
	if seen < 2 {
		t.Errorf("only %d steps were found", seen)
	}
}

// The commands that README shows exist, with the flags that it gives them.
func TestREADMEsCommandsExist(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range blocks(t) {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(b.text) {
			line, _, _ = strings.Cut(line, "#")
			line, _, _ = strings.Cut(line, ">")
			words := strings.Fields(line)
			switch {
			case len(words) > 1 && words[0] == "promote":
				seen["promote"] = true
				exists(t, exec.Command("promote", words[1], "--help"), words[2:])
			case len(words) > 2 && words[0] == "go" && words[1] == "run":
				seen[strings.Join(words, " ")] = true
				cmd := exec.Command("go", append(slices.Clone(words[1:]), "--help")...)
				cmd.Dir = root
				exists(t, cmd, words[3:])
			case len(words) > 1 && words[0] == "go" && words[1] == "test":
				seen[strings.Join(words, " ")] = true
			}
		}
	}
	for _, command := range []string{"promote", "go run ./cmd/sandbox demo", "go test ./..."} {
		if !seen[command] {
			t.Errorf("README does not show %s", command)
		}
	}
	for _, m := range regexp.MustCompile("`go test -run (\\w+) [^`]*(\\./[^ `]+)`").FindAllStringSubmatch(readText(t, root+"README.md"), -1) {
		files, err := filepath.Glob(filepath.Join(root, m[2], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(f string) bool { return strings.Contains(readText(t, f), "func "+m[1]+"(") }) {
			t.Errorf("there is no test %s in %s", m[1], m[2])
		}
	}
}

func exists(t *testing.T, help *exec.Cmd, words []string) {
	t.Helper()
	text, err := help.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %v\n%s", help.Args, err, text)
	}
	for _, w := range words {
		if flag, _, _ := strings.Cut(w, "="); strings.HasPrefix(flag, "--") && !strings.Contains(string(text), flag+" ") {
			t.Errorf("%v has no flag %s", help.Args, flag)
		}
	}
}
