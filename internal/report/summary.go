package report

import (
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxSummary is how many bytes a summary takes at most, as long as verdict, faults and the commands for a repair take no
// more by themselves. GitHub drops a step's summary over 1 MiB as a whole; what other steps of the same container add
// needs a little room.
const maxSummary = 900 * 1000

var summaryFitting = fitting{
	limit: maxSummary, order: leftOutOfSummaries, why: "GitHub shows no more than 1 MiB", rest: "The log of the step has them.",
}

// Summary is the outcome as Markdown for the job summary: a verdict that can be read by itself, what was wrong and what
// to do about it, what changed, what vouches for it; then warnings, addresses and details, folded.
func Summary(o promotion.Outcome, c Context) string {
	s := &summary{c: c.of(o.Request)}
	s.tell(o, headline(o), 0)
	return s.fit(summaryFitting)
}

// tell writes an outcome, verdict first. Facts are cut to so many columns; 0 cuts nothing.
func (s *summary) tell(o promotion.Outcome, headline string, columns int) {
	s.add(always, "", fmt.Sprintf("### %s %s\n\n", emoji(o), Text(headline)))
	if words := counts(o); len(words) > 0 {
		s.add(always, "", strings.Join(words, " · ")+"\n\n")
	}
	s.facts(o, columns)
	s.faults(o, "", o.Faults, faulty)
	s.remarks(o, false)
	s.repairs(o)
	s.functions(o)
	s.steps()
	s.checks(o)
	s.faults(o, "⚠️ ", o.Warnings, details)
	s.endpoints(o)
	s.changing(o)
	s.rollbacks(o)
	s.remarks(o, true)
}

// facts are a line of what the run was about.
func (s *summary) facts(o promotion.Outcome, columns int) {
	var words []string
	for _, f := range facts(o) {
		value := f.value
		if columns > 0 {
			value = clip(value, columns)
		}
		if f.name == "commit" {
			words = append(words, f.name+" "+s.c.link(Code(value), s.c.commitURL(s.c.Repository, o.Request.Commit)))
			continue
		}
		words = append(words, f.name+" "+Code(value))
	}
	if len(words) == 0 {
		return
	}
	if !o.Finished.IsZero() {
		words = append(words, "in "+duration(o.Duration()))
	}
	s.add(always, "", strings.Join(words, " · ")+"\n\n")
}

// remarks are paragraphs of what else there is to say; those aside are told at the end.
func (s *summary) remarks(o promotion.Outcome, aside bool) {
	r := faulty
	if aside {
		r = details
	}
	for _, remark := range remarks(o, marked{s.c}) {
		if remark.aside != aside {
			continue
		}
		text := "- " + remark.text + "\n"
		if remark.block != "" {
			text = remark.text + "\n\n" + Block(remark.block) + "\n"
		}
		s.add(r, "remarks", text+"\n")
	}
}

// faults are a list: place and fault, what would be accepted, advice, and what was seen.
func (s *summary) faults(o promotion.Outcome, sign string, faults []promotion.Fault, r rank) {
	name := "faults"
	if r == details {
		name = "warnings"
	}
	for i, f := range faults {
		var b strings.Builder
		b.WriteString("- " + sign)
		if place := f.Where.String(); place != "" {
			b.WriteString(Code(place) + ": ")
		}
		b.WriteString(prose(f.What))
		if f.Detail != "" {
			b.WriteString(": " + Code(f.Detail))
		}
		if f.Accepted != "" {
			b.WriteString("<br>accepted: " + prose(f.Accepted))
		}
		if adviceHere(faults, i) {
			b.WriteString("<br>hint: " + prose(f.Hint))
		}
		s.add(r, name, b.String()+"\n")
		s.evidence(evidenceOf(o, f))
	}
	if len(faults) > 0 {
		s.add(always, "", "\n")
	}
}

// evidence shows below a fault what its check saw: short things on a line, long ones folded.
func (s *summary) evidence(list []promotion.Evidence) {
	var lines, blocks strings.Builder
	var names []string
	for _, e := range list {
		if text := strings.Trim(visible(e.Text), "\n"); brief(text) {
			fmt.Fprintf(&lines, "<br>%s: %s", Text(e.Name), Code(text))
			continue
		}
		names = append(names, Text(e.Name))
		fmt.Fprintf(&blocks, "\n  %s:\n\n  %s\n", Text(e.Name), Block(e.Text))
	}
	if lines.Len() > 0 {
		s.add(evidence, "pieces of evidence", "  "+lines.String()+"\n")
	}
	if len(names) > 0 {
		s.add(evidence, "pieces of evidence", "\n  <details><summary>"+strings.Join(names, ", ")+"</summary>\n"+blocks.String()+"\n  </details>\n\n")
	}
}

// repairs are the commands for the aliases that a person has to look after.
func (s *summary) repairs(o promotion.Outcome) {
	for i, list := range batches(repairs(o)) {
		title := ""
		if i == 0 {
			title = repairTitle(o) + "\n\n"
		}
		s.add(repair, "parts of the commands for a repair", title+Block(strings.Join(list, "\n"))+"\n\n")
	}
}

// batches divides many commands, so that not all of them have to be left out where some are.
func batches(list []string) [][]string {
	const size = 25
	var all [][]string
	for len(list) > size {
		all, list = append(all, list[:size]), list[size:]
	}
	if len(list) > 0 {
		all = append(all, list)
	}
	return all
}

func (s *summary) endpoints(o promotion.Outcome) {
	var words []string
	for _, e := range endpoints(o) {
		words = append(words, Text(e.name)+" "+Code(e.value))
	}
	if len(words) > 0 {
		s.add(details, "the addresses", strings.Join(words, " · ")+"\n\n")
	}
}
