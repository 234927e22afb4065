package dynamodb

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The kinds of tokens. Punctuation and operators are their own kind: "(", "<=", ...
const (
	tokenEnd     = "<EOF>"
	tokenName    = "name"  // a bare attribute or function name
	tokenAlias   = "#"     // #placeholder
	tokenValue   = ":"     // :placeholder
	tokenDigits  = "0"     // a list index
	tokenKeyword = "word"  // AND, OR, NOT, BETWEEN, IN, SET, REMOVE, ADD, DELETE
	tokenStray   = "stray" // a character that starts no token
)

// A token is a piece of an expression, with where it stands.
type token struct {
	kind       string
	text       string // as written; the upper case of a keyword is in word
	word       string
	start, end int
}

// lex cuts an expression into tokens; the last one is the end. Nothing is refused here: a character
// that starts no token becomes a stray one, and the parser names it with its neighbours, as AWS does.
func lex(source string) []token {
	var tokens []token
	for at := 0; at < len(source); {
		c := source[at]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			at++
			continue
		}
		t := token{start: at}
		switch {
		case letter(c):
			t.kind, at = tokenName, run(source, at, wordByte)
			switch word := strings.ToUpper(source[t.start:at]); word {
			case "AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE":
				t.kind, t.word = tokenKeyword, word
			}
		case digit(c):
			t.kind, at = tokenDigits, run(source, at, digit)
		case (c == '#' || c == ':') && run(source, at+1, wordByte) > at+1:
			t.kind, at = string(c), run(source, at+1, wordByte)
		case strings.HasPrefix(source[at:], "<>"), strings.HasPrefix(source[at:], "<="), strings.HasPrefix(source[at:], ">="):
			t.kind, at = source[at:at+2], at+2
		case strings.IndexByte("=<>()[].,+-", c) >= 0:
			t.kind, at = string(c), at+1
		default:
			_, width := utf8.DecodeRuneInString(source[at:])
			t.kind, at = tokenStray, at+width
		}
		t.end, t.text = at, source[t.start:at]
		tokens = append(tokens, t)
	}
	return append(tokens, token{kind: tokenEnd, text: tokenEnd, start: len(source), end: len(source)})
}

func run(source string, at int, in func(byte) bool) int {
	for at < len(source) && in(source[at]) {
		at++
	}
	return at
}

func letter(c byte) bool   { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool    { return c >= '0' && c <= '9' }
func wordByte(c byte) bool { return letter(c) || digit(c) || c == '_' }

// A fault is what is wrong with an expression or a value, in AWS's words, without the name of the
// parameter that holds it. Inside the parser it travels as a panic, up to the one recover in parse.
type fault struct{ text string }

func (f fault) Error() string { return f.text }

func faultf(format string, args ...any) fault { return fault{fmt.Sprintf(format, args...)} }

// syntaxFault names the token at i with its neighbours.
func syntaxFault(source string, tokens []token, i int) fault {
	from, to := tokens[i].start, tokens[i].end
	if i > 0 {
		from = tokens[i-1].start
	} else if tokens[i].kind == tokenEnd {
		from = 0
	}
	if i+1 < len(tokens) && tokens[i+1].kind != tokenEnd {
		to = tokens[i+1].end
	}
	return faultf("Syntax error; token: \"%s\", near: \"%s\"", tokens[i].text, source[from:to])
}
