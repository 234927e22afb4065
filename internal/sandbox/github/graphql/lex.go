package graphql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lexeme is one token of a text. The kinds are name, int, float, string, and each mark as itself; end
// is "".
type lexeme struct {
	kind, text string
	at         Location
}

const marks = "!$&()[]{}:=@|"

type lexer struct {
	text         string
	pos          int
	line, column int
}

func (l *lexer) step(n int) {
	for range n {
		if l.text[l.pos] == '\n' {
			l.line, l.column = l.line+1, 0
		}
		l.pos++
		l.column++
	}
}

// next returns the next lexeme, skipping blanks, commas and comments.
func (l *lexer) next() (lexeme, *Error) {
	for l.pos < len(l.text) && strings.ContainsRune(" \t\r\n,#\ufeff", l.peek()) {
		if l.text[l.pos] != '#' {
			l.step(utf8.RuneLen(l.peek()))
			continue
		}
		for l.pos < len(l.text) && l.text[l.pos] != '\n' {
			l.step(1)
		}
	}
	at := Location{Line: l.line, Column: l.column}
	rest := l.text[l.pos:]
	take := func(kind string, n int) (lexeme, *Error) {
		l.step(n)
		return lexeme{kind: kind, text: rest[:n], at: at}, nil
	}
	switch {
	case rest == "":
		return lexeme{at: at}, nil
	case strings.HasPrefix(rest, "..."):
		return take("...", 3)
	case strings.IndexByte(marks, rest[0]) >= 0:
		return take(rest[:1], 1)
	case isLetter(rest[0]):
		n := 1
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
			n++
		}
		return take("name", n)
	case isDigit(rest[0]) || rest[0] == '-':
		n := 1
		for n < len(rest) && (isDigit(rest[n]) || strings.IndexByte(".eE+-", rest[n]) >= 0) {
			n++
		}
		if _, err := strconv.ParseInt(rest[:n], 10, 64); err == nil {
			return take("int", n)
		}
		if _, err := strconv.ParseFloat(rest[:n], 64); err == nil {
			return take("float", n)
		}
	case rest[0] == '"':
		return l.quoted(rest, at)
	}
	return lexeme{}, parseError(at, fmt.Sprintf("Unexpected character %q", l.peek()))
}

func (l *lexer) peek() rune {
	r, _ := utf8.DecodeRuneInString(l.text[l.pos:])
	return r
}

// quoted reads a string or a block string.
func (l *lexer) quoted(rest string, at Location) (lexeme, *Error) {
	if block, ok := strings.CutPrefix(rest, `"""`); ok {
		end := strings.Index(block, `"""`)
		if end < 0 {
			return lexeme{}, parseError(at, "Unterminated string")
		}
		l.step(end + 6)
		return lexeme{kind: "string", text: strings.TrimSpace(block[:end]), at: at}, nil
	}
	for n := 1; n < len(rest) && rest[n] != '\n'; n++ {
		switch rest[n] {
		case '\\':
			n++
		case '"':
			text, err := strconv.Unquote(strings.ReplaceAll(rest[:n+1], `\/`, `/`))
			if err != nil {
				return lexeme{}, parseError(at, "Bad escape in string")
			}
			l.step(n + 1)
			return lexeme{kind: "string", text: text, at: at}, nil
		}
	}
	return lexeme{}, parseError(at, "Unterminated string")
}

func isLetter(b byte) bool { return b == '_' || 'a' <= b|0x20 && b|0x20 <= 'z' }
func isDigit(b byte) bool  { return '0' <= b && b <= '9' }

func parseError(at Location, message string) *Error {
	return &Error{Message: fmt.Sprintf("%s at [%d, %d]", message, at.Line, at.Column), Locations: []Location{at}}
}
