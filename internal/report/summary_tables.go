package report

import (
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// functions are a table of what became of each function. Among many, those whose alias stayed where it was are folded.
func (s *summary) functions(o promotion.Outcome) {
	if !planned(o) {
		return // the faults say why
	}
	var lines []part
	for _, f := range o.Functions {
		if crowded(o, f) {
			continue
		}
		p := part{rows, "functions", fmt.Sprintf("| %s | %s | %s | %s |\n", functionName(f), versions(o, f), fate(o, f), whatChanges(f))}
		if still(f) {
			p.rank = quiet
		}
		lines = append(lines, p)
	}
	s.table("| function | version | result | what changes |\n| --- | --- | --- | --- |\n", lines)
	for _, c := range crowds(o) {
		var names []string
		for _, f := range c.functions {
			names = append(names, Code(f.Function)+" "+f.Previous.String())
		}
		s.add(quiet, "the functions that stayed where they were", fold(c.title(o), strings.Join(names, ", ")+"\n"))
	}
}

// table adds rows under a head, if there are any.
func (s *summary) table(head string, rows []part) {
	if len(rows) == 0 {
		return
	}
	s.add(always, "", head)
	s.parts = append(s.parts, rows...)
	s.add(always, "", "\n")
}

// fold hides Markdown behind a title.
func fold(title, body string) string {
	return "<details><summary>" + title + "</summary>\n\n" + body + "\n</details>\n\n"
}

// functionName is what promote.yaml calls a function, and what Lambda calls it where that is another name.
func functionName(f promotion.FunctionOutcome) string {
	if f.Name == f.Function || f.Name == "" {
		return Code(f.Function)
	}
	return Code(f.Function) + " (" + Code(f.Name) + ")"
}

// whatChanges says where new code comes from, with its digest, and which fields of the configuration change.
func whatChanges(f promotion.FunctionOutcome) string {
	var parts []string
	if c := code(f); c != "" {
		if digest := f.Digest.Short(); digest != "" {
			c = prose(c) + " (" + Code(digest) + ")"
		} else {
			c = prose(c)
		}
		parts = append(parts, c)
	}
	for _, change := range changes(f.Changes, 8) {
		parts = append(parts, prose(change))
	}
	return strings.Join(parts, "<br>")
}

// checks are a table of what vouches for the candidates. Among many, those that passed or were skipped are folded.
func (s *summary) checks(o promotion.Outcome) {
	if unverified(o) {
		s.add(always, "", "**verify: none**: verification is switched off, so nothing vouches for these versions.\n\n")
		return
	}
	const head = "| check | function | version | verdict | time |\n| --- | --- | --- | --- | --- |\n"
	var loud, folded []part
	for _, c := range o.Checks {
		if red(c) || len(o.Checks) <= many {
			loud = append(loud, part{rows, "checks", checkRow(o, c)})
		} else {
			folded = append(folded, part{quiet, "checks", checkRow(o, c)})
		}
	}
	s.table(head, loud)
	if len(folded) == 0 {
		return
	}
	t := tallied(o)
	var title []string
	if t.passed > 0 {
		title = append(title, plural(t.passed, "check")+" passed")
	}
	if t.skipped > 0 {
		title = append(title, plural(t.skipped, "check")+" skipped")
	}
	s.add(always, "", "<details><summary>"+strings.Join(title, ", ")+"</summary>\n\n")
	s.table(head, folded)
	s.add(always, "", "</details>\n\n")
}

func checkRow(o promotion.Outcome, c promotion.CheckResult) string {
	version := ""
	if c.Version != 0 {
		version = c.Version.String()
	}
	sign := "✅"
	switch {
	case c.Skipped != "":
		sign = "➖"
	case c.Err != nil:
		sign = "❗"
	case red(c):
		sign = "❌"
	}
	said := verdict(c)
	if note := checkNote(o, c); note != "" && c.Skipped != "" {
		said = prose(note)
	} else if note != "" {
		said += ": " + prose(note)
	}
	time := took(c)
	if c.Err != nil {
		time = ""
	}
	return fmt.Sprintf("| %s | %s | %s | %s %s | %s |\n", copyable(c.Check), Code(c.Function), version, sign, said, time)
}
