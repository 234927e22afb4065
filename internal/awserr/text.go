package awserr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDetail is how much of AWS's message a person gets to see, in characters.
const maxDetail = 600

// Clean makes foreign text fit to stand in a sentence: one line, nothing unprintable, of a sensible length.
func Clean(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case space && b.Len() > 0:
			b.WriteByte(' ')
		}
		space = false
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	if runes := []rune(b.String()); len(runes) > maxDetail {
		return string(runes[:maxDetail-1]) + "…"
	}
	return b.String()
}
