package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A History is what was promoted to one environment, newest first.
type History struct {
	Scope   promotion.Scope
	Entries []promotion.Entry
}

// HistoryTable shows histories on a terminal.
func HistoryTable(list []History) string {
	p := &page{}
	for _, h := range list {
		rows := [][]string{{"entry", "at", "what", "commit", "by", "functions"}}
		for _, e := range h.Entries {
			what := entryWords(e)
			if e.Reason != "" {
				what += ": " + clip(oneLine(e.Reason), 40)
			}
			rows = append(rows, []string{fmt.Sprint(e.Number), minute(e.At), what, oneLine(shortCommit(e.Source.Commit)), clip(oneLine(e.Actor), 24), moves(e, plain{})})
		}
		lines := []string{strings.Join(strings.Fields(oneLine(h.Scope.App)+" · "+oneLine(h.Scope.Environment)), " ")}
		if len(rows) == 1 {
			lines = append(lines, "  nothing is recorded")
		} else {
			lines = append(lines, table(rows)...)
		}
		p.section(lines...)
	}
	return p.String()
}

// HistorySummary shows histories as Markdown.
func HistorySummary(list []History, c Context) string {
	s := &summary{c: c}
	for _, h := range list {
		s.add(always, "", fmt.Sprintf("### %s %s\n\n", Text(h.Scope.App), Text(h.Scope.Environment)))
		if len(h.Entries) == 0 {
			s.add(always, "", "Nothing is recorded.\n\n")
		}
		var lines []row
		for _, e := range h.Entries {
			here := c.at(&e)
			what := Text(entryWords(e))
			if e.Reason != "" {
				what += ": " + Text(clip(oneLine(e.Reason), longestSentence))
			}
			verified := ""
			if e.Unproved != "" {
				verified = "**" + Text(e.Unproved) + "**"
			} else if n := len(e.Proofs); n > 0 {
				verified = plural(n, "check")
			}
			commit := here.link(Code(shortCommit(e.Source.Commit)), here.commitURL(here.Repository, e.Source.Commit))
			lines = append(lines, row{rows, "entries", []string{fmt.Sprint(e.Number), minute(e.At), what, moves(e, marked{here}), commit, verified, (&summary{c: here}).runBy(&e)}})
		}
		s.table([]string{"entry", "at", "what", "functions", "commit", "verified by", "run"}, lines)
	}
	return s.fit(summaryFitting)
}

// moves are the versions of an entry: "checkout 41 → 42, payments 17 → 18".
func moves(e promotion.Entry, v voice) string {
	var list []string
	for _, m := range e.Moves {
		list = append(list, fmt.Sprintf("%s %s → %s", v.name(m.Function), m.From, m.To))
	}
	return listed(list, few, "function")
}

type environmentHistoryDocument struct {
	App         string          `json:"app"`
	Environment string          `json:"environment"`
	Entries     []entryDocument `json:"entries" doc:"newest first"`
}

type entryDocument struct {
	Number    int             `json:"number"`
	Kind      string          `json:"kind" values:"entries"`
	At        time.Time       `json:"at"`
	ReleaseID string          `json:"release_id,omitempty"`
	Commit    string          `json:"commit,omitempty"`
	Ref       string          `json:"ref,omitempty"`
	RunURL    string          `json:"run_url,omitempty"`
	Actor     string          `json:"actor,omitempty"`
	Reason    string          `json:"reason,omitempty" doc:"why a person wanted it; foreign text"`
	Repaired  string          `json:"repaired,omitempty" doc:"the run that wrote it for one that had died"`
	Undoes    []int           `json:"undoes,omitempty" doc:"the numbers of the entries that were taken back"`
	Unproved  string          `json:"unproved,omitempty" doc:"why nothing was verified"`
	Checks    []checkDocument `json:"checks"`
	Functions []moveDocument  `json:"functions"`
}

type moveDocument struct {
	Function   string `json:"function"`
	Name       string `json:"name"`
	From       string `json:"from" doc:"empty if there was no alias"`
	To         string `json:"to"`
	FromCommit string `json:"from_commit,omitempty" doc:"what was promoted before"`
	FromDigest string `json:"from_digest,omitempty"`
	Digest     string `json:"digest,omitempty"`
	Adopted    bool   `json:"adopted" doc:"whether what was there before had not been promoted"`
	Result     string `json:"result,omitempty" doc:"where the alias was left"`
}

// HistoryJSON shows histories to programs: a list as [Schema] describes it, indented, ending in a line break.
func HistoryJSON(list []History) []byte {
	docs := []environmentHistoryDocument{}
	for _, h := range list {
		doc := environmentHistoryDocument{App: h.Scope.App, Environment: h.Scope.Environment, Entries: []entryDocument{}}
		for _, e := range h.Entries {
			doc.Entries = append(doc.Entries, entryOfHistory(e))
		}
		docs = append(docs, doc)
	}
	return indented(docs)
}

func entryOfHistory(e promotion.Entry) entryDocument {
	doc := entryDocument{
		Number: int(e.Number), Kind: string(e.Kind), At: e.At.UTC().Truncate(time.Millisecond), ReleaseID: e.Release, Commit: e.Source.Commit,
		Ref: e.Ref, RunURL: e.RunURL, Actor: e.Actor, Reason: e.Reason, Repaired: e.Repaired, Unproved: e.Unproved,
		Checks: checkDocuments(proofs(e.Proofs)), Functions: []moveDocument{},
	}
	for _, n := range e.Undoes {
		doc.Undoes = append(doc.Undoes, int(n))
	}
	for _, m := range e.Moves {
		doc.Functions = append(doc.Functions, moveDocument{
			Function: m.Function, Name: m.Name, From: versionText(m.From), To: versionText(m.To), FromCommit: m.FromSource.Commit,
			FromDigest: string(m.FromDigest), Digest: string(m.Digest), Adopted: m.Adopted, Result: string(m.Fate),
		})
	}
	return doc
}
