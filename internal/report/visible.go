package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The joiners belong to the spelling of Persian, of Indian scripts and of composed emoji.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// visible drops what cannot be seen and would only deceive: control characters, marks that turn the direction of
// writing, invisible letters, and bytes that are no UTF-8. Line breaks stay, other blanks become spaces.
func visible(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r <= '~' || r == '\n' || r == zeroWidthJoiner || r == zeroWidthNonJoiner:
			return r
		case r == '\t' || r == '\r' || r == '\u0085' || unicode.Is(unicode.Z, r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r):
			return -1
		}
		return r
	}, s)
}

// oneLine is text as it can be seen, on one line, with single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(visible(s)), " ") }

// width is how many columns a terminal gives to visible text.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r <= '~':
			n++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide tells whether a sign takes two columns: those of East Asia, and emoji (https://www.unicode.org/reports/tr11/).
func wide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff ||
		r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 ||
		r >= 0x1f300 && r <= 0x1f64f || r >= 0x1f680 && r <= 0x1f6ff || r >= 0x1f900 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd
}

// short cuts the middle out of visible text that takes more columns than that.
func short(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	runes := []rune(s)
	head, tail, room := 0, len(runes), columns-1
	for turn := 0; ; turn++ {
		i := head
		if turn%2 == 1 {
			i = tail - 1
		}
		if room -= width(string(runes[i])); room < 0 {
			return string(runes[:head]) + "…" + string(runes[tail:])
		}
		if turn%2 == 1 {
			tail--
		} else {
			head++
		}
	}
}

// clip cuts visible text to so many columns, and text that takes few of them for all of its signs too.
func clip(s string, columns int) string {
	const signs = 4 // to a column: letters of their own with what stands above and below them
	if runes := []rune(s); len(runes) > signs*columns {
		s = string(runes[:signs*columns]) + "…"
	}
	return short(s, columns)
}
