package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Schema is the JSON Schema (draft 2020-12) of what programs read: the root describes [JSON], #/$defs/functions the output
// `functions`, #/$defs/faults the output `faults`, #/$defs/status what [StatusJSON] gives, and
// #/$defs/history what [HistoryJSON] gives.
func Schema() []byte {
	w := schemaWriter{defs: map[string]any{}, values: documentedValues()}
	root := w.object(reflect.TypeFor[outcomeDocument]())
	w.defs["functions"] = w.list(reflect.TypeFor[functionDocument](), "what happened to each function")
	w.defs["faults"] = w.list(reflect.TypeFor[faultDocument](), "why the run did not go further; at most 50, and how many more there are")
	w.defs["status"] = w.list(reflect.TypeFor[environmentStatusDocument](), "what the environments hold: promote status --json")
	w.defs["history"] = w.list(reflect.TypeFor[environmentHistoryDocument](), "what was promoted when: promote history --json")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "the outcome of promote"
	root["description"] = "What promote prints with --json. Fields may be added; none is taken away or changes its meaning."
	root["$defs"] = w.defs
	return indented(root)
}

// documentedValues are the lists of values that a field's tag names.
func documentedValues() map[string][]string {
	var outcomes []string
	for _, k := range promotion.Kinds {
		outcomes = append(outcomes, string(k.Kind))
	}
	return map[string][]string{
		"outcomes": outcomes,
		"actions":  {"", string(promotion.ActionNone), string(promotion.ActionMove), string(promotion.ActionCreate)},
		"fates": {string(promotion.FateKept), string(promotion.FateMoved), string(promotion.FateCreated),
			string(promotion.FateBack), string(promotion.FateForeign), string(promotion.FateUnknown)},
		"repairs":  {"completed", "undone"},
		"entries":  {string(promotion.EntryPromotion), string(promotion.EntryRollback), string(promotion.EntryUndone), string(promotion.EntryRaised), string(promotion.EntryFloor)},
		"verdicts": {string(promotion.Pass), string(promotion.Fail), string(promotion.Inconclusive), "error", "skipped"},
	}
}

type schemaWriter struct {
	defs   map[string]any
	values map[string][]string
}

func (w schemaWriter) list(element reflect.Type, doc string) map[string]any {
	return map[string]any{"type": "array", "items": w.of(element), "description": doc}
}

// object describes a struct by its tags. A field without omitempty is always there.
func (w schemaWriter) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		property := w.of(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			property["description"] = doc
		}
		if values := w.values[f.Tag.Get("values")]; values != nil {
			property["enum"] = values
		}
		properties[name] = property
		if option == "" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

func (w schemaWriter) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.of(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": w.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": w.of(t.Elem())}
	case reflect.Struct:
		name := strings.TrimSuffix(t.Name(), "Document")
		if w.defs[name] == nil {
			w.defs[name] = w.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "string"}
}
