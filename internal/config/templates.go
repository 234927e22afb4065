package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A place is where a template stands: the names that exist there, and what they are. A value that is known only
// later is a sample of what it will look like; a name that will have no value at all has "".
type place struct {
	names   []string
	values  map[string]string
	refused map[string]refusal // names that exist elsewhere, with the reason why not here
}

type refusal struct{ why, hint string }

// Samples of what is known only when a check is asked.
const (
	sampleVersion = "1"
	sampleLatest  = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/app/latest"
)

// expand checks the template and puts the values in. Where it returns false a fault is reported.
func (l *loader) expand(text string, where promotion.Where, path string, p place) (string, bool) {
	fault := func(what, accepted, hint string) (string, bool) {
		l.add(promotion.Fault{Where: where, What: path + ": " + what, Accepted: accepted, Hint: hint})
		return "", false
	}
	if strings.Contains(text, "${{") {
		return fault("GitHub's expressions (${{ ... }}) are not expanded here", shownNames(p.names), "use one of the names, or give the value by an input")
	}
	ok := true
	for _, name := range promotion.Template(text).Names() {
		switch r, refused := p.refused[name]; {
		case refused:
			_, ok = fault(fmt.Sprintf("{{.%s}} %s", name, r.why), "", r.hint)
		case !slices.Contains(p.names, name):
			_, ok = fault(fmt.Sprintf("unknown name {{.%s}}", name), shownNames(p.names), meantName(name, p.names))
		case p.values[name] == "" && l.is(releasing):
			_, ok = fault(fmt.Sprintf("{{.%s}} has no value in this run", name), "", l.missingValue(name))
		}
	}
	if !ok {
		return "", false
	}
	if at := firstNonPlaceholder(text, p.names); at != "" {
		return fault(fmt.Sprintf("%s is no placeholder", quote(at)), shownNames(p.names), "")
	}
	values := map[string]string{}
	for _, name := range p.names {
		if values[name] = p.values[name]; values[name] == "" {
			values[name] = standIn
		}
	}
	expanded, err := promotion.Template(text).Expand(values)
	if err != nil {
		return fault(err.Error(), shownNames(p.names), "")
	}
	return expanded, true
}

// firstNonPlaceholder is the first pair of braces that is none, with what follows.
func firstNonPlaceholder(text string, names []string) string {
	if promotion.Template(text).Check(names) == nil {
		return ""
	}
	for rest := text; ; {
		at := strings.Index(rest, "{{")
		if at < 0 {
			return text
		}
		part, after, _ := strings.Cut(rest[at:], "}}")
		if len(promotion.Template(part+"}}").Names()) == 0 {
			if len(after) < len(rest[at:])-len(part) {
				part += "}}"
			}
			return part
		}
		rest = after
	}
}

func (l *loader) missingValue(name string) string {
	if name == "Commit" {
		return fmt.Sprintf("the commit is not known: give %s", l.called("commit"))
	}
	return ""
}

func meantName(name string, names []string) string {
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = "{{." + n + "}}"
	}
	return didYouMean("{{."+name+"}}", shown)
}

func shownNames(names []string) string {
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = "{{." + n + "}}"
	}
	return strings.Join(shown, ", ")
}
