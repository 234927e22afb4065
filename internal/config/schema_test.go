package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/promote-on-success/promote/internal/config"
)

// compiled is the published schema, checked against its own draft.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("promote.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("promote.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaAcceptsEveryGoodFile(t *testing.T) {
	s := compiled(t)
	for _, c := range readCorpus(t, "good") {
		text := string(c.source(t).File.Data)
		if text == "" {
			continue
		}
		t.Run(c.name(), func(t *testing.T) {
			text = strings.TrimPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "\ufeff")
			if err := validate(t, s, text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaRefusesWhatEditorsShouldMark(t *testing.T) {
	s := compiled(t)
	base := "functions: {a: {artifact: none}}\nenvironments: {prod: {}}\n"
	for name, text := range map[string]string{
		"unknown key":                  base + "ap: shop",
		"key of a later version":       strings.Replace(base, "prod: {}", "prod: {from: dev}", 1),
		"strategy of a later version":  strings.Replace(base, "prod: {}", "prod: {strategy: Canary10Percent5Minutes}", 1),
		"lock table":                   base + "lock-table: lo",
		"webhook in the file":          base + "notify: {webhook: \"https://example.com\"}",
		"boolean in quotes":            base + "github: {commit-status: \"true\"}",
		"comment of no kind":           base + "github: {comment: always}",
		"number of tests that is none": base + "verify: [{junit: {files: \"*.xml\", min-tests: 0}}]",
		"reports without files":        base + "verify: [{junit: {min-tests: 1}}]",
		"topic that is none":           base + "notify: {topic: releases}",
		"app that is no name":          base + "app: my shop",
		"number for a name":            base + "app: 7",
		"function without artifact":    "functions: {a: {}}",
		"function's name as its key":   "functions: {a/b: {artifact: none}}",
		"region":                       strings.Replace(base, "prod: {}", "prod: {region: eu-west1}", 1),
		"endpoint without auth":        base + "endpoints: {environment: {}}",
		"verify as a word":             base + "verify: nothing",
		"check of two kinds":           base + "verify: [{invoke: {}, http: {}}]",
		"check of no kind":             base + "verify: [{name: x}]",
		"duration without unit":        base + "verify: [{invoke: {within: 2}}]",
		"status out of range":          base + "verify: [{http: {expect: {status: 600}}}]",
		"method in lower case":         base + "verify: [{http: {method: get}}]",
		"header that is a number":      base + "verify: [{http: {headers: {x: 1}}}]",
		"header from two places":       base + "verify: [{http: {headers: {x: {env: A, var: B}}}}]",
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, s, base); err != nil {
				t.Fatalf("the good part is refused: %v", err)
			}
			if err := validate(t, s, text); err == nil {
				t.Errorf("accepted:\n%s", text)
			}
		})
	}
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			if list, ok := v.([]any); ok {
				for _, item := range list {
					walk(path, item)
				}
			}
			return
		}
		if properties, ok := m["properties"].(map[string]any); ok {
			for name, p := range properties {
				keys++
				if d, _ := p.(map[string]any)["description"].(string); d == "" {
					t.Errorf("%s.%s has no description", path, name)
				}
				walk(path+"."+name, p)
			}
		}
		for _, k := range []string{"anyOf", "items", "additionalProperties"} {
			walk(path, m[k])
		}
	}
	walk("", doc)
	if keys < 46 {
		t.Errorf("the schema has %d keys only", keys)
	}
}

func TestExampleFileIsGoodForBothOfItsEnvironments(t *testing.T) {
	data, err := os.ReadFile("../../examples/shop/promote.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, compiled(t), string(data)); err != nil {
		t.Error(err)
	}
	for environment, alias := range map[string]string{"preprod": "preprod", "prod": "live"} {
		result, faults := config.Load(config.Source{
			Inputs: map[string]config.Input{"environment": {Value: environment}},
			File:   config.File{Name: "promote.yaml", Data: data},
			Commit: testCommit, Release: "r-1",
		})
		for _, f := range faults {
			t.Error(f)
		}
		if r := result.Request; r.Environment.Alias != alias || len(r.Functions) != 3 || len(r.Checks) != 4 || result.Settings.Region != "eu-west-1" {
			t.Errorf("%s became %+v", environment, r)
		}
	}
}
