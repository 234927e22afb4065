package report

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidthSpace keeps a sign from being read together with what follows it.
const zeroWidthSpace = "\u200b"

// Text escapes text for a Markdown line or table cell, so that it shows as it is: no formatting, no HTML, no
// table border, no mention, no reference to an issue, no link. GitHub looks for mentions and references in the rendered
// text, where an entity would be a plain sign again; so those are broken by a zero-width space.
func Text(s string) string {
	var b strings.Builder
	for _, r := range visible(s) {
		switch {
		case r == '\n':
			b.WriteByte(' ')
		case r == '@' || r == '#':
			b.WriteRune(r)
			b.WriteString(zeroWidthSpace)
		case strings.ContainsRune("<>&|", r):
			b.WriteString(entity(r))
		case strings.ContainsRune("\\`*_{}[]()~!$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	text := b.String()
	// "GH-12" is a reference, and so is a link without any sign: http://..., www....
	for _, word := range []string{"GH-", "gh-", "Gh-", "gH-", "://", "www."} {
		text = strings.ReplaceAll(text, word, word[:len(word)-1]+zeroWidthSpace+word[len(word)-1:])
	}
	return text
}

// Code sets foreign text as code within a line. GitHub looks for neither mentions nor references there.
func Code(s string) string {
	flat := strings.ReplaceAll(visible(s), "\n", " ")
	if flat == "" {
		return ""
	}
	return "<code>" + codeText(flat) + "</code>"
}

// Block sets foreign text as a block of code. Blank lines would end an HTML block in Markdown, so line breaks are
// written as entities.
func Block(s string) string {
	text := strings.ReplaceAll(codeText(strings.TrimRight(visible(s), "\n")), "\n", "&#10;")
	return "<pre><code>" + text + "</code></pre>"
}

// codeText escapes what HTML and Markdown would read within code: a table's border and every sign of formatting.
func codeText(s string) string {
	var b strings.Builder
	for _, r := range html.EscapeString(s) {
		if strings.ContainsRune("|`*_[]()~!\\@:$", r) {
			b.WriteString(entity(r))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func entity(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" }

// visible drops what cannot be seen and would only deceive: control characters, marks that turn the direction of
// writing, and bytes that are no UTF-8. Line breaks stay, tabs become spaces.
func visible(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f':
			return -1
		}
		return r
	}, s)
}

// oneLine shows foreign text on a terminal: visible, on one line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(visible(s), "\n", " ")), " ")
}
