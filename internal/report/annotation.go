package report

import (
	"cmp"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A Level is how serious an annotation is, in the words of GitHub's workflow commands.
type Level string

const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// An Annotation is a message on the page of the workflow's run, and beside the line of a file if it names one. Its texts
// are foreign: whoever writes workflow commands escapes them.
type Annotation struct {
	Level        Level
	Title        string
	Message      string
	File         string // "" for none
	Line, Column int    // 0 for unknown
}

// Annotations are what is worth telling on the page of the run: each fault, each warning, and what else a person has to
// know without opening the summary. A fault of a run that is green is a warning, and being superseded is a notice.
func Annotations(o promotion.Outcome) []Annotation {
	level := LevelError
	switch {
	case o.Kind == promotion.Superseded:
		level = LevelNotice
	case o.ExitCode() == 0:
		level = LevelWarning
	}
	var list []Annotation
	for _, f := range o.Faults {
		list = append(list, annotationOf(level, f))
	}
	whole := func(level Level, text string) {
		list = append(list, Annotation{Level: level, Title: annotationTitle, Message: oneLine(text)})
	}
	if o.Kind == promotion.Superseded || level == LevelError && len(o.Faults) == 0 {
		text := verdictLine(o)
		if o.Holder != nil {
			text += "; " + holderIs(o) + " " + heldBy(plain{}, *o.Holder)
		}
		whole(level, text)
	}
	for _, r := range o.Repairs {
		whole(LevelWarning, repaired(r, plain{}))
	}
	if s := someNames(plain{}, unproven(o)); s != "" && o.ExitCode() == 0 {
		whole(LevelWarning, "provenance unproven: nothing shows where the code of "+s+" came from")
	}
	if s := someNames(plain{}, adopted(o)); s != "" {
		whole(LevelNotice, "adopted as the baseline: what "+s+" held was not promoted by promote")
	}
	for _, f := range o.Warnings {
		list = append(list, annotationOf(LevelWarning, f))
	}
	return list
}

const annotationTitle = "promote"

// annotationOf tells a fault, with what would be accepted and advice on lines of their own.
func annotationOf(level Level, f promotion.Fault) Annotation {
	a := Annotation{Level: level, Title: annotationTitle, Message: oneLine(cmp.Or(f.What, f.Detail))}
	if f.Where.Input == "" {
		a.File, a.Line, a.Column = oneLine(f.Where.File), f.Where.Line, f.Where.Column
	} else {
		a.Message = oneLine(f.Where.String()) + ": " + a.Message
	}
	if f.Detail != "" && f.What != "" {
		a.Message += ": " + oneLine(f.Detail)
	}
	var lines strings.Builder
	if f.Accepted != "" {
		lines.WriteString("\naccepted: " + oneLine(f.Accepted))
	}
	if f.Hint != "" {
		lines.WriteString("\nhint: " + oneLine(f.Hint))
	}
	a.Message += lines.String()
	return a
}
