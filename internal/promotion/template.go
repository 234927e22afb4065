package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Template is text with placeholders such as {{.Commit}} or {{.Endpoint.latest}}. It knows nothing but
// substitution: what it may name is decided by who expands it, and an unknown name is an error, never "".
type Template string

var placeholder = regexp.MustCompile(`\{\{\s*\.([A-Za-z][A-Za-z0-9_.]*)\s*\}\}`)

// Names lists the placeholders of the template, each once, in their order.
func (t Template) Names() []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(string(t), -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// Check tells what is wrong with the template when only the given names exist: a name that is not among
// them, or braces that are no placeholder.
func (t Template) Check(allowed []string) error {
	for _, n := range t.Names() {
		if !slices.Contains(allowed, n) {
			return fmt.Errorf("unknown name {{.%s}}; here there are %s", n, nameList(allowed))
		}
	}
	rest := placeholder.ReplaceAllString(string(t), "")
	if at := strings.Index(rest, "{{"); at >= 0 {
		return fmt.Errorf("%q is not a placeholder; a placeholder is {{.Name}}, and here there are %s", clip(rest[at:], 24), nameList(allowed))
	}
	return nil
}

// Expand puts the values in. A name without a value is an error that says so.
func (t Template) Expand(values map[string]string) (string, error) {
	var missing []string
	out := placeholder.ReplaceAllStringFunc(string(t), func(m string) string {
		name := placeholder.FindStringSubmatch(m)[1]
		v, known := values[name]
		if !known || v == "" {
			missing = append(missing, "{{."+name+"}}")
		}
		return v
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("no value for %s", strings.Join(missing, ", "))
	}
	return out, nil
}

func nameList(names []string) string {
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = "{{." + n + "}}"
	}
	if len(shown) == 0 {
		return "none"
	}
	return strings.Join(shown, ", ")
}

// clip shortens text to at most n runes, and shows that it did.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
