package report

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// zeroWidthSpace keeps a sign from being read together with what follows it.
const zeroWidthSpace = "\u200b"

// Text shows foreign text as it is, within a line of Markdown, a table's cell or an HTML block: no formatting, no HTML,
// no table border, no mention, no reference to an issue, no link, no formula, no emoji. It is one line.
//
// Signs of Markdown are written as entities, which never have a meaning there
// (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references). GitHub looks for mentions, references, emoji
// and formulas in the rendered text, where an entity is a plain sign again; those are broken by a zero-width space or by an
// element of their own.
func Text(s string) string {
	runes := []rune(oneLine(s))
	var b strings.Builder
	for i, r := range runes {
		switch {
		case r == '@' || r == '#':
			b.WriteString(string(r) + zeroWidthSpace)
		case r == '$' || r == ':' && beginsEmoji(runes[i+1:]):
			b.WriteString("<span>" + string(r) + "</span>")
		case strings.ContainsRune("<>&|\\`*[]~", r), r == '_' && !within(runes, i), i == 0 && strings.ContainsRune("-+=:", r), listNumber(runes, i):
			b.WriteString(entity(r))
		default:
			b.WriteRune(r)
		}
	}
	return direction("span", joints.ReplaceAllStringFunc(b.String(), broken), s)
}

// beginsEmoji tells whether what follows a colon could be the name of an emoji: up to the next colon, or up to the end,
// after which one of ours may stand.
func beginsEmoji(rest []rune) bool {
	n := 0
	for n < len(rest) && (rest[n] == '_' || rest[n] == '+' || rest[n] == '-' || letter(rest[n])) {
		n++
	}
	return n > 0 && (n == len(rest) || rest[n] == ':')
}

// joints are where words are broken that are a reference ("GH-12") or a link (https://..., www....) without any sign.
var joints = regexp.MustCompile(`(?i)GH-|www\.|://`)

// broken is a joint with a space of no width in it.
func broken(joint string) string {
	at := strings.IndexAny(joint, "-./")
	return joint[:at] + zeroWidthSpace + joint[at:]
}

// within tells whether the sign stands between letters, where Markdown sees an underscore as one of them.
func within(runes []rune, i int) bool {
	return i > 0 && i < len(runes)-1 && letter(runes[i-1]) && letter(runes[i+1])
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// listNumber tells whether the sign would end the number of a list's item: "1." or "1)" at the beginning.
func listNumber(runes []rune, i int) bool {
	if i == 0 || i > 9 || runes[i] != '.' && runes[i] != ')' {
		return false
	}
	for _, r := range runes[:i] {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// Code sets foreign text as code within a line of Markdown, a table's cell or an HTML block. GitHub looks for neither
// mentions nor references there. It is "" for text of which nothing can be seen.
func Code(s string) string {
	flat := oneLine(s)
	if flat == "" {
		return ""
	}
	// GitHub's Markdown makes a link of what looks like an e-mail's address after it has resolved entities.
	return direction("code", strings.ReplaceAll(codeText(flat), entity('@'), entity('@')+"<wbr>"), s)
}

// Block sets foreign text as a block of code. Line breaks are written as entities, so that the block is one line of
// Markdown and can stand anywhere that a line can begin.
func Block(s string) string {
	text := strings.ReplaceAll(codeText(strings.Trim(visible(s), "\n")), "\n", entity('\n'))
	return "<pre>" + direction("code", text, s) + "</pre>"
}

// codeText escapes what HTML and Markdown would read within code.
func codeText(s string) string {
	return dottedWWW.ReplaceAllString(codeSigns.Replace(s), "$1"+entity('.'))
}

var (
	codeSigns = entities("<>&|`*_[]~\\@:$")
	dottedWWW = regexp.MustCompile(`(?i)(www)\.`)
)

// entities replaces each of the signs by its entity.
func entities(signs string) *strings.Replacer {
	var pairs []string
	for _, r := range signs {
		pairs = append(pairs, string(r), entity(r))
	}
	return strings.NewReplacer(pairs...)
}

func entity(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" }

// direction puts escaped text into an element. One with letters that run from right to left is set apart, so that it
// does not turn around what stands beside it; a span is needed for nothing else.
func direction(element, escaped, original string) string {
	switch {
	case strings.IndexFunc(original, rightToLeft) >= 0:
		return "<" + element + ` dir="auto">` + escaped + "</" + element + ">"
	case element == "span":
		return escaped
	}
	return "<" + element + ">" + escaped + "</" + element + ">"
}

func rightToLeft(r rune) bool {
	const first = 0x590 // Hebrew's
	return r >= first && unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
}

// prose shows one of our own sentences, which may quote foreign text: what stands in backticks is set as code, the rest
// as [copyable].
func prose(s string) string {
	pieces := strings.Split(oneLine(s), "`")
	if len(pieces)%2 == 0 {
		return copyable(s)
	}
	var b strings.Builder
	for i, piece := range pieces {
		if i%2 == 1 {
			b.WriteString(Code(piece))
		} else {
			b.WriteString(copyable(piece))
		}
	}
	return b.String()
}

// addresses are what a person would copy: URLs, ARNs, the digests of images.
var addresses = regexp.MustCompile(`(?:\b(?:https?|s3)://|\barn:)[^\s"'<>()]*[^\s"'<>(),.;:!?]|[^\s"'<>()]+@sha256:[0-9a-f]+`)

// copyable shows text as [Text], but for addresses, which are set as code: nothing is put into them.
func copyable(s string) string {
	s = strings.ReplaceAll(visible(s), "\n", " ")
	var b strings.Builder
	at := 0
	for _, m := range addresses.FindAllStringIndex(s, -1) {
		b.WriteString(spaced(s[at:m[0]]) + Code(s[m[0]:m[1]]))
		at = m[1]
	}
	b.WriteString(spaced(s[at:]))
	return b.String()
}

// spaced is a piece of a sentence as [Text], with the spaces at its ends.
func spaced(s string) string {
	text := Text(s)
	if strings.HasPrefix(s, " ") {
		text = " " + text
	}
	if strings.HasSuffix(s, " ") && strings.TrimSpace(s) != "" {
		text += " "
	}
	return text
}
