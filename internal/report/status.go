package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An EnvironmentStatus is what one environment holds, and what the ledger and the lock say of it.
type EnvironmentStatus struct {
	App         string
	Environment promotion.Environment
	Functions   []promotion.FunctionStatus
	Ledger      bool              // the ledger was asked: a function without a record was never promoted
	Open        *promotion.Intent // what somebody is about to do, or has left half done
	Holder      *promotion.Holder // of the environment's lock; nil if nobody has it
	At          time.Time         // when all this was read; ages count from here
}

// Unread tells whether anything could not be read.
func Unread(list []EnvironmentStatus) bool {
	for _, env := range list {
		if len(unread(env)) > 0 {
			return true
		}
	}
	return false
}

// unread are the faults of the functions that could not be read, each of them once: what keeps the account closed is
// the same for all.
func unread(env EnvironmentStatus) []promotion.Fault {
	var faults []promotion.Fault
	told := map[promotion.Fault]bool{}
	for _, f := range env.Functions {
		if f.Err == nil {
			continue
		}
		if fault := promotion.FaultOf(f.Err); !told[fault] {
			told[fault] = true
			faults = append(faults, fault)
		}
	}
	return faults
}

// latestAndDrift is the head of the column that tells how $LATEST stands to the version, and what is not as recorded.
const latestAndDrift = "$LATEST, drift"

// Status shows environments on a terminal.
func Status(list []EnvironmentStatus) string {
	p := &page{}
	for _, env := range list {
		rows := [][]string{{"function", "alias holds", "code", "commit", "promoted", latestAndDrift}}
		for _, r := range statusRows(env) {
			rows = append(rows, []string{r.function, r.holds, r.code, oneLine(shortCommit(r.commit)), r.age, r.drift})
		}
		lines := wrap(about(env.asOutcome()), "", "  ")
		withoutEmpty(rows)
		if len(rows) > 1 {
			lines = append(lines, table(rows)...)
		} else {
			lines = append(lines, "  no functions")
		}
		for _, note := range statusNotes(env, plain{}) {
			lines = append(lines, wrap(note, "  ", "    ")...)
		}
		p.section(append(lines, faultLines(promotion.Outcome{}, "error", unread(env))...)...)
	}
	return p.String()
}

// withoutEmpty takes the heads off columns in which nothing stands, so that they take no room.
func withoutEmpty(rows [][]string) {
	for i := range rows[0] {
		empty := true
		for _, r := range rows[1:] {
			empty = empty && r[i] == ""
		}
		if empty {
			rows[0][i] = ""
		}
	}
}

// StatusSummary shows environments as Markdown.
func StatusSummary(list []EnvironmentStatus, c Context) string {
	s := &summary{c: c}
	for _, env := range list {
		s.add(always, "", fmt.Sprintf("### %s %s\n\n", Text(env.App), Text(env.Environment.Name)))
		var words []string
		for _, f := range []fact{{"alias", env.Environment.Alias}, {"region", env.Environment.Region}} {
			if code := Code(f.value); code != "" {
				words = append(words, f.name+" "+code)
			}
		}
		if len(words) > 0 {
			s.add(always, "", strings.Join(words, " · ")+"\n\n")
		}
		for _, note := range statusNotes(env, marked{c}) {
			s.add(always, "", "- "+note+"\n\n")
		}
		s.faults(promotion.Outcome{}, "❌ ", unread(env), faulty)
		var lines []row
		for _, r := range statusRows(env) {
			lines = append(lines, row{rows, "functions", []string{Code(r.function), Text(r.holds), Code(r.code), c.between("", r.commit), Text(r.age), Text(r.drift)}})
		}
		s.table([]string{"function", "alias holds", "code", "commit", "promoted", Text(latestAndDrift)}, lines)
	}
	return s.fit(summaryFitting)
}

// asOutcome gives an environment the form that its facts are told of.
func (env EnvironmentStatus) asOutcome() promotion.Outcome {
	return promotion.Outcome{Request: promotion.Request{App: env.App, Environment: env.Environment}}
}

// statusNotes are who holds the lock, and what is half done.
func statusNotes(env EnvironmentStatus, v voice) []string {
	var notes []string
	if env.Holder != nil {
		notes = append(notes, "the lock is held by "+heldBy(v, *env.Holder))
	}
	if e := env.Open; e != nil {
		text := "a promotion of " + plural(len(e.Entry.Moves), "function") + " is under way, or was left half done"
		if e.Entry.RunURL != "" {
			text += ": " + v.run(e.Entry.RunURL, e.Entry.Attempt)
		}
		notes = append(notes, text)
	}
	return notes
}
