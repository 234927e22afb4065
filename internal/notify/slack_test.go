package notify_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/notify"
)

func TestSlackShowsTheMessage(t *testing.T) {
	p := rendered(t, promoted())
	want := ":large_green_circle: *promoted: shop in prod, 2 functions*\ncheckout 41 → 42\npayments 7 → 8\n<https://github.com/octo-org/shop/actions/runs/1?attempt=2&amp;check=3|Read more>"
	if p.Text != want {
		t.Errorf("text %q\nwant %q", p.Text, want)
	}
	if len(p.Blocks) != 3 || p.Blocks[1].Text.Text != "checkout 41 → 42\npayments 7 → 8" {
		t.Errorf("blocks %+v", p.Blocks)
	}
	wellFormed(t, p)
	bad := rendered(t, notify.Message{Title: "failed"})
	if bad.Text != ":red_circle: *failed*" || len(bad.Blocks) != 1 {
		t.Errorf("bad news: %+v", bad)
	}
	if empty := rendered(t, notify.Message{Lines: []string{"", " "}}); empty.Text != ":red_circle:" || len(empty.Blocks) != 1 {
		t.Errorf("no news: %+v", empty)
	}
}

// mark-up that Slack acts upon, and words that others take for a call.
var (
	slackMarkup = regexp.MustCompile(`<[^>]*>`)
	calls       = regexp.MustCompile(`(^|[^\pL\pN])@[\pL\pN]`)
)

// wellFormed holds for every payload: Slack takes it, and nothing in it but our link has a meaning.
func wellFormed(t *testing.T, p payload) {
	t.Helper()
	if len(p.Text) > 40_000 || p.Text == "" || len(p.Blocks) == 0 || len(p.Blocks) > 50 {
		t.Errorf("%d bytes, %d blocks", len(p.Text), len(p.Blocks))
	}
	texts := []string{p.Text}
	for _, b := range p.Blocks {
		if b.Type != "section" || b.Text.Type != "mrkdwn" || !b.Text.Verbatim {
			t.Errorf("block %+v", b)
		}
		if len(b.Text.Text) > 3_000 || strings.TrimSpace(b.Text.Text) == "" {
			t.Errorf("a block of %d bytes", len(b.Text.Text))
		}
		texts = append(texts, b.Text.Text)
	}
	for _, text := range texts {
		for _, m := range slackMarkup.FindAllString(text, -1) {
			if !strings.HasPrefix(m, "<http") || !strings.HasSuffix(m, "|Read more>") {
				t.Errorf("mark-up %q got out", m)
			}
		}
		if strings.Count(text, "<") > 1 || strings.Count(text, "<") != strings.Count(text, ">") {
			t.Errorf("angles in %.200q", text)
		}
		for i := range len(text) {
			if text[i] != '&' {
				continue
			}
			rest := text[i:]
			if !strings.HasPrefix(rest, "&amp;") && !strings.HasPrefix(rest, "&lt;") && !strings.HasPrefix(rest, "&gt;") {
				t.Errorf("an entity was cut: %.40q", rest)
			}
		}
		if c := calls.FindString(text[:strings.LastIndexByte("\n"+text, '\n')]); c != "" {
			t.Errorf("a call %q got out", c)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\u202e") {
			t.Errorf("not fit to be shown: %.200q", text)
		}
	}
}

func TestSlackTakesNoOrders(t *testing.T) {
	for name, m := range map[string]notify.Message{
		"calls":              {Title: "<!channel> @here", Lines: []string{"<!here|all> <@U123> <#C1> <!subteam^S1>", "@channel, (@everyone) x@y @@all"}},
		"links":              {Title: "<https://evil.example|Sign in>", Lines: []string{"<mailto:a@b.c|x>", "https://evil.example"}},
		"entities":           {Title: "&lt;!channel&gt; & <", Lines: []string{"&#60;!here&#62;"}},
		"breaks":             {Title: "a\n<!here>\r\nb", Lines: []string{"a\nb\r\n\x1b[2J\u202ec\x00"}},
		"a hostile link":     {Title: "t", Link: "https://x.example/|<!channel>>?a=\x00&b=|"},
		"a link with a user": {Title: "t", Link: "https://user:hush@x.example/"},
		"a very long link":   {Title: "t", Link: "https://x.example/" + strings.Repeat("a&", 5_000)},
		"a very long title":  {Title: strings.Repeat("<&>", 5_000)},
		"a very long line":   {Title: "t", Lines: []string{strings.Repeat("&", 100_000), "after"}},
		"very many lines":    {Title: "t", Lines: strings.Split(strings.Repeat("checkout <41> → 42\n", 10_000), "\n")},
		"many broad lines":   {Title: "t", Lines: strings.Split(strings.Repeat(strings.Repeat("→", 520)+"\n", 300), "\n")},
	} {
		t.Run(name, func(t *testing.T) {
			p := rendered(t, m)
			wellFormed(t, p)
			if strings.Contains(p.Text, "hush") {
				t.Errorf("text %q", p.Text)
			}
		})
	}
	p := rendered(t, notify.Message{Title: "t", Lines: strings.Split(strings.TrimSuffix(strings.Repeat("0123456789\n", 10_000), "\n"), "\n"), Link: "https://x.example"})
	if !strings.HasSuffix(p.Text, "\n… (lines left out: 6910)\n<https://x.example|Read more>") {
		t.Errorf("the end of a long text: %q", p.Text[len(p.Text)-100:])
	}
}

func FuzzSlack(f *testing.F) {
	f.Add("<!channel>", "@here\n&lt;", "https://x.example/<a|b>")
	f.Add("", "\xff\u202e\r\n", "http://")
	f.Fuzz(func(t *testing.T, title, lines, link string) {
		wellFormed(t, rendered(t, notify.Message{Title: title, Lines: []string{lines, title}, Link: link}))
	})
}
