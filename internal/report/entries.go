package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// past is the history of an environment, folded.
func (s *summary) past(r Recorded, withApp, withRegion bool) {
	if len(r.Entries) == 0 {
		return
	}
	title := "history of " + Text(r.Scope.Environment)
	if withApp {
		title = "history of " + Text(r.Scope.String())
	}
	if withRegion && r.Region != "" {
		title += " (" + Text(r.Region) + ")"
	}
	var lines strings.Builder
	for _, e := range r.Entries[:min(len(r.Entries), many)] {
		lines.WriteString("- " + s.entryLine(e) + "\n")
	}
	if more := len(r.Entries) - many; more > 0 {
		fmt.Fprintf(&lines, "- and %d more\n", more)
	}
	s.add(details, "the histories", fold(title, lines.String()))
}

// entryLine tells an entry of a history in one line.
func (s *summary) entryLine(e promotion.Entry) string {
	text := fmt.Sprintf("%s: %s", minute(e.At), Text(entryWords(e)))
	c := s.c.at(&e)
	if e.Source.Commit != "" {
		text += ", commit " + c.link(Code(shortCommit(e.Source.Commit)), c.commitURL(c.Repository, e.Source.Commit))
	}
	if run := (&summary{c: c}).runBy(&e); run != "" {
		text += ", " + run
	}
	if why := Text(clip(oneLine(e.Reason), longestSentence)); why != "" {
		text += ": " + why
	}
	return text
}

// entryWords say what an entry of a history tells of.
func entryWords(e promotion.Entry) string {
	n := plural(len(e.Moves), "function")
	switch e.Kind {
	case promotion.EntryPromotion:
		return n + " promoted"
	case promotion.EntryRollback:
		return n + " rolled back"
	case promotion.EntryUndone:
		return "a promotion of " + n + " was undone"
	case promotion.EntryRaised:
		return "nothing moved: the commit was recorded"
	case promotion.EntryFloor:
		return "the floor of a rollback was lifted"
	}
	return oneLine(string(e.Kind))
}

// at is the context of the repository that an entry is of.
func (c Context) at(e *promotion.Entry) Context {
	if e.Repository != "" {
		c.Repository = e.Repository
	}
	return c
}

// runBy is a run with who started it.
func (s *summary) runBy(e *promotion.Entry) string {
	var words []string
	if e.RunURL != "" {
		words = append(words, s.c.link(copyable(clip(runName(e.RunURL, e.Attempt), longestFact)), e.RunURL))
	}
	if e.Actor != "" {
		words = append(words, "by "+Code(e.Actor))
	}
	return strings.Join(words, " ")
}

// minute is a time for a table.
func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
