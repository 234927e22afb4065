package config_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/promote-on-success/promote/internal/config"
)

const actionFile = "../../action.yml"

// The image is the Dockerfile on main; a release's commit changes it, and nothing else, to the image by its digest.
var imageLine = regexp.MustCompile(`(?m)^  image: (Dockerfile|docker://ghcr\.io/promote-on-success/promote@sha256:[0-9a-f]{64})$`)

func TestActionFileSaysWhatTheProgramUnderstands(t *testing.T) {
	got, err := os.ReadFile(actionFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	image := imageLine.FindString(string(got))
	if image == "" {
		if image = "  image: Dockerfile"; !*update {
			t.Errorf("%s names no image", actionFile)
		}
	}
	want := actionText(image)
	if string(got) == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the inputs' table says (go test ./internal/config -update writes it)", actionFile)
	}
	if err := os.WriteFile(actionFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func actionText(image string) string {
	var b strings.Builder
	b.WriteString("# Written by go test ./internal/config -update, from the table in internal/config/input_table.go.\n")
	b.WriteString("name: promote\n")
	fmt.Fprintf(&b, "description: %s\n", scalar(actionDescription))
	b.WriteString("author: promote-on-success\n\nbranding:\n  icon: check-circle\n  color: green\n\ninputs:\n")
	for _, in := range config.Inputs() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", in.Name, scalar(in.Description))
		if in.Default != "" {
			fmt.Fprintf(&b, "    default: %s\n", scalar(in.Default))
		}
	}
	b.WriteString("\noutputs:\n")
	for _, out := range config.Outputs() {
		fmt.Fprintf(&b, "  %s:\n    description: %s\n", out.Name, scalar(out.Description))
	}
	b.WriteString("\nruns:\n  using: docker\n" + image + "\n  post-entrypoint: /promote\n")
	return b.String()
}

const actionDescription = "Deploy, verify, promote AWS Lambda functions: an alias moves only to a version that has passed"

// scalar is a text as a YAML value, in quotes where it needs them.
func scalar(text string) string {
	var back any
	if err := yaml.Unmarshal([]byte(text), &back); err == nil && back == text && !strings.Contains(text, "${{") {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func TestInputsAndOutputsAreDescribedForPeople(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	check := func(kind, n, description string) {
		if !name.MatchString(n) || seen[kind+n] {
			t.Errorf("%s %q is not in kebab-case, or there twice", kind, n)
		}
		seen[kind+n] = true
		if len(description) < 9 || strings.HasSuffix(description, ".") || strings.Contains(description, "\n") {
			t.Errorf("%s %s: the description %q is not one line without a full stop", kind, n, description)
		}
	}
	for _, in := range config.Inputs() {
		check("input", in.Name, in.Description)
		if in.Name != "config" && in.Name != "verify" && in.Name != "only" && in.Accepted == "" {
			t.Errorf("input %s does not say what is accepted", in.Name)
		}
	}
	for _, out := range config.Outputs() {
		check("output", out.Name, out.Description)
	}
	if len(actionDescription) >= 125 {
		t.Errorf("the Marketplace cuts descriptions of 125 characters, and this one has %d", len(actionDescription))
	}
}

func TestDefaultsAreAcceptedAsIfTheyWereGiven(t *testing.T) {
	inputs := map[string]config.Input{"job-status": {Value: "success"}, "function": {Value: "checkout"}, "artifact": {Value: "none"}, "environment": {Value: "prod"}, "region": {Value: "eu-west-1"}}
	plain, faults := config.Load(config.Source{Inputs: inputs, File: config.File{Name: config.DefaultFile}, Release: "r-1"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, in := range config.Inputs() {
		if in.Default == "" {
			continue
		}
		value := strings.NewReplacer("${{ job.status }}", "success", "${{ github.token }}", "").Replace(in.Default)
		inputs[in.Name] = config.Input{Value: "\n " + value + " \n"}
	}
	given, faults := config.Load(config.Source{Inputs: inputs, File: config.File{Name: config.DefaultFile}, Release: "r-1"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if show(t, plain.Targets) != show(t, given.Targets) {
		t.Errorf("the defaults change the request:\n%s\n%s", show(t, plain.Targets), show(t, given.Targets))
	}
	if name, explicit := config.FileName(inputs); name != config.DefaultFile || explicit {
		t.Errorf("the default file is %q, explicit: %v", name, explicit)
	}
}
