package notify

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const ellipsis = "…"

// clean makes text valid UTF-8 without control characters, which neither XML nor a terminal takes, and without those
// that turn the direction of what follows. Lines stay.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r == '\r':
			return -1
		case unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == 0xfffe || r == 0xffff:
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// oneLine is clean text without line breaks and runs of space.
func oneLine(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// cut shortens valid UTF-8 to at most n bytes, and shows that it did.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	n -= len(ellipsis)
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + ellipsis
}

// ascii is one line of text in the characters of ASCII, for a subject.
func ascii(text string) string {
	text = strings.NewReplacer("→", "->", "←", "<-", "…", "...", "–", "-", "—", "-", "“", `"`, "”", `"`, "‘", "'", "’", "'", "·", "-", "•", "-").Replace(oneLine(text))
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}

// webLink is the link as it may stand in a message, "" where it is no web page's.
func webLink(link string) string {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	u.User = nil
	return strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", " ", "%20").Replace(clean(u.String()))
}
