package check

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// reportText reads a report as UTF-8 that an XML parser takes: without byte order mark and declaration, in whatever of
// the usual encodings it is, and with U+FFFD for what no XML may hold, since tests print terminal codes and broken text.
type reportText struct {
	ctx    context.Context
	in     *bufio.Reader
	single bool // one byte is one character
	head   []byte
}

var declaredEncoding = regexp.MustCompile(`encoding\s*=\s*["']([^"']*)["']`)

// newReportText looks at the beginning of the report to learn its encoding.
func newReportText(ctx context.Context, r io.Reader) (*reportText, error) {
	t := &reportText{ctx: ctx, in: bufio.NewReaderSize(r, 32<<10)}
	start, _ := t.in.Peek(512) // what cannot be read is told by the first Read
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return nil, unknownEncoding("UTF-16")
	}
	mark := bytes.HasPrefix(start, []byte("\xef\xbb\xbf"))
	if mark {
		_, _ = t.in.Discard(3) // it was peeked
		start = start[3:]
	}
	if !bytes.HasPrefix(start, []byte("<?xml")) {
		return t, nil
	}
	end := bytes.Index(start, []byte("?>"))
	if end < 0 {
		return t, nil // cut off, or no XML: the parser says so
	}
	declaration := start[:end+2]
	if m := declaredEncoding.FindSubmatch(declaration); m != nil && !mark {
		switch label := strings.ToLower(string(m[1])); label {
		case "", "utf-8", "utf8", "us-ascii", "ascii":
		case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "windows-1252", "cp1252":
			t.single = true
		default:
			return nil, unknownEncoding(string(m[1]))
		}
	}
	// The parser counts lines, so the declaration's own have to stay.
	t.head = bytes.Repeat([]byte("\n"), bytes.Count(declaration, []byte("\n")))
	_, _ = t.in.Discard(len(declaration)) // it was peeked
	return t, nil
}

func unknownEncoding(label string) error {
	return brokenReport(fmt.Sprintf("is encoded in %s: UTF-8, US-ASCII, ISO-8859-1 and windows-1252 can be read", secrets(nil).quote(label)))
}

// Read fills p as far as whole characters fit.
func (t *reportText) Read(p []byte) (n int, err error) {
	if t.ctx.Err() != nil {
		return 0, context.Cause(t.ctx)
	}
	if len(t.head) > 0 {
		n = copy(p, t.head)
		t.head = t.head[n:]
		return n, nil
	}
	if len(p) < utf8.UTFMax {
		return 0, io.ErrShortBuffer
	}
	for len(p)-n >= utf8.UTFMax {
		r, err := t.next()
		if err != nil {
			if n > 0 {
				return n, nil // it comes again
			}
			return 0, err
		}
		n += utf8.EncodeRune(p[n:], r)
	}
	return n, nil
}

func (t *reportText) next() (rune, error) {
	if t.single {
		b, err := t.in.ReadByte()
		if b >= 0x80 && b < 0xa0 {
			return windows1252[b-0x80], err
		}
		return allowedInXML(rune(b)), err
	}
	r, _, err := t.in.ReadRune()
	return allowedInXML(r), err
}

// allowedInXML is the character, or U+FFFD: https://www.w3.org/TR/xml/#charsets.
func allowedInXML(r rune) rune {
	switch {
	case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
		return utf8.RuneError
	}
	return r
}

// windows1252 are the characters of the bytes 0x80 to 0x9f. Browsers read ISO-8859-1, which has control characters in
// their place, like that too: https://encoding.spec.whatwg.org/#names-and-labels.
var windows1252 = [32]rune{
	'€', utf8.RuneError, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', utf8.RuneError, 'Ž', utf8.RuneError,
	utf8.RuneError, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', utf8.RuneError, 'ž', 'Ÿ',
}
