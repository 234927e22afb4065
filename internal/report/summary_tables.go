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
	if o.Kind == promotion.Planned {
		s.plan(o)
		return
	}
	single := len(rollbacks(o)) <= many
	var list []row
	for _, f := range o.Functions {
		if crowded(o, f) {
			continue
		}
		version := versions(o, f)
		if f.Fate != promotion.FateMoved || o.Request.Mode == promotion.ModeRollback {
			version += "<br>" + fate(o, f)
		}
		back := ""
		if single && f.Fate == promotion.FateMoved {
			back = cellCommands(f.Commands)
		}
		r := row{rows, "functions", []string{functionName(f), s.environment(o), version, s.source(o, f), verifiedBy(o, f), back}}
		if still(f) {
			r.rank = quiet
		}
		list = append(list, r)
	}
	s.table([]string{"function", "environment", "version", "commit", "verified by", "go back"}, list)
	s.crowds(o)
}

// crowds are the functions of which the same is to be said, folded.
func (s *summary) crowds(o promotion.Outcome) {
	for _, c := range crowds(o) {
		var names []string
		for _, f := range c.functions {
			names = append(names, Code(f.Function)+" "+f.Previous.String())
		}
		s.add(quiet, "the functions that stayed where they were", fold(c.title(o), strings.Join(names, ", ")+"\n"))
	}
}

// environment is where the functions of an outcome are, in a cell.
func (s *summary) environment(o promotion.Outcome) string {
	env := o.Request.Environment
	name := Code(env.Name)
	if env.Alias != "" && env.Alias != env.Name {
		name += " (" + Code(env.Alias) + ")"
	}
	return name
}

// source is what lies between the commit that was promoted before and this one.
func (s *summary) source(o promotion.Outcome, f promotion.FunctionOutcome) string {
	next := o.Request.Commit
	if o.Request.Mode == promotion.ModeRollback {
		next = ""
		if o.Entry != nil {
			next = o.Entry.Source.Commit
		}
	}
	before := f.PreviousSource
	if id := o.Request.RepositoryID; id != "" && before.Repository != "" && before.Repository != id {
		return Code(shortCommit(before.Commit)) + " of another repository, " + s.c.between("", next)
	}
	if o.Kind == promotion.Superseded {
		return s.c.between("", before.Commit) // what is promoted is the newer one
	}
	if still(f) {
		return ""
	}
	return s.c.between(before.Commit, next)
}

// cellCommands are commands folded within a cell, so that their length does not stretch the table.
func cellCommands(list []string) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString("<br>" + Code(c))
	}
	if b.Len() == 0 {
		return ""
	}
	return "<details><summary>command</summary>" + strings.TrimPrefix(b.String(), "<br>") + "</details>"
}

// functionName is what promote.yaml calls a function, and what Lambda calls it where that is another name.
func functionName(f promotion.FunctionOutcome) string {
	if f.Name == f.Function || f.Name == "" {
		return Code(f.Function)
	}
	return Code(f.Function) + " (" + Code(f.Name) + ")"
}

// checks are a table of what vouches for the candidates. Among many, those that passed or were skipped are folded.
func (s *summary) checks(o promotion.Outcome) {
	if unverified(o) {
		s.add(always, "", "**verify: none**: verification is switched off, so nothing vouches for these versions.\n\n")
		return
	}
	head := []string{"check", "function", "version", "verdict", "tests", "time"}
	var loud, folded []row
	for _, c := range vouchers(o) {
		if red(c) || len(o.Checks) <= few {
			loud = append(loud, row{checked, "checks", checkCells(o, c)})
		} else {
			folded = append(folded, row{quiet, "checks", checkCells(o, c)})
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
	s.folded(strings.Join(title, ", "), head, folded)
}

func checkCells(o promotion.Outcome, c promotion.CheckResult) []string {
	version, tests := "", ""
	if c.Version != 0 {
		version = c.Version.String()
	}
	if c.Tests != nil {
		tests = testCounts(*c.Tests)
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
	return []string{copyable(c.Check), Code(c.Function), version, fmt.Sprintf("%s %s", sign, said), tests, time}
}
