package report

import (
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Summary is the outcome as Markdown for the job summary: a verdict line that can be read by itself, the functions, the
// checks, then what was wrong with its evidence folded.
func Summary(o promotion.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s: %s\n\n", emoji(o.Kind), Text(string(o.Kind)), Text(o.Sentence))
	if facts := facts(o); facts != "" {
		fmt.Fprintf(&b, "%s\n\n", facts)
	}
	summaryFunctions(&b, o)
	summaryChecks(&b, o)
	for _, f := range o.Faults {
		summaryFault(&b, "❌", f)
	}
	for _, w := range o.Warnings {
		summaryFault(&b, "⚠️", w)
	}
	summaryEvidence(&b, o)
	summaryCommands(&b, o)
	return b.String()
}

func emoji(k promotion.Kind) string {
	switch mark(k) {
	case "✓":
		return "✅"
	case "!":
		return "🚨"
	}
	return "❌"
}

func facts(o promotion.Outcome) string {
	var facts []string
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, name+" "+value)
		}
	}
	add("app", Code(o.Request.App))
	if env := o.Request.Environment; env.Name != "" {
		add("environment", Code(env.Name))
		add("alias", Code(env.Alias))
		add("region", Code(env.Region))
	}
	if o.Request.Commit != "" {
		add("commit", Code(shortCommit(o.Request.Commit)))
	}
	add("release", Code(o.Request.Release))
	if o.Request.Actor != "" {
		add("by", Code(o.Request.Actor))
	}
	add("in", duration(o.Duration()))
	return strings.Join(facts, " · ")
}

func summaryFunctions(b *strings.Builder, o promotion.Outcome) {
	if len(o.Functions) == 0 || o.Functions[0].Action == "" {
		return
	}
	b.WriteString("| function | version | outcome | code | configuration |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range o.Functions {
		code := Code(f.Digest.Short())
		if f.Method == promotion.MethodUpload {
			code += " " + Text(strings.TrimSpace(f.Package.Origin+" "+size(f.Package.Size)))
		}
		configuration := ""
		if len(f.Changes) > 0 {
			configuration = Text(strings.TrimPrefix(changes(f.Changes), "configuration: "))
		}
		outcome := fate(o, f)
		if f.Drift != "" {
			outcome += " (drift)"
		}
		name := Code(f.Function)
		if f.Name != f.Function {
			name += " (" + Code(f.Name) + ")"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, versions(f), outcome, code, configuration)
	}
	b.WriteByte('\n')
}

func summaryChecks(b *strings.Builder, o promotion.Outcome) {
	if o.Request.VerifyNone && o.Request.Mode != promotion.ModeSetup {
		b.WriteString("**verify: none** — verification is switched off for this run.\n\n")
		return
	}
	if len(o.Checks) == 0 {
		return
	}
	b.WriteString("| check | function | version | verdict | time |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range o.Checks {
		version, function := "", ""
		if c.Version != 0 {
			version = c.Version.String()
		}
		if c.Function != "" {
			function = Code(c.Function)
		}
		time := ""
		if c.Skipped == "" {
			time = duration(c.Duration)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", Text(c.Check), function, version, verdict(c), time)
	}
	b.WriteByte('\n')
}

func summaryFault(b *strings.Builder, sign string, f promotion.Fault) {
	fmt.Fprintf(b, "%s ", sign)
	if place := f.Where.String(); place != "" {
		fmt.Fprintf(b, "%s: ", Code(place))
	}
	b.WriteString(Text(f.What))
	if f.Detail != "" {
		fmt.Fprintf(b, ": %s", Code(f.Detail))
	}
	if f.Accepted != "" {
		fmt.Fprintf(b, "<br>accepted: %s", Text(f.Accepted))
	}
	if f.Hint != "" {
		fmt.Fprintf(b, "<br>hint: %s", Text(f.Hint))
	}
	b.WriteString("\n\n")
}

func summaryEvidence(b *strings.Builder, o promotion.Outcome) {
	for _, c := range o.Checks {
		if c.Verdict == promotion.Pass || c.Skipped != "" || len(c.Evidence) == 0 {
			continue
		}
		fmt.Fprintf(b, "<details><summary>what %s saw</summary>\n\n", Text(c.Check))
		for _, e := range c.Evidence {
			fmt.Fprintf(b, "%s\n\n%s\n\n", Text(e.Name), Block(e.Text))
		}
		b.WriteString("</details>\n\n")
	}
}

func summaryCommands(b *strings.Builder, o promotion.Outcome) {
	title, listed := "roll back by hand", []string{}
	for _, f := range o.Functions {
		if f.Fate == promotion.FateUnknown || f.Fate == promotion.FateForeign {
			title = "look, and repair by hand"
		}
		listed = append(listed, f.Commands...)
	}
	if len(listed) == 0 {
		return
	}
	fmt.Fprintf(b, "<details><summary>%s</summary>\n\n%s\n\n</details>\n", title, Block(strings.Join(listed, "\n")))
}
