package check

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxEvidence is how many bytes one piece of evidence may have, and maxQuote those of a quotation in a reason.
const (
	maxEvidence = 2048
	maxQuote    = 160
)

// secrets are texts that a request carried and that nobody may see in what came back.
type secrets []string

// newSecrets prepares the values for scrubbing: an endpoint that echoes its request may spell them in base64,
// in a URL or in JSON, and of "Bearer abc" it may show the abc alone.
func newSecrets(values ...string) secrets {
	var all secrets
	add := func(s string) {
		if s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, v := range values {
		forms := []string{v, strings.TrimSpace(v)}
		if i := strings.LastIndexByte(v, ' '); i >= 0 && len(v)-i > 6 {
			forms = append(forms, v[i+1:])
		}
		for _, f := range forms {
			add(f)
			if len(f) < 4 {
				continue // its other spellings would blot out half of an innocent text
			}
			add(url.QueryEscape(f))
			add(url.PathEscape(f))
			add(base64.StdEncoding.EncodeToString([]byte(f)))
			add(base64.RawURLEncoding.EncodeToString([]byte(f)))
			if quoted, err := json.Marshal(f); err == nil {
				add(string(quoted[1 : len(quoted)-1]))
			}
		}
	}
	// The longest first, so that no part of one is left standing where another one was cut out of it.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// shown is foreign text that may be seen. It is scrubbed again after cleaning, which can bring two parts of a
// secret together.
func (s secrets) shown(text string) string { return s.scrub(clean(s.scrub(text))) }

func (s secrets) scrub(text string) string {
	for _, v := range s {
		text = strings.ReplaceAll(text, v, "***")
	}
	return text
}

// evidence makes a piece of evidence of foreign text: scrubbed, valid UTF-8, cut at its end.
func (s secrets) evidence(name, text string) promotion.Evidence {
	return promotion.Evidence{Name: name, Text: cutEnd(s.shown(text), maxEvidence)}
}

// tail is like evidence, but keeps the end of the text: the last lines of a log say why it ended.
func (s secrets) tail(name, text string) promotion.Evidence {
	return promotion.Evidence{Name: name, Text: cutStart(s.shown(text), maxEvidence)}
}

// quote brings foreign text into one short line that may stand in a reason.
func (s secrets) quote(text string) string {
	line := strings.Join(strings.Fields(s.shown(text)), " ")
	return cutEnd(s.scrub(line), maxQuote)
}

// clean makes text valid UTF-8 without control characters, which could drive a terminal or a log parser.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return -1
		case unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control):
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

const ellipsis = "…"

// cutEnd shortens valid UTF-8 to at most n bytes, and shows that it did.
func cutEnd(text string, n int) string {
	if len(text) <= n {
		return text
	}
	n -= len(ellipsis)
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + ellipsis
}

// cutStart does the same from the other side.
func cutStart(text string, n int) string {
	if len(text) <= n {
		return text
	}
	from := len(text) - n + len(ellipsis)
	for !utf8.RuneStart(text[from]) {
		from++
	}
	return ellipsis + text[from:]
}
