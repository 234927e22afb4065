package report

import (
	"fmt"
	"slices"
	"strings"
)

// A rank says what a part of a text is, so that where there is too much the right ones are left out.
type rank int

const (
	always   rank = iota // never left out
	rows                 // of the functions that are elsewhere, or were to be
	repair               // the commands for aliases that a person has to look after
	faulty               // what was wrong
	checked              // rows of the checks that did not pass, or of few
	quiet                // of what passed or is unchanged
	details              // what the log has as well, and what matters later
	evidence             // what checks saw
)

// What is left out first, in a summary, which the log stands beside, and in a comment, where the evidence is what the
// reader of a red one came for.
var (
	leftOutOfSummaries = []rank{evidence, details, quiet, checked, rows}
	leftOutOfComments  = []rank{details, quiet, evidence, checked, faulty, repair, rows}
)

// A summary is Markdown in parts.
type summary struct {
	parts  []part
	frames int
	c      Context
}

type part struct {
	rank rank
	name string // what it is one of ("checks"), or what it is ("the commands"), for the line that says what was left out
	text string
	// Of a table's head, and of what it is folded into: the number of their frame, which the rows have too. A frame
	// around nothing is left out.
	frame int
	row   bool
}

func (s *summary) add(r rank, name, text string) {
	s.parts = append(s.parts, part{rank: r, name: name, text: text})
}

// A fitting says how long a text may be, in bytes, and what is left out of it first. Rest says why, and where the rest is.
type fitting struct {
	limit int
	order []rank
	why   string
	rest  string
}

// fit puts the parts together. Over the limit, the most dispensable are left out, the last of them first, and a line says
// how many of what.
func (s *summary) fit(f fitting) string {
	total := 0
	for _, p := range s.parts {
		total += len(p.text)
	}
	const room = 600 // for the line
	left := map[string]int{}
	var names []string
	if total > f.limit {
		f.limit -= room + len(f.rest)
	}
	for _, r := range f.order {
		for i := len(s.parts) - 1; i >= 0 && total > f.limit; i-- {
			p := &s.parts[i]
			if p.rank != r || p.text == "" {
				continue
			}
			if left[p.name]++; left[p.name] == 1 {
				names = append(names, p.name)
			}
			total -= len(p.text)
			p.text = ""
		}
	}
	full := map[int]bool{0: true}
	for _, p := range s.parts {
		full[p.frame] = full[p.frame] || p.row && p.text != ""
	}
	var b strings.Builder
	for _, p := range s.parts {
		if full[p.frame] {
			b.WriteString(p.text)
		}
	}
	if len(names) > 0 {
		for i, name := range names {
			if !strings.HasPrefix(name, "the ") {
				names[i] = fmt.Sprintf("%d %s", left[name], name)
			}
		}
		fmt.Fprintf(&b, "_Left out, since %s: %s. %s_\n", f.why, strings.Join(slices.Compact(names), ", "), f.rest)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// table adds rows under a head, if there are any. A column in which nothing stands is left out.
func (s *summary) table(head []string, list []row) { s.folded("", head, list) }

// folded is a table behind a title; "" folds nothing.
func (s *summary) folded(title string, head []string, list []row) {
	if len(list) == 0 {
		return
	}
	s.frames++
	frame := func(text string) { s.parts = append(s.parts, part{rank: always, text: text, frame: s.frames}) }
	used := make([]bool, len(head))
	for _, r := range list {
		for i, cell := range r.cells {
			used[i] = used[i] || cell != ""
		}
	}
	line := func(cells []string) string {
		var b strings.Builder
		b.WriteString("|")
		for i, cell := range cells {
			if used[i] {
				b.WriteString(" " + cell + " |")
			}
		}
		return b.String() + "\n"
	}
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	if title != "" {
		frame("<details><summary>" + title + "</summary>\n\n")
	}
	frame(line(head) + line(rule))
	for _, r := range list {
		s.parts = append(s.parts, part{rank: r.rank, name: r.name, text: line(r.cells), frame: s.frames, row: true})
	}
	frame("\n")
	if title != "" {
		frame("</details>\n\n")
	}
}

// A row is one of a table, in cells of Markdown.
type row struct {
	rank  rank
	name  string
	cells []string
}

// fold hides Markdown behind a title.
func fold(title, body string) string {
	return "<details><summary>" + title + "</summary>\n\n" + body + "\n</details>\n\n"
}
