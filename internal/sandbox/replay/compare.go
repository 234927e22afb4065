package replay

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// at reads a path like Versions[0].State. The second result is false where there is nothing or null.
func at(doc any, path string) (any, bool) {
	for _, part := range strings.Split(path, ".") {
		name, indices, _ := strings.Cut(part, "[")
		object, ok := doc.(map[string]any)
		if !ok {
			return nil, false
		}
		if doc, ok = object[name]; !ok {
			return nil, false
		}
		for _, index := range strings.FieldsFunc(indices, func(r rune) bool { return r == '[' || r == ']' }) {
			list, ok := doc.([]any)
			i, err := strconv.Atoi(index)
			if !ok || err != nil || i >= len(list) {
				return nil, false
			}
			doc = list[i]
		}
	}
	return doc, doc != nil
}

// differs says in words how got differs from want, "" if it does not.
func (s vars) differs(want, got any, there bool) string {
	special, _ := want.(map[string]any)
	switch {
	case want == nil && !there:
		return ""
	case want == nil:
		return fmt.Sprintf("is %s, want it absent", show(got))
	case special["$differs_from"] != nil:
		return s.unlike(special["$differs_from"], got, there)
	case !there:
		return fmt.Sprintf("is absent, want %s", show(want))
	case special["$present"] != nil:
		return ""
	case special["$like"] != nil:
		return s.unmatched(special["$like"], got)
	case special["$exactly"] != nil:
		return s.object(special["$exactly"].(map[string]any), got, true)
	case special["$unordered"] != nil:
		return s.list(special["$unordered"].([]any), got, true)
	case special != nil:
		return s.object(special, got, false)
	}
	if items, ok := want.([]any); ok {
		return s.list(items, got, false)
	}
	want, err := s.fill(want)
	if err != nil {
		return err.Error()
	}
	if !reflect.DeepEqual(want, got) && fmt.Sprint(want) != fmt.Sprint(got) {
		return fmt.Sprintf("is %s, want %s", show(got), show(want))
	}
	return ""
}

func (s vars) unlike(names, got any, there bool) string {
	if !there || got == "" {
		return "is absent, want a new value"
	}
	for _, name := range names.([]any) {
		old, err := s.value(name.(string))
		if err != nil {
			return err.Error()
		}
		if reflect.DeepEqual(old, got) {
			return fmt.Sprintf("is still that of %s, want a new value", name)
		}
	}
	return ""
}

func (s vars) unmatched(pattern, got any) string {
	filled, err := s.fill(pattern)
	if err != nil {
		return err.Error()
	}
	text, ok := got.(string)
	if !ok || !like(filled.(string), text) {
		return fmt.Sprintf("is %s, want %s", show(got), show(filled))
	}
	return ""
}

// like compares with a pattern in which * is any text.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(text)
}

func (s vars) object(want map[string]any, got any, exactly bool) string {
	if text, ok := got.(string); ok { // a policy, a statement, a payload
		var doc any
		if json.Unmarshal([]byte(text), &doc) == nil {
			got = doc
		}
	}
	have, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("is %s, want an object", show(got))
	}
	for name, value := range want {
		key, err := s.fillText(name)
		if err != nil {
			return err.Error()
		}
		item, there := have[fmt.Sprint(key)]
		if fault := s.differs(value, item, there && item != nil); fault != "" {
			return fmt.Sprintf(".%v %s", key, fault)
		}
	}
	if exactly {
		for name := range have {
			if _, ok := want[name]; !ok && have[name] != nil {
				return fmt.Sprintf("has %s besides", name)
			}
		}
	}
	return ""
}

func (s vars) list(want []any, got any, unordered bool) string {
	have, ok := got.([]any)
	if !ok || len(have) != len(want) {
		return fmt.Sprintf("is %s, want a list of %d", show(got), len(want))
	}
	if !unordered {
		for i := range want {
			if fault := s.differs(want[i], have[i], have[i] != nil); fault != "" {
				return fmt.Sprintf("[%d] %s", i, fault)
			}
		}
		return ""
	}
	taken := make([]bool, len(have))
next:
	for i := range want {
		for j := range have {
			if !taken[j] && s.differs(want[i], have[j], have[j] != nil) == "" {
				taken[j] = true
				continue next
			}
		}
		return fmt.Sprintf("has nothing like %s in %s", show(want[i]), show(have))
	}
	return ""
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > 300 {
		return string(text[:300]) + "..."
	}
	return string(text)
}
