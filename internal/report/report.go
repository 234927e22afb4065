// Package report turns an outcome, and what the ledger has, into what people and programs read: the end of a log, the job
// summary, the comment on a pull request, release notes, annotations, notifications, outputs, JSON, status and history.
// Every face is a pure function, held by golden files.
//
// A person reads the verdict, what was wrong and what to do about it, what changed, and what vouches for it; nothing
// is told twice. Each face has a limit; where there is too much, what matters least is left out first, and the report says so.
//
// Text from outside (responses, log tails, titles, branches, AWS's messages, names that were refused) is foreign: [Text],
// [Code] and [Block] show it as it is, and it never becomes formatting, HTML, a mention, a reference, a hidden marker or a
// workflow command. Links are made of what we know to be a commit, a comparison or a run on the one server, and of nothing else.
package report

import (
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// verdictLine is the outcome with its sentence, for a log, where the outcome's name is looked for.
func verdictLine(o promotion.Outcome) string {
	if sentence := oneLine(o.Sentence); sentence != "" {
		return string(o.Kind) + ": " + sentence
	}
	return string(o.Kind)
}

// headline is the outcome with its sentence, for a reader: without the outcome's name where the sentence says it anyway.
func headline(o promotion.Outcome) string {
	if sentence := oneLine(o.Sentence); strings.Contains(sentence, strings.ReplaceAll(string(o.Kind), "-", " ")) {
		return sentence
	}
	return verdictLine(o)
}

// mark is the sign before an outcome on a terminal.
func mark(o promotion.Outcome) string {
	switch {
	case o.Kind == promotion.Superseded:
		return "»"
	case o.ExitCode() == 0:
		return "✓"
	case o.Kind == promotion.NeedsAttention:
		return "!"
	}
	return "✗"
}

// emoji is the sign before an outcome in Markdown.
func emoji(o promotion.Outcome) string {
	return map[string]string{"»": "⏭️", "✓": "✅", "!": "🚨", "✗": "❌"}[mark(o)]
}

// A fact is one thing that is known about a run as a whole.
type fact struct{ name, value string }

// facts are what the run was about. How long it took is only of interest where there is something else.
func facts(o promotion.Outcome) []fact {
	env := o.Request.Environment
	all := []fact{{"app", o.Request.App}, {"environment", env.Name}}
	if env.Alias != env.Name {
		all = append(all, fact{"alias", env.Alias})
	}
	all = append(all, fact{"region", env.Region}, fact{"commit", shortCommit(o.Request.Commit)},
		fact{"release", o.Request.Release}, fact{"by", o.Request.Actor})
	known := all[:0]
	for _, f := range all {
		if f.value = oneLine(f.value); f.value != "" {
			known = append(known, f)
		}
	}
	return known
}

// unverified tells whether verification was switched off for something that it would have concerned.
func unverified(o promotion.Outcome) bool {
	return o.Request.VerifyNone && o.Request.Mode != promotion.ModeSetup && planned(o)
}

// planned tells whether the run came as far as a plan, so that there is something to say about each function.
func planned(o promotion.Outcome) bool {
	for _, f := range o.Functions {
		if f.Action != "" {
			return true
		}
	}
	return false
}

// endpoints are the addresses of the app, as far as there are any.
func endpoints(o promotion.Outcome) []fact {
	if o.Endpoints == nil || !o.Endpoints.Exists {
		return nil
	}
	var list []fact
	if url := oneLine(o.Endpoints.LatestURL); url != "" {
		list = append(list, fact{"latest endpoint", url})
	}
	if url := oneLine(o.Endpoints.EnvironmentURL); url != "" && o.Request.Environment.Name != "" {
		list = append(list, fact{oneLine(o.Request.Environment.Name) + " endpoint", url})
	}
	return list
}

// repairs are the commands for the aliases that a person has to look after, and rollbacks those that undo what was
// promoted, in the order of the functions.
func repairs(o promotion.Outcome) []string {
	return commands(o, promotion.FateUnknown, promotion.FateForeign)
}

// repairTitle says what the repairs are for.
func repairTitle(o promotion.Outcome) string {
	for _, f := range o.Functions {
		if f.Fate == promotion.FateUnknown {
			return "to look, and to repair by hand:"
		}
	}
	return "to look at what somebody else has done:"
}

func rollbacks(o promotion.Outcome) []string { return commands(o, promotion.FateMoved) }

func commands(o promotion.Outcome, fates ...promotion.Fate) []string {
	var list []string
	for _, f := range o.Functions {
		for _, fate := range fates {
			if f.Fate == fate {
				list = append(list, f.Commands...)
			}
		}
	}
	return list
}
