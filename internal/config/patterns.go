package config

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Patterns of files: * and ? stay within a folder, ** crosses folders. Only in those of reports, which are looked for on
// the disk, {a,b} is one of two.

const (
	acceptedReports = "patterns relative to the workspace, such as reports/**/*.xml: * and ? stay within a folder, ** crosses folders, {a,b} is either"
	acceptedPaths   = "patterns or folders relative to the repository, such as services/checkout/**: * and ? stay within a folder, ** crosses folders"
)

var junitFilesShape = &shape{kinds: isText, noun: "a pattern of files", accepted: acceptedReports + "; several are separated by commas or lines"}

// patternsShape is of the file: one pattern, or a list of them.
func patternsShape(doc, accepted string, examples ...string) *shape {
	one := &shape{kinds: isText, noun: "a pattern of files", accepted: accepted}
	return &shape{kinds: isText | isList, noun: "a pattern of files", doc: doc, accepted: accepted, examples: examples, each: one, item: "a pattern"}
}

// splitPatterns splits at lines, and at commas outside of braces.
func splitPatterns(text string) []string {
	depth := 0
	return strings.FieldsFunc(text, func(r rune) bool {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		case '\r', '\n':
			depth = 0
			return true
		case ',':
			return depth <= 0
		}
		return false
	})
}

// patterns are those of a node: a list's items, or a text's parts.
func (l *loader) patterns(n *node, path, accepted string) []string {
	var all []string
	take := func(text string, where promotion.Where) {
		if text = strings.TrimSpace(text); text == "" {
			return
		}
		if what, hint := patternWrong(text, accepted != acceptedPaths); what != "" {
			if path != "" {
				what = path + ": " + what
			}
			l.add(promotion.Fault{Where: where, What: what, Accepted: accepted, Hint: hint})
			return
		}
		all = append(all, text)
	}
	faults := len(l.list)
	switch n.kind {
	case isList:
		for _, item := range n.items {
			if item.bad {
				faults-- // it is reported
				continue
			}
			take(item.text, item.where)
		}
	default:
		for _, text := range splitPatterns(n.text) {
			take(text, n.where)
		}
	}
	if len(all) == 0 && len(l.list) == faults && !n.bad {
		l.add(promotion.Fault{Where: n.where, What: cmp.Or(path, "the value") + " names no files", Accepted: accepted})
	}
	return unique(all)
}

// patternWrong tells what is wrong with a pattern, "" for nothing, and perhaps the way out.
func patternWrong(text string, braces bool) (what, hint string) {
	shown := "the pattern " + quote(text)
	switch {
	case strings.ContainsFunc(text, unicode.IsControl):
		return shown + " has control characters", ""
	case strings.Contains(text, "{{"):
		return shown + " has a placeholder, and none is filled in here", "write the names out, or put * in their place"
	case strings.HasPrefix(text, "/"), strings.HasPrefix(text, "~"), windowsDrive.MatchString(text):
		if bare := strings.TrimLeft(text, "/"); !braces && bare != "" && bare[0] != '~' {
			return shown + " is absolute", "write " + bare
		}
		return shown + " is absolute", pathHint(text)
	case strings.Contains(text, `\`):
		return shown + " has backslashes", "write " + strings.ReplaceAll(text, `\`, "/")
	case strings.HasPrefix(text, "!"):
		return shown + " is to leave something out, which is not possible", "write patterns for what is meant"
	case !braces && strings.ContainsAny(text, "{}"):
		return shown + " has braces, which have no meaning here", "write a pattern for each choice"
	case path.Clean(text) == "..", strings.HasPrefix(path.Clean(text), "../"):
		return shown + " leads out of where it begins", "write the path without .."
	}
	for _, part := range strings.Split(text, "/") {
		if part == ".." {
			return shown + " goes back by ..", "write the path without it"
		}
		if strings.Contains(part, "**") && !strings.ContainsAny(text, "{}") && part != "**" {
			return shown + " has ** next to other text", "put ** between slashes, as in reports/**/*.xml"
		}
	}
	if !doublestar.ValidatePattern(text) {
		return shown + " has a bracket that is not closed, or that holds nothing", "close it, or put ? in its place"
	}
	return "", ""
}

// largestMinTests is far beyond what one report file holds.
const largestMinTests = 1_000_000

var junitShape = &shape{
	kinds:    isMapping,
	doc:      "Reads reports of the tests that ran between deploy and promote. Asked in mode promote only.",
	accepted: "a mapping, such as {files: reports/*.xml}",
	fields: []field{
		{name: "files", required: true, shape: patternsShape("The report files: patterns relative to the workspace.", acceptedReports, "reports/*.xml", "reports/**/TEST-*.xml")},
		{name: "min-tests", shape: &shape{kinds: isInteger, doc: "Fewer tests than these are no evidence.", low: 1, hi: largestMinTests, noun: "a number of tests",
			accepted: fmt.Sprintf("a whole number from 1 to %d", largestMinTests), deflt: "1"}},
	},
}

func (r *verifier) junit(n *node) *promotion.JUnitCheck {
	c := &promotion.JUnitCheck{MinTests: 1}
	if files := n.get("files"); files != nil {
		c.Files = r.patterns(files, "junit.files", junitShape.field("files").accepted)
	}
	if min := n.get("min-tests"); min != nil {
		fmt.Sscan(min.text, &c.MinTests)
	}
	return c
}

// junitInput is the check that the input junit stands for, if it was given.
func (r *verifier) junitInput() (promotion.Check, bool) {
	n := r.inputs["junit"]
	if n == nil {
		return promotion.Check{}, false
	}
	files := r.patterns(n, "", junitFilesShape.accepted)
	return promotion.Check{Where: n.where, JUnit: &promotion.JUnitCheck{Files: files, MinTests: 1}}, len(files) > 0
}
