package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/promote-on-success/promote/internal/report"
)

const schemaFile = "../../docs/outcome.schema.json"

func TestTheSchemaInTheDocumentationIsTheProgramsOwn(t *testing.T) {
	if *update {
		if err := os.MkdirAll(filepath.Dir(schemaFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schemaFile, report.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatalf("read the schema (-update writes it): %v", err)
	}
	if !bytes.Equal(file, report.Schema()) {
		t.Errorf("%s is not what report.Schema gives; -update writes it", schemaFile)
	}
}

func TestDocumentsFollowTheSchema(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			if s.outcome.Kind == "" {
				s.outcome.Kind = "failed" // an outcome without a kind does not occur
			}
			valid(t, "", report.JSON(s.outcome, []byte(`{"Version": "2012-10-17"}`)))
			for _, out := range report.Outputs(s.outcome, published) {
				if out.Name == "functions" || out.Name == "faults" {
					valid(t, "#/$defs/"+out.Name, []byte(out.Value))
				}
			}
		})
	}
	valid(t, "#/$defs/status", report.StatusJSON(statuses("x")))
	valid(t, "#/$defs/status", report.StatusJSON(nil))
}

func TestTheSchemaRefusesWhatIsNotAnOutcome(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"an unknown outcome": func(doc map[string]any) { doc["outcome"] = "succeeded" },
		"no functions":       func(doc map[string]any) { delete(doc, "functions") },
		"faults that are null": func(doc map[string]any) {
			doc["faults"] = nil
		},
		"a number as a version": func(doc map[string]any) {
			doc["functions"].([]any)[0].(map[string]any)["version"] = 42
		},
	} {
		t.Run(name, func(t *testing.T) {
			var doc map[string]any
			if err := json.Unmarshal(report.JSON(stories()[0].outcome, nil), &doc); err != nil {
				t.Fatal(err)
			}
			change(doc)
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, "", text); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

// valid fails the test where a document does not follow the schema, or the part of it that is named.
func valid(t testing.TB, part string, document []byte) {
	t.Helper()
	if err := validate(t, part, document); err != nil {
		t.Fatalf("%v\n%s", err, cut(string(document)))
	}
}

func validate(t testing.TB, part string, document []byte) error {
	t.Helper()
	schema, err := compiled(part)
	if err != nil {
		t.Fatalf("compile the schema: %v", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// compiled is the schema, or the part of it that is named. It is compiled once.
func compiled(part string) (*jsonschema.Schema, error) {
	if known, is := schemas.Load(part); is {
		return known.(*jsonschema.Schema), nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("outcome.schema.json", document); err != nil {
		return nil, err
	}
	schema, err := c.Compile("outcome.schema.json" + part)
	if err == nil {
		schemas.Store(part, schema)
	}
	return schema, err
}

var schemas sync.Map // by the part that they describe
