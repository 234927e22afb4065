package report

import (
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// plan is a table of what is live and what would be published in its place. Among many, unchanged functions are folded.
func (s *summary) plan(o promotion.Outcome) {
	var list []row
	for _, f := range o.Functions {
		if crowded(o, f) {
			continue
		}
		r := row{rows, "functions", []string{functionName(f), s.environment(o), versions(o, f) + "<br>" + fate(o, f), newCode(f), configuration(f), s.source(o, f), prose(f.Drift)}}
		if still(f) && f.Drift == "" {
			r.rank = quiet
		}
		list = append(list, r)
	}
	s.table([]string{"function", "environment", "version", "code", "configuration", "commit", "drift"}, list)
	s.crowds(o)
}

// newCode says where new code comes from, with the digests of both, and how its size changes.
func newCode(f promotion.FunctionOutcome) string {
	text := prose(code(f))
	if text == "" {
		return ""
	}
	if before, next := f.PreviousDigest.Short(), f.Digest.Short(); before != "" && next != "" {
		text += "<br>" + Code(before) + " → " + Code(next)
	} else if next != "" {
		text += "<br>" + Code(next)
	}
	if d := sizeChange(f); d != "" {
		text += "<br>" + d
	}
	return text
}

// sizeChange says how much larger or smaller the package is than the one before, "" where one of them is not known.
func sizeChange(f promotion.FunctionOutcome) string {
	was, is := f.PreviousSize, f.Package.Size
	switch {
	case was <= 0 || is <= 0:
		return ""
	case is > was:
		return size(is-was) + " more than before"
	case is < was:
		return size(was-is) + " less than before"
	}
	return "as large as before"
}

func configuration(f promotion.FunctionOutcome) string {
	var parts []string
	for _, change := range changes(f.Changes, 8) {
		parts = append(parts, prose(change))
	}
	return strings.Join(parts, "<br>")
}

// changing tells of each function what its new code and its new configuration are, folded. A plan's table has it.
func (s *summary) changing(o promotion.Outcome) {
	if !planned(o) || o.Kind == promotion.Planned || o.Kind == promotion.Superseded {
		return
	}
	var list []row
	for _, f := range o.Functions {
		if cells := []string{Code(f.Function), newCode(f), configuration(f), prose(f.Drift)}; !crowded(o, f) && strings.Join(cells[1:], "") != "" {
			list = append(list, row{details, "rows of what changes", cells})
		}
	}
	s.folded("what changes", []string{"function", "code", "configuration", "drift"}, list)
}

// steps are the steps of a weighted shift, as they went.
func (s *summary) steps() {
	var list []row
	for _, step := range s.c.Steps {
		gate := ""
		if step.Verdict != "" {
			gate = verdict(promotion.CheckResult{Verdict: step.Verdict})
		}
		if step.Reason != "" {
			gate = strings.TrimPrefix(gate+": "+prose(step.Reason), ": ")
		}
		list = append(list, row{checked, "steps", []string{fmt.Sprintf("%g%%", step.Weight*100), duration(step.Baked), gate}})
	}
	s.table([]string{"weight", "baked", "gate"}, list)
}

// rollbacks are the commands that undo what was promoted, folded, where there are too many for the table.
func (s *summary) rollbacks(o promotion.Outcome) {
	list := rollbacks(o)
	if len(list) <= many {
		return
	}
	for _, batch := range batches(list) {
		s.add(details, "parts of the commands to go back", fold("go back by hand", Block(strings.Join(batch, "\n"))+"\n"))
	}
}
