package config

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Schema is the JSON Schema (draft 2020-12) of promote.yaml, for editors. What it accepts may still have faults
// that only [Load] sees: a jq expression that does not compile, two checks of one name.
func Schema() []byte {
	s := documentShape.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = "https://github.com/promote-on-success/promote/promote.schema.json"
	s["title"] = "promote.yaml"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		panic(err) // the shapes are constants: only a mistake in this package can lead here
	}
	return b.Bytes()
}

func (s *shape) schema() map[string]any {
	var parts []map[string]any
	for _, k := range []kind{isText, isInteger, isBoolean, isMapping, isList, isNull} {
		if s.kinds&k != 0 {
			parts = append(parts, s.schemaOf(k))
		}
	}
	out := parts[0]
	if len(parts) > 1 {
		out = map[string]any{"anyOf": parts}
	}
	doc := s.doc
	if s.deflt != "" {
		doc += " Default: " + s.deflt + "."
		if what, _ := s.complain(s.deflt); what == "" && s.kinds == isText && (s.pattern != nil || s.enum != nil) {
			out["default"] = s.deflt
		}
	}
	if doc != "" {
		out["description"] = doc
	}
	if len(s.examples) > 0 {
		out["examples"] = s.typedExamples()
	}
	return out
}

// typedExamples are the examples as an editor would insert them.
func (s *shape) typedExamples() []any {
	var out []any
	for _, e := range s.examples {
		if v, err := strconv.Atoi(e); err == nil && s.kinds&isInteger != 0 {
			out = append(out, v)
			continue
		}
		out = append(out, e)
	}
	return out
}

func (s *shape) schemaOf(k kind) map[string]any {
	switch k {
	case isText:
		return s.textSchema()
	case isInteger:
		out := map[string]any{"type": "integer", "minimum": 1}
		if s.low != s.hi {
			out["minimum"], out["maximum"] = s.low, s.hi
		}
		return out
	case isBoolean:
		return map[string]any{"type": "boolean"}
	case isList:
		out := map[string]any{"type": "array"}
		if s.each != nil {
			out["items"] = s.each.schema()
		}
		return out
	case isMapping:
		return s.mappingSchema()
	}
	return map[string]any{"type": "null"}
}

func (s *shape) textSchema() map[string]any {
	switch {
	case len(s.enum) > 0 && s.pattern != nil:
		return map[string]any{"type": "string", "anyOf": []any{map[string]any{"enum": s.enum}, map[string]any{"pattern": s.pattern.String()}}}
	case len(s.enum) > 0:
		return map[string]any{"type": "string", "enum": s.enum}
	case s.pattern != nil:
		return map[string]any{"type": "string", "pattern": s.pattern.String()}
	}
	return map[string]any{"type": "string"}
}

func (s *shape) mappingSchema() map[string]any {
	out := map[string]any{"type": "object"}
	switch {
	case s.any:
	case len(s.fields) == 0 && s.each != nil:
		out["additionalProperties"] = s.each.schema()
		if s.names != nil {
			out["propertyNames"] = map[string]any{"pattern": s.names.pattern.String()}
		}
	default:
		properties, required := map[string]any{}, []string{}
		for _, f := range s.fields {
			if !f.supported() {
				continue
			}
			properties[f.name] = f.shape.schema()
			if f.required {
				required = append(required, f.name)
			}
		}
		out["properties"], out["additionalProperties"] = properties, false
		if len(required) > 0 {
			out["required"] = required
		}
		if len(s.oneOf) > 0 {
			var choices []any
			for _, name := range s.oneOf {
				choices = append(choices, map[string]any{"required": []string{name}})
			}
			out["oneOf"] = choices
		}
	}
	return out
}
