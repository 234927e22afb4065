package actions

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Say writes a line to the log. Text of others may be in it.
func (s *Step) Say(format string, args ...any) {
	s.write(s.lines("", fmt.Sprintf(format, args...)))
}

// Debug writes a line that the runner shows when debug logging is on. Outside of Actions it is nothing.
func (s *Step) Debug(format string, args ...any) {
	if s.inside && s.Debugging() {
		s.write(command("debug", visible(s.redacted(fmt.Sprintf(format, args...))), nil))
	}
}

// Foreign writes text of others, a function's log for instance, as a block in which the runner reads no commands.
func (s *Step) Foreign(text string) { s.write(s.foreign(text)) }

func (s *Step) foreign(text string) string {
	if text == "" {
		return ""
	}
	block := s.lines("  ", text)
	if !s.inside {
		return block
	}
	token := unguessable()
	return command("stop-commands", token, nil) + block + command(token, "", nil)
}

// A Group is the log of one piece of work, kept together. Inside Actions it appears as a whole, folded, when it is
// closed, so that pieces of work that run at the same time do not mix; elsewhere each line appears at once, named.
type Group struct {
	step  *Step
	title string

	mu   sync.Mutex
	text strings.Builder
}

// Group begins a piece of work.
func (s *Step) Group(title string) *Group { return &Group{step: s, title: oneLine(s.redacted(title))} }

// Say writes a line to the group.
func (g *Group) Say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !g.step.inside {
		g.step.write(g.step.lines(g.title+": ", text))
		return
	}
	g.add(g.step.lines("", text))
}

// Foreign writes text of others to the group.
func (g *Group) Foreign(text string) {
	block := g.step.foreign(text)
	if !g.step.inside {
		g.step.write(block)
		return
	}
	g.add(block)
}

func (g *Group) add(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.text.WriteString(text)
}

// Close shows the group. One that nothing was written to is not shown. It may be used and closed again.
func (g *Group) Close() {
	g.mu.Lock()
	text := g.text.String()
	g.text.Reset()
	g.mu.Unlock()
	if text != "" {
		g.step.write(command("group", g.title, nil) + text + command("endgroup", "", nil))
	}
}

// lines makes each line of a text inert and visible, with something in front and without secrets. A carriage return
// ends a line too, since it does for the runner.
func (s *Step) lines(indent, text string) string {
	text = strings.TrimRight(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s.redacted(text)), "\n")
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(inert(indent + visible(line)))
		b.WriteByte('\n')
	}
	return b.String()
}

// oneLine is a text on one line.
func oneLine(text string) string { return visible(strings.Join(strings.Fields(text), " ")) }

// visible shows what would not be seen, or would steer a terminal, by its escape. Tabs and newlines stay.
func visible(text string) string {
	clean := func(r rune) bool { return r == '\t' || r == '\n' || r != utf8.RuneError && unicode.IsPrint(r) }
	if strings.IndexFunc(text, func(r rune) bool { return !clean(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if clean(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// unguessable is a random word of 128 bits.
func unguessable() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(b[:])
}
