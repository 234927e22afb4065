package report

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxComment is how many bytes a comment takes at most. GitHub takes 65,536 characters
// (https://docs.github.com/rest/issues/comments).
const maxComment = 60_000

// In a comment no single fact is longer than so many columns, since facts are never left out.
const (
	longestFact     = 100
	longestVerdict  = 600
	longestSentence = 300
)

// Comment is the outcome as the one comment that a pull request has for an environment: the verdict, then what moved, then
// the rest as far as there is room. marker is the hidden line by which that comment is found again; the body ends with it,
// so that an e-mail begins with the verdict.
func Comment(o promotion.Outcome, c Context) (marker, body string) {
	c = c.of(o.Request)
	s := &summary{c: c}
	s.tell(o, clip(headline(o), longestVerdict), longestFact)
	return s.comment(o.Request, o.Finished)
}

// Running is the comment while a run is under way: at which stage, by whom, and who is waited for, if it waits for a lock.
func Running(r promotion.Request, stage promotion.Stage, waiting *promotion.Holder, c Context) (marker, body string) {
	s := &summary{c: c.of(r)}
	where := r.Environment.Name
	if where == "" {
		where = r.App
	}
	s.add(always, "", fmt.Sprintf("### ⏳ %s is under way: %s\n\n", Text(clip(oneLine(where), longestVerdict)), Text(string(stage))))
	s.facts(promotion.Outcome{Request: r}, longestFact)
	if waiting != nil {
		s.add(details, "the holder of the lock", "- waiting for the lock, which is held by "+heldBy(marked{s.c}, *waiting)+"\n\n")
	}
	var names []string
	for _, key := range r.Keys() {
		names = append(names, Code(key))
	}
	if len(names) > 0 {
		s.add(details, "the names of the functions", listed(names, many, "function")+"\n\n")
	}
	s.add(always, "", "This comment is written anew when it is through.\n\n")
	return s.comment(r, time.Time{})
}

// comment closes a comment: with the run that wrote it, and with its marker.
func (s *summary) comment(r promotion.Request, at time.Time) (marker, body string) {
	marker = commentMarker(r, s.c)
	run := s.c.link(copyable(clip(runName(r.RunURL, r.Attempt), longestFact)), r.RunURL)
	rest := "The log of the run has them."
	var last []string
	if r.RunURL != "" {
		last = append(last, run)
		rest = "The rest: " + run + "."
	}
	if t := minute(at); t != "" {
		last = append(last, t)
	}
	end := marker + "\n"
	if len(last) > 0 {
		end = strings.Join(last, " · ") + "\n\n" + end
	}
	body = s.fit(fitting{limit: maxComment - len(end) - 1, order: leftOutOfComments, why: "GitHub's comments have a limit", rest: rest})
	return marker, body + "\n" + end
}

// commentMarker names the comment of a workflow and an environment. Nothing in it can end it.
func commentMarker(r promotion.Request, c Context) string {
	return hidden("comment", "app", r.App, "environment", r.Environment.Name, "workflow", c.Workflow)
}

// hidden is a comment of HTML with names and values that are foreign.
func hidden(what string, pairs ...string) string {
	var b strings.Builder
	b.WriteString("<!-- promote:" + what)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, " %s=%s", pairs[i], hiddenValue(pairs[i+1]))
	}
	return b.String() + " -->"
}

// hiddenValue spells foreign text with letters, digits and few signs. Two dashes never stand together: they could be
// read as an end.
func hiddenValue(s string) string {
	const longest = 200
	s = strings.ReplaceAll(url.QueryEscape(oneLine(s)), "--", "-%2D")
	s = strings.ReplaceAll(s, "--", "-%2D")
	if len(s) > longest {
		s = s[:longest]
	}
	return strings.TrimRight(s, "-")
}
