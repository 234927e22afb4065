package report

import (
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A voice says foreign things in the way of one face, so that a sentence is composed once for all of them. Words of
// our own stand between them as they are.
type voice interface {
	name(s string) string               // a name, a version, an input: code where there is such a thing
	text(s string) string               // what somebody wrote
	command(s string) string            // within a sentence
	commit(repository, s string) string // short, with a link where there is one
	span(from, to string) string        // what lies between two commits
	run(url, attempt string) string     // a run by its number
}

// A plain voice speaks to a terminal, or to wherever nothing is formatted.
type plain struct{}

func (plain) name(s string) string      { return oneLine(s) }
func (plain) text(s string) string      { return oneLine(s) }
func (plain) command(s string) string   { return "`" + strings.ReplaceAll(oneLine(s), "`", "'") + "`" }
func (plain) commit(_, s string) string { return oneLine(shortCommit(s)) }
func (plain) span(from, to string) string {
	return oneLine(shortCommit(from) + "..." + shortCommit(to))
}
func (plain) run(url, attempt string) string {
	if attempt = oneLine(attempt); attempt != "" && attempt != "1" {
		return oneLine(url) + " (attempt " + attempt + ")"
	}
	return oneLine(url)
}

// A marked voice speaks Markdown.
type marked struct{ Context }

func (marked) name(s string) string    { return Code(clip(oneLine(s), longestFact)) }
func (marked) text(s string) string    { return Text(clip(oneLine(s), longestSentence)) }
func (marked) command(s string) string { return Code(s) }

func (m marked) commit(repository, s string) string {
	if repository == "" {
		repository = m.Repository
	}
	return m.link(Code(shortCommit(s)), m.commitURL(repository, s))
}

func (m marked) span(from, to string) string { return m.between(from, to) }

func (m marked) run(url, attempt string) string {
	return m.link(copyable(runName(url, attempt)), strings.TrimSpace(url))
}

// heldBy says who holds a lock.
func heldBy(v voice, h promotion.Holder) string {
	var words []string
	add := func(before, said string) {
		if said != "" {
			words = append(words, before+said)
		}
	}
	add("", v.name(h.Actor))
	add("", v.run(h.RunURL, h.Attempt))
	add("of ", v.name(h.Repository))
	if h.Commit != "" {
		add("commit ", v.commit(h.Repository, h.Commit))
	}
	add("at the stage ", v.text(string(h.Stage)))
	add("since ", minute(h.Since))
	if len(words) == 0 {
		return "somebody who left no name"
	}
	return strings.Join(words, ", ")
}

// someNames are the first few of many names.
func someNames(v voice, list []string) string {
	const shown = 5
	var names []string
	for i, n := range list {
		if i == shown && len(list) > shown+1 {
			names = append(names, plural(len(list)-shown, "more function"))
			break
		}
		names = append(names, v.name(n))
	}
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
