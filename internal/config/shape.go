package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A shape describes a value of promote.yaml or of an input: what it means, and what is accepted. The decoder, the
// JSON Schema and the documentation are made of the same shapes.
type shape struct {
	kinds    kind
	doc      string
	accepted string // in words, after "accepted: "
	deflt    string // what it is when it is not given, for the documentation; it may be a rule in words
	examples []string

	// Of text and integers:
	noun    string                   // what it has to be: "an AWS region"
	enum    []string                 // the only words
	pattern *regexp.Regexp           // what the text has to match
	wrong   func(text string) string // what is wrong with it, "" for nothing
	later   func(text string) bool   // a word that will be accepted one day
	hint    func(text string) string // a way out of a wrong text
	low, hi int                      // bounds of an integer; both 0: none

	// Of a mapping with known keys:
	fields []field
	oneOf  []string // exactly one of these keys has to be there
	// Of the values of a mapping with free names, and of a list:
	names *shape
	each  *shape
	item  string // what an item of a list is called; its line tells which one
	any   bool   // what a mapping or list holds is not ours
}

// A field is a known key of a mapping.
type field struct {
	name     string
	required bool
	later    string // why it is not supported yet; "" if it is
	shape    *shape

	secretInput string // of a secret, which no file should hold: the input that takes it
}

func (f field) supported() bool { return f.later == "" && f.secretInput == "" }

func (s *shape) words() string {
	if s.accepted != "" {
		return s.accepted
	}
	if len(s.enum) > 0 {
		return wordList(s.enum)
	}
	return s.kinds.String()
}

func (k kind) String() string {
	var words []string
	for _, n := range []struct {
		kind kind
		word string
	}{{isText, "text"}, {isInteger, "a number"}, {isNumber, "a number"}, {isBoolean, "true or false"}, {isNull, "nothing"}, {isMapping, "a mapping"}, {isList, "a list"}} {
		if k&n.kind != 0 {
			words = append(words, n.word)
		}
	}
	return wordList(unique(words))
}

// check reports everything in which n is not as the shape says, and marks what cannot be used. Path is what a
// person calls the value: "environments.prod.region".
func (s *shape) check(n *node, path string, fs *faults) {
	if n.bad || n.checked == s {
		return
	}
	n.checked = s
	if n.kind&s.kinds == 0 {
		n.bad = true
		fs.add(s.wrongKind(n, path))
		return
	}
	switch n.kind {
	case isMapping:
		s.checkMapping(n, path, fs)
	case isList:
		for _, item := range n.items {
			if !s.any {
				s.each.check(item, s.item, fs)
			}
		}
	case isText, isInteger:
		s.checkText(n, path, fs)
	}
}

func (s *shape) wrongKind(n *node, path string) promotion.Fault {
	f := promotion.Fault{Where: n.where, What: fmt.Sprintf("%s is %s", named(path), n.kind), Accepted: s.words()}
	plain := n.kind&(isInteger|isNumber|isBoolean) != 0
	switch {
	case n.kind == isNull:
		f.What = named(path) + " has no value"
	case plain && s.kinds&isText != 0:
		f.What = fmt.Sprintf("%s is %s, not text", named(path), clip(n.text))
	case plain:
		f.What = fmt.Sprintf("%s is %s", named(path), clip(n.text))
	case n.kind == isText && s.kinds&isInteger != 0:
		f.What = fmt.Sprintf("%s is the text %s", named(path), quote(n.text))
	}
	if s.hint != nil {
		f.Hint = s.hint(n.text)
	}
	if f.Hint == "" && plain && s.kinds&isText != 0 {
		if what, _ := s.complain(n.text); what == "" {
			f.Hint = fmt.Sprintf("put it in quotes: %q", clip(n.text))
		}
	}
	return f
}

func (s *shape) checkText(n *node, path string, fs *faults) {
	what, hint := s.complain(n.text)
	if what == "" {
		return
	}
	n.bad = true
	f := promotion.Fault{Where: n.where, What: what, Accepted: s.words(), Hint: hint}
	if path != "" {
		f.What = path + ": " + what
	}
	fs.add(f)
}

// complain tells what is wrong with a text, and perhaps the way out.
func (s *shape) complain(text string) (what, hint string) {
	if s.hint != nil {
		hint = s.hint(text)
	}
	switch {
	case s.later != nil && s.later(text):
		return quote(text) + " is not supported yet", ""
	case strings.TrimSpace(text) == "" && (len(s.enum) > 0 || s.pattern != nil || s.wrong != nil || s.noun != ""):
		return "the text is empty", ""
	case len(s.enum) > 0:
		if !slices.Contains(s.enum, text) && (s.pattern == nil || !s.pattern.MatchString(text)) {
			return quote(text) + " is not " + s.noun, cmp.Or(hint, didYouMean(text, s.enum))
		}
		return "", ""
	case s.wrong != nil:
		if what := s.wrong(text); what != "" {
			return what, hint
		}
	case s.pattern != nil && !s.pattern.MatchString(text):
		return quote(text) + " is not " + s.noun, hint
	}
	if s.low != s.hi {
		switch v, err := strconv.Atoi(text); {
		case err != nil:
			return quote(text) + " is not a whole number", ""
		case v < s.low || v > s.hi:
			return clip(text) + " is out of range", ""
		}
	}
	return "", ""
}

