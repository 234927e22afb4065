package replay

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// vars are the values that a case has names for.
type vars struct {
	book  *Book
	known map[string]any
}

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

// fill replaces ${name} in every string of v. A string that is nothing but one reference becomes the
// saved value itself.
func (s vars) fill(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return s.fillText(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			key, err := s.fillText(k)
			if err != nil {
				return nil, err
			}
			if out[fmt.Sprint(key)], err = s.fill(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = s.fill(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (s vars) fillText(text string) (any, error) {
	if m := reference.FindStringSubmatch(text); m != nil && m[0] == text {
		return s.value(m[1])
	}
	var failed error
	filled := reference.ReplaceAllStringFunc(text, func(r string) string {
		value, err := s.value(r[2 : len(r)-1])
		if err != nil {
			failed = err
		}
		return fmt.Sprint(value)
	})
	return filled, failed
}

func (s vars) value(name string) (any, error) {
	if pack, ok := strings.CutPrefix(name, "sha256:"); ok {
		return s.book.digest(pack)
	}
	if value, ok := s.known[name]; ok {
		return value, nil
	}
	if base, plus, ok := strings.Cut(name, "+"); ok {
		add, err := strconv.Atoi(plus)
		have, known := s.known[base]
		if err == nil && known {
			n, err := strconv.Atoi(fmt.Sprint(have))
			return strconv.Itoa(n + add), err
		}
	}
	return nil, fmt.Errorf("nothing was saved as %q", name)
}

// blob is the bytes that a blob parameter stands for.
func (b *Book) blob(v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		if name, ok := strings.CutPrefix(v, "code:"); ok {
			return b.zip(name)
		}
		if text, ok := strings.CutPrefix(v, "text:"); ok {
			return []byte(text), nil
		}
		return base64.StdEncoding.DecodeString(v)
	case map[string]any:
		if doc, ok := v["json"]; ok {
			return json.Marshal(doc)
		}
	}
	return nil, fmt.Errorf("%v is no blob", v)
}
