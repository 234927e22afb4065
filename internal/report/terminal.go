package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Terminal is the outcome as a person reads it at the end of a log: what it was about, the functions, the checks, what
// was wrong and what to do, and the verdict last, where the eye is.
func Terminal(o promotion.Outcome) string {
	p := &page{}
	if about := about(o); about != "" {
		p.section(wrap(about, "  ", "  ")...)
	}
	p.section(table(functionRows(o))...)
	p.section(table(checkRows(o))...)
	var addresses [][]string
	for _, e := range endpoints(o) {
		addresses = append(addresses, []string{e.name, e.value})
	}
	p.section(table(addresses)...)
	p.section(faultLines(o, "warning", o.Warnings)...)
	p.section(faultLines(o, "error", o.Faults)...)
	if list := repairs(o); len(list) > 0 {
		lines := []string{"  " + repairTitle(o)}
		for _, c := range list {
			lines = append(lines, "    $ "+oneLine(c))
		}
		p.section(lines...)
	}
	p.section(remarkLines(o)...)
	p.section(fmt.Sprintf("%s %s · %s", mark(o), verdictLine(o), duration(o.Duration())))
	return p.String()
}

// remarkLines are what else there is to say, each with its block, if it has one.
func remarkLines(o promotion.Outcome) []string {
	var lines []string
	for _, r := range remarks(o, plain{}) {
		lines = append(lines, wrap(r.text, "  ", "    ")...)
		if r.block != "" {
			for line := range strings.SplitSeq(visible(r.block), "\n") {
				lines = append(lines, "    "+line)
			}
		}
	}
	return lines
}

// about is a line of what the run was about: "shop · prod (alias live, eu-west-1) · commit 4f0c1d2 · release ...".
func about(o promotion.Outcome) string {
	env := o.Request.Environment
	var words, where []string
	for _, name := range []string{o.Request.App, env.Name} {
		if name = oneLine(name); name != "" {
			words = append(words, name)
		}
	}
	if alias := oneLine(env.Alias); alias != "" {
		where = append(where, "alias "+alias)
	}
	if region := oneLine(env.Region); region != "" {
		where = append(where, region)
	}
	line := strings.Join(words, " · ")
	if len(where) > 0 {
		line = strings.TrimSpace(line + " (" + strings.Join(where, ", ") + ")")
	}
	if commit := oneLine(shortCommit(o.Request.Commit)); commit != "" {
		line += " · commit " + commit
	}
	if release := oneLine(o.Request.Release); release != "" {
		line += " · release " + release
	}
	return strings.TrimPrefix(line, " · ")
}

// functionRows are a row for each function. Among many, those whose alias stayed where it was are counted.
func functionRows(o promotion.Outcome) [][]string {
	if !planned(o) {
		return nil // the faults say why
	}
	var rows [][]string
	for _, f := range o.Functions {
		if !crowded(o, f) {
			rows = append(rows, []string{short(oneLine(f.Function), 64), versions(o, f), fate(o, f), note(f)})
		}
	}
	return append(rows, crowdRows(o)...)
}

func crowdRows(o promotion.Outcome) [][]string {
	var rows [][]string
	for _, c := range crowds(o) {
		rows = append(rows, []string{c.title(o), "", "", ""})
	}
	return rows
}

// note says what changes of a function: its code, its configuration.
func note(f promotion.FunctionOutcome) string {
	note := code(f)
	if list := changes(f.Changes, 4); len(list) > 0 {
		note = strings.TrimPrefix(note+"; configuration: "+strings.Join(list, ", "), "; ")
	}
	return note
}

// checkRows are a row for each check. Among many they are counted: a fault tells of each that did not pass.
func checkRows(o promotion.Outcome) [][]string {
	var rows [][]string
	if t := tallied(o); t.all > many {
		rows = t.rows()
	} else {
		for _, c := range vouchers(o) {
			rows = append(rows, terminalCheck(o, c))
		}
	}
	if unverified(o) {
		rows = append(rows, []string{"! verify: none", "", "verification is switched off"})
	}
	return rows
}

func terminalCheck(o promotion.Outcome, c promotion.CheckResult) []string {
	sign, note, version := "✓", took(c), ""
	switch {
	case c.Skipped != "":
		sign, note = "-", cmp.Or(checkNote(o, c), "skipped")
	case c.Err != nil:
		sign, note = "!", verdict(c)
	case red(c):
		sign, note = "✗", fmt.Sprintf("%s (%s)", verdict(c), took(c))
		if why := checkNote(o, c); why != "" {
			note += ": " + why
		}
	}
	if c.Tests != nil && c.Skipped == "" {
		note = strings.TrimPrefix(note+": "+testCounts(*c.Tests), ": ")
	}
	if c.Version != 0 {
		version = "version " + c.Version.String()
	}
	const longest = 48
	return []string{sign + " " + short(oneLine(c.Check), longest), version, note}
}

// faultLines tell faults: each with its place and all of its text, what would be accepted, advice, and what was seen. The
// fault itself stays on one line, however long: it is what people search a log for.
func faultLines(o promotion.Outcome, level string, faults []promotion.Fault) []string {
	var lines []string
	for i, f := range faults {
		text := oneLine(f.What)
		if place := oneLine(f.Where.String()); place != "" {
			text = place + ": " + text
		}
		lines = append(lines, "  "+level+": "+text)
		if f.Detail != "" {
			lines = append(lines, wrap(oneLine(f.Detail), "    detail: ", "      ")...)
		}
		if f.Accepted != "" {
			lines = append(lines, wrap(oneLine(f.Accepted), "    accepted: ", "      ")...)
		}
		if adviceHere(faults, i) {
			lines = append(lines, wrap(oneLine(f.Hint), "    hint: ", "      ")...)
		}
		lines = append(lines, evidenceLines(evidenceOf(o, f))...)
	}
	return lines
}

// adviceHere tells whether a fault's hint is to be told after it. Faults in a row that have the same one share it: it
// stands after the last of them.
func adviceHere(faults []promotion.Fault, i int) bool {
	return faults[i].Hint != "" && (i == len(faults)-1 || faults[i+1].Hint != faults[i].Hint)
}

// evidenceLines show what a check saw: short things on their line, long ones as they are, set apart.
func evidenceLines(list []promotion.Evidence) []string {
	var lines []string
	for _, e := range list {
		name, text := oneLine(e.Name), strings.Trim(visible(e.Text), "\n")
		if brief(text) {
			lines = append(lines, fmt.Sprintf("    %s: %s", name, text))
			continue
		}
		lines = append(lines, fmt.Sprintf("    %s:", name))
		for line := range strings.SplitSeq(text, "\n") {
			for _, piece := range chop(line, columns-8) {
				lines = append(lines, "      | "+piece)
			}
		}
	}
	return lines
}

// brief tells whether evidence fits on a line beside its name.
func brief(text string) bool { return !strings.Contains(text, "\n") && width(text) <= 80 }