func (s *shape) checkMapping(n *node, path string, fs *faults) {
	first := map[string]promotion.Where{}
	for i := range n.entries {
		e := &n.entries[i]
		if before, twice := first[e.name]; twice {
			fs.add(promotion.Fault{Where: e.where, What: fmt.Sprintf("%s is given twice, first in line %d", named(join(path, e.name)), before.Line), Hint: "keep one of the two"})
		} else {
			first[e.name] = e.where
		}
		switch {
		case s.any:
		case s.each != nil:
			s.checkName(e, path, fs)
			s.each.check(e.value, join(path, e.name), fs)
		default:
			s.checkField(e, path, fs)
		}
		e.value.bad = e.value.bad || first[e.name] != e.where
	}
	if s.each != nil || s.any {
		return
	}
	for _, f := range s.fields {
		if _, there := first[f.name]; f.required && !there && !s.misspelt(f.name, n) {
			fs.add(promotion.Fault{Where: n.at, What: fmt.Sprintf("%s is missing", named(join(path, f.name))), Accepted: f.shape.words()})
			n.bad = n.bad || len(s.oneOf) > 0
		}
	}
	s.checkOneOf(n, path, first, fs)
}

// misspelt tells whether one of the mapping's unknown keys was probably meant to be the field, so that the fault of
// that key is enough.
func (s *shape) misspelt(field string, n *node) bool {
	return slices.ContainsFunc(n.entries, func(e entry) bool {
		return s.field(e.name) == nil && nearest(e.name, s.known()) == field
	})
}

func (s *shape) checkName(e *entry, path string, fs *faults) {
	if s.names == nil {
		return
	}
	if what, hint := s.names.complain(e.name); what != "" {
		e.value.bad = true
		if path != "" {
			what = path + ": " + what
		}
		fs.add(promotion.Fault{Where: e.where, What: what, Accepted: s.names.words(), Hint: hint})
	}
}

func (s *shape) checkField(e *entry, path string, fs *faults) {
	for _, f := range s.fields {
		if f.name != e.name {
			continue
		}
		if f.later != "" {
			e.value.bad = true
			fs.add(promotion.Fault{Where: e.where, What: named(join(path, e.name)) + " is not supported yet", Hint: f.later})
			return
		}
		if f.secretInput != "" {
			e.value.bad = true
			fs.add(promotion.Fault{Where: e.where, What: named(join(path, e.name)) + " is a secret, and does not belong into the file",
				Hint: fmt.Sprintf("give it by the input %s, from the repository's secrets", f.secretInput)})
			return
		}
		f.shape.check(e.value, join(path, e.name), fs)
		return
	}
	e.value.bad = true
	what := fmt.Sprintf("unknown key %s", quote(e.name))
	if path != "" {
		what += " in " + path
	}
	fs.addUnknown(promotion.Fault{Where: e.where, What: what, Accepted: strings.Join(s.known(), ", "), Hint: didYouMean(e.name, s.known())})
}

func (s *shape) checkOneOf(n *node, path string, given map[string]promotion.Where, fs *faults) {
	if len(s.oneOf) == 0 {
		return
	}
	var have []string
	for _, name := range s.oneOf {
		if _, there := given[name]; there {
			have = append(have, name)
		}
	}
	if len(have) > 1 {
		n.bad = true
		fs.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("%s has %s at once", named(path), strings.Join(have, " and ")), Accepted: "one of them"})
	}
	understood := !n.bad
	for _, e := range n.entries {
		understood = understood && !e.value.bad
	}
	if len(have) == 0 {
		n.bad = true
	}
	if len(have) == 0 && understood {
		fs.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("%s does not say what to ask", named(path)), Accepted: wordList(s.oneOf)})
	}
}

// known are the keys that are supported.
func (s *shape) known() []string {
	var names []string
	for _, f := range s.fields {
		if f.supported() {
			names = append(names, f.name)
		}
	}
	return names
}

// itemPath is what an item of the list of checks is called: the keys within it are named without it.
const itemPath = "a check"

func join(path, name string) string {
	if path == "" || path == itemPath {
		return name
	}
	return path + "." + name
}

// named is the path; the whole file has none.
func named(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}
