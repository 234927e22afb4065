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

// Summary is the outcome as Markdown for the job summary: a verdict that can be read by itself, what was wrong and what
// to do about it, what changed, what vouches for it; then warnings, addresses, and the commands to go back, folded.
func Summary(o promotion.Outcome) string {
	s := &summary{}
	s.add(always, "", fmt.Sprintf("### %s %s\n\n", emoji(o.Kind), Text(headline(o))))
	s.facts(o)
	s.faults(o, "", o.Faults, always)
	s.repairs(o)
	s.functions(o)
	s.checks(o)
	s.faults(o, "⚠️ ", o.Warnings, details)
	s.endpoints(o)
	s.rollbacks(o)
	return s.fit(maxSummary)
}

// facts are a line of what the run was about.
func (s *summary) facts(o promotion.Outcome) {
	var words []string
	for _, f := range facts(o) {
		words = append(words, f.name+" "+Code(f.value))
	}
	if len(words) == 0 {
		return
	}
	s.add(always, "", strings.Join(append(words, "in "+duration(o.Duration())), " · ")+"\n\n")
}

// faults are a list: place and fault, what would be accepted, advice, and what was seen.
func (s *summary) faults(o promotion.Outcome, sign string, faults []promotion.Fault, r rank) {
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
		s.add(r, "warnings", b.String()+"\n")
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
	if list := repairs(o); len(list) > 0 {
		s.add(always, "", repairTitle(o)+"\n\n"+Block(strings.Join(list, "\n"))+"\n\n")
	}
}

func (s *summary) endpoints(o promotion.Outcome) {
	var words []string
	for _, e := range endpoints(o) {
		words = append(words, Text(e.name)+" "+Code(e.value))
	}
	if len(words) > 0 {
		s.add(always, "", strings.Join(words, " · ")+"\n\n")
	}
}

// rollbacks are the commands that undo what was promoted, folded.
func (s *summary) rollbacks(o promotion.Outcome) {
	if list := rollbacks(o); len(list) > 0 {
		s.add(details, "the commands to go back", fold("go back by hand", Block(strings.Join(list, "\n"))+"\n"))
	}
}
