package report

import (
	"encoding/json"
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
		for _, f := range env.Functions {
			if f.Err != nil {
				return true
			}
		}
	}
	return false
}

// Status shows environments on a terminal.
func Status(list []EnvironmentStatus) string {
	var b strings.Builder
	for i, env := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s · %s (alias %s, %s)\n", env.App, env.Environment.Name, env.Environment.Alias, env.Environment.Region)
		writeTable(&b, append([][]string{{"function", "holds", "code", "$LATEST"}}, statusRows(env)...))
		for _, f := range env.Functions {
			if f.Err != nil {
				writeFault(&b, "error", promotion.FaultOf(f.Err))
			}
		}
	}
	return b.String()
}

// StatusSummary shows environments as Markdown.
func StatusSummary(list []EnvironmentStatus) string {
	var b strings.Builder
	for _, env := range list {
		fmt.Fprintf(&b, "### %s · %s\n\nalias %s · region %s\n\n", Text(env.App), Text(env.Environment.Name), Code(env.Environment.Alias), Code(env.Environment.Region))
		b.WriteString("| function | holds | code | $LATEST |\n| --- | --- | --- | --- |\n")
		for _, row := range statusRows(env) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", Code(row[0]), Text(row[1]), Code(row[2]), Text(row[3]))
		}
		b.WriteByte('\n')
		for _, f := range env.Functions {
			if f.Err != nil {
				summaryFault(&b, "❌", promotion.FaultOf(f.Err))
			}
		}
	}
	return b.String()
}

// statusRows are the cells of each function: its key, what its alias holds, its code, how $LATEST differs.
func statusRows(env EnvironmentStatus) [][]string {
	var rows [][]string
	for _, f := range env.Functions {
		if f.Err != nil {
			rows = append(rows, []string{f.Function.Key, "?", "", ""})
			continue
		}
		holds, code, drift := "no alias", "", f.Drift
		if f.State.Routing != nil {
			holds = f.State.Routing.String()
		}
		if f.State.Stable != nil {
			code = f.State.Stable.Digest.Short()
			if drift == "" {
				drift = "the same"
			}
		}
		rows = append(rows, []string{f.Function.Key, holds, code, strings.TrimPrefix(drift, "$LATEST ")})
	}
	return rows
}

type statusDocument struct {
	App         string                   `json:"app"`
	Environment string                   `json:"environment"`
	Alias       string                   `json:"alias"`
	Region      string                   `json:"region"`
	Functions   []functionStatusDocument `json:"functions"`
}

type functionStatusDocument struct {
	Function     string             `json:"function"`
	Name         string             `json:"name"`
	Version      string             `json:"version"`
	Weights      map[string]float64 `json:"weights"`
	Digest       string             `json:"digest"`
	LatestDigest string             `json:"latest_digest"`
	Drift        string             `json:"drift"`
	Error        *faultDocument     `json:"error,omitempty"`
}

// StatusJSON shows environments to programs: a list, indented, ending in a line break.
func StatusJSON(list []EnvironmentStatus) []byte {
	docs := []statusDocument{}
	for _, env := range list {
		doc := statusDocument{App: env.App, Environment: env.Environment.Name, Alias: env.Environment.Alias, Region: env.Environment.Region, Functions: []functionStatusDocument{}}
		for _, f := range env.Functions {
			fd := functionStatusDocument{Function: f.Function.Key, Name: f.Function.Name, Weights: map[string]float64{}, LatestDigest: string(f.State.Latest.Digest), Drift: f.Drift}
			if r := f.State.Routing; r != nil {
				fd.Version = r.Version.String()
				for v, w := range r.Weights {
					fd.Weights[v.String()] = w
				}
			}
			if f.State.Stable != nil {
				fd.Digest = string(f.State.Stable.Digest)
			}
			if f.Err != nil {
				fd.Error = &faultsJSON([]promotion.Fault{promotion.FaultOf(f.Err)})[0]
			}
			doc.Functions = append(doc.Functions, fd)
		}
		docs = append(docs, doc)
	}
	out, _ := json.MarshalIndent(docs, "", "  ")
	return append(out, '\n')
}
