package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Terminal is the outcome as a person reads it at the end of a log: the functions, the checks, what was wrong and what
// to do, and the verdict last, where the eye is.
func Terminal(o promotion.Outcome) string {
	var b strings.Builder
	writeFunctions(&b, o)
	writeChecks(&b, o)
	for _, w := range o.Warnings {
		writeFault(&b, "warning", w)
	}
	for _, f := range o.Faults {
		writeFault(&b, "error", f)
	}
	for _, f := range o.Functions {
		if f.Fate == promotion.FateUnknown || f.Fate == promotion.FateForeign {
			for _, c := range f.Commands {
				fmt.Fprintf(&b, "  $ %s\n", c)
			}
		}
	}
	if o.Endpoints != nil && o.Endpoints.Exists {
		fmt.Fprintf(&b, "  latest endpoint       %s\n", o.Endpoints.LatestURL)
		if o.Request.Environment.Name != "" && o.Endpoints.EnvironmentURL != "" {
			fmt.Fprintf(&b, "  %-21s %s\n", o.Request.Environment.Name+" endpoint", o.Endpoints.EnvironmentURL)
		}
	}
	fmt.Fprintf(&b, "%s %s: %s (%s)\n", mark(o.Kind), o.Kind, oneLine(o.Sentence), duration(o.Duration()))
	return b.String()
}

func writeFunctions(b *strings.Builder, o promotion.Outcome) {
	rows := [][]string{}
	for _, f := range o.Functions {
		if f.Action == "" && f.Fate == promotion.FateKept {
			continue // not reached: the faults say why
		}
		note := ""
		switch {
		case f.Drift != "":
			note = f.Drift
		case f.Method == promotion.MethodUpload:
			note = strings.TrimSpace(f.Package.Origin + " " + size(f.Package.Size))
		case len(f.Changes) > 0:
			note = changes(f.Changes)
		}
		rows = append(rows, []string{f.Function, versions(f), fate(o, f), oneLine(note)})
	}
	writeTable(b, rows)
}

func writeChecks(b *strings.Builder, o promotion.Outcome) {
	rows := [][]string{}
	for _, c := range o.Checks {
		sign, note := "✓", duration(c.Duration)
		switch {
		case c.Skipped != "":
			sign, note = "-", "skipped: "+c.Skipped
		case c.Err != nil:
			sign, note = "!", "could not be asked"
		case c.Verdict != promotion.Pass:
			sign, note = "✗", c.Reason
		}
		rows = append(rows, []string{sign + " " + oneLine(c.Check), oneLine(note)})
	}
	if o.Request.VerifyNone && len(o.Functions) > 0 && o.Request.Mode != promotion.ModeSetup {
		rows = append(rows, []string{"! verify: none", "verification is switched off"})
	}
	writeTable(b, rows)
	for _, c := range o.Checks {
		if c.Verdict != promotion.Pass && c.Skipped == "" {
			for _, e := range c.Evidence {
				fmt.Fprintf(b, "    %s, %s:\n", oneLine(c.Check), e.Name)
				for line := range strings.SplitSeq(strings.TrimRight(visible(e.Text), "\n"), "\n") {
					fmt.Fprintf(b, "      | %s\n", line)
				}
			}
		}
	}
}

func writeFault(b *strings.Builder, level string, f promotion.Fault) {
	fmt.Fprintf(b, "  %s: ", level)
	if place := f.Where.String(); place != "" {
		fmt.Fprintf(b, "%s: ", place)
	}
	b.WriteString(oneLine(f.What))
	if f.Detail != "" {
		fmt.Fprintf(b, ": %s", oneLine(f.Detail))
	}
	b.WriteByte('\n')
	if f.Accepted != "" {
		fmt.Fprintf(b, "    accepted: %s\n", oneLine(f.Accepted))
	}
	if f.Hint != "" {
		fmt.Fprintf(b, "    hint: %s\n", oneLine(f.Hint))
	}
}

// changes names the fields of a configuration that change.
func changes(diffs []promotion.Difference) string {
	var names []string
	for _, d := range diffs {
		names = append(names, d.Field)
	}
	if len(names) > 4 {
		names = append(names[:4], fmt.Sprintf("%d more", len(names)-4))
	}
	return "configuration: " + strings.Join(names, ", ")
}

// writeTable sets rows in columns, two spaces in.
func writeTable(b *strings.Builder, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			line += " " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
