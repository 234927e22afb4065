package report

import (
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An EnvironmentStatus is what one environment holds.
type EnvironmentStatus struct {
	App         string
	Environment promotion.Environment
	Functions   []promotion.FunctionStatus
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

// Status shows environments on a terminal.
func Status(list []EnvironmentStatus) string {
	p := &page{}
	for _, env := range list {
		rows := [][]string{{"function", "alias holds", "code", "$LATEST"}}
		for _, r := range statusRows(env) {
			rows = append(rows, []string{r.function, r.holds, r.code, r.latest})
		}
		lines := wrap(about(env.asOutcome()), "", "  ")
		if len(rows) > 1 {
			lines = append(lines, table(rows)...)
		} else {
			lines = append(lines, "  no functions")
		}
		p.section(append(lines, faultLines(promotion.Outcome{}, "error", unread(env))...)...)
	}
	return p.String()
}

// StatusSummary shows environments as Markdown.
func StatusSummary(list []EnvironmentStatus) string {
	s := &summary{}
	for _, env := range list {
		s.add(always, "", fmt.Sprintf("### %s %s\n\n", Text(env.App), Text(env.Environment.Name)))
		s.add(always, "", fmt.Sprintf("alias %s · region %s\n\n", Code(env.Environment.Alias), Code(env.Environment.Region)))
		s.faults(promotion.Outcome{}, "❌ ", unread(env), always)
		if len(env.Functions) > 0 {
			s.add(always, "", "| function | alias holds | code | "+Text("$LATEST")+" |\n| --- | --- | --- | --- |\n")
			for _, r := range statusRows(env) {
				s.add(rows, "functions", fmt.Sprintf("| %s | %s | %s | %s |\n", Code(r.function), Text(r.holds), Code(r.code), Text(r.latest)))
			}
			s.add(always, "", "\n")
		}
	}
	return s.fit(maxSummary)
}

// asOutcome gives an environment the form that its facts are told of.
func (env EnvironmentStatus) asOutcome() promotion.Outcome {
	return promotion.Outcome{Request: promotion.Request{App: env.App, Environment: env.Environment}}
}

// A statusRow is what there is to see of one function.
type statusRow struct{ function, holds, code, latest string }

func statusRows(env EnvironmentStatus) []statusRow {
	var list []statusRow
	for _, f := range env.Functions {
		r := statusRow{function: oneLine(f.Function.Key)}
		switch st := f.State; {
		case f.Err != nil:
			r.holds = "?" // a fault says why
		case st.Routing == nil:
			r.holds = "no alias"
		default:
			r.holds = st.Routing.String()
			if st.Stable != nil {
				r.code = oneLine(st.Stable.Digest.Short())
				r.latest = "the same"
			}
			if f.Drift != "" {
				r.latest = strings.TrimPrefix(oneLine(f.Drift), "$LATEST ")
			}
		}
		list = append(list, r)
	}
	return list
}

// StatusJSON shows environments to programs: a list as [Schema] describes it, indented, ending in a line break.
func StatusJSON(list []EnvironmentStatus) []byte {
	docs := []environmentStatusDocument{}
	for _, env := range list {
		doc := environmentStatusDocument{App: env.App, Environment: env.Environment.Name, Alias: env.Environment.Alias, Region: env.Environment.Region, Functions: []functionStatusDocument{}}
		for _, f := range env.Functions {
			doc.Functions = append(doc.Functions, functionStatus(f))
		}
		docs = append(docs, doc)
	}
	return indented(docs)
}

func functionStatus(f promotion.FunctionStatus) functionStatusDocument {
	doc := functionStatusDocument{
		Function: f.Function.Key, Name: f.Function.Name, Weights: map[string]float64{},
		LatestDigest: string(f.State.Latest.Digest), Drift: f.Drift,
	}
	if r := f.State.Routing; r != nil {
		doc.Version = versionText(r.Version)
		for v, w := range r.Weights {
			doc.Weights[versionText(v)] = w
		}
	}
	if f.State.Stable != nil {
		doc.Digest = string(f.State.Stable.Digest)
	}
	if f.Err != nil {
		doc.Error = &faultDocuments([]promotion.Fault{promotion.FaultOf(f.Err)})[0]
	}
	return doc
}
