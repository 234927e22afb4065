package actions

import (
	"fmt"
	"strconv"
	"unicode/utf16"
)

// A Level is how serious an annotation is.
type Level string

const (
	Error   Level = "error"
	Warning Level = "warning"
	Notice  Level = "notice"
)

// An Annotation is a message that GitHub shows on the run's page, and beside the line of a file if it names one.
type Annotation struct {
	Level        Level // [Error] if it is none of the three
	Title        string
	File         string // relative to the repository's root; "" for none
	Line, Column int    // from 1; 0 for unknown
	Message      string
}

// GitHub shows ten annotations of each level a step, of at most this many characters, and drops the rest without
// a word.
const (
	maxAnnotations = 10
	maxMessage     = 4096
)

// A tally is the annotations of one level so far. The last place is kept until [Step.Finish] knows whether one
// or several are to share it.
type tally struct {
	shown int
	last  Annotation
	more  int // that wait for the last place
}

// Annotate shows an annotation. Those for which there is no place are lines of the log, and are counted in the
// last one. Outside of Actions it is a line.
func (s *Step) Annotate(a Annotation) {
	if s.notes[a.Level] == nil {
		a.Level = Error
	}
	if !s.inside {
		s.write(s.lines("", a.line()))
		return
	}
	a.Title, a.Message = s.redacted(a.Title), s.redacted(a.Message)
	s.mu.Lock()
	t := s.notes[a.Level]
	place := t.shown < maxAnnotations-1
	if place {
		t.shown++
	} else {
		t.last = a
		t.more++
	}
	s.mu.Unlock()
	if place {
		s.write(a.command())
		return
	}
	s.write(s.lines("", a.line()))
}

// Finish shows what waits for the last places. Call it when all has been said; it may be called again.
func (s *Step) Finish() {
	for _, level := range []Level{Error, Warning, Notice} {
		s.mu.Lock()
		waiting := *s.notes[level]
		s.notes[level].more = 0
		s.mu.Unlock()
		switch waiting.more {
		case 0:
		case 1:
			s.write(waiting.last.command())
		default:
			s.write(Annotation{Level: level, Message: fmt.Sprintf("and %d more: see the log of this step", waiting.more)}.command())
		}
	}
}

func (a Annotation) command() string {
	properties := map[string]string{}
	if a.Title != "" {
		properties["title"] = oneLine(a.Title)
	}
	if a.File != "" {
		properties["file"] = oneLine(a.File)
		if a.Line > 0 {
			properties["line"] = strconv.Itoa(a.Line)
		}
		if a.Line > 0 && a.Column > 0 {
			properties["col"] = strconv.Itoa(a.Column)
		}
	}
	return command(string(a.Level), cut(visible(a.Message), maxMessage), properties)
}

// line is the annotation for a reader of the log.
func (a Annotation) line() string {
	text := string(a.Level) + ": "
	if a.File != "" {
		text += a.File
		if a.Line > 0 {
			text += ":" + strconv.Itoa(a.Line)
		}
		if a.Line > 0 && a.Column > 0 {
			text += ":" + strconv.Itoa(a.Column)
		}
		text += ": "
	}
	if a.Title != "" {
		text += oneLine(a.Title) + ": "
	}
	return text + a.Message
}

// cut shortens text to so many characters, counted as the runner counts them: in UTF-16.
func cut(text string, limit int) string {
	if length(text) <= limit {
		return text
	}
	n := 0
	for i, r := range text {
		if n += utf16.RuneLen(r); n > limit-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// length is the number of UTF-16 units of a text.
func length(text string) int {
	n := 0
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}
