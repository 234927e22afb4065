package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// github renders Markdown as GitHub does: with tables, strikethrough, task lists and links that nothing marks; HTML stays.
var github = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe(), html.WithXHTML()))

// A rendering is what a browser shows of Markdown: its elements, and its texts in and outside of code.
type rendering struct {
	elements map[string]int
	all      string // every text
	code     []string
	plain    []string // the texts outside of code, each as far as no element divides it
}

func render(t testing.TB, markdown string) rendering {
	t.Helper()
	var b strings.Builder
	if err := github.Convert([]byte(markdown), &b); err != nil {
		t.Fatalf("render: %v", err)
	}
	page := strings.NewReplacer("<br>", "<br/>", "<wbr>", "<wbr/>").Replace(b.String())
	r := rendering{elements: map[string]int{}}
	d := xml.NewDecoder(strings.NewReader("<page>" + page + "</page>"))
	d.Entity = xml.HTMLEntity
	var text strings.Builder
	depth := 0 // in code
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			r.all = text.String()
			return r
		}
		if err != nil {
			t.Fatalf("the HTML is not well formed: %v\n%s\n--- of\n%s", err, page, markdown)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			for _, a := range token.Attr {
				ours := a.Name.Local == "dir" && a.Value == "auto" || name == "a" && a.Name.Local == "href" && ourLink.MatchString(a.Value)
				if !ours {
					t.Fatalf("<%s> has the attribute %s=%q\n%s", name, a.Name.Local, a.Value, markdown)
				}
			}
			r.elements[name]++
			if name == "code" {
				depth++
				r.code = append(r.code, "")
			}
		case xml.EndElement:
			if token.Name.Local == "code" {
				depth--
			}
		case xml.CharData:
			text.Write(token)
			if depth > 0 {
				r.code[len(r.code)-1] += string(token)
			} else {
				r.plain = append(r.plain, string(token))
			}
		case xml.Comment, xml.ProcInst, xml.Directive:
			t.Fatalf("the HTML has a comment\n%s", markdown)
		}
	}
}

// ourLink is where links may lead: to the pages of the repository that the stories are told of, and to who made changes.
var ourLink = regexp.MustCompile(`^https://github\.com/(octo-org/[a-z]+/(compare/[0-9a-f]+\.\.\.[0-9a-f]+|commit/[0-9a-f]+|actions/runs/[0-9]+|(pull|issues)/[0-9]+)|[A-Za-z0-9-]+)$`)

// What GitHub makes more of in text outside of code, element by element.
var (
	mention   = regexp.MustCompile(`@[A-Za-z0-9]`)
	reference = regexp.MustCompile(`#[0-9]|(?i:\bgh)-[0-9]`)
	link      = regexp.MustCompile(`(?i)https?://|\bwww\.[a-z0-9]`)
	formula   = regexp.MustCompile(`\$[^$]+\$`)
	emojiName = regexp.MustCompile(`:[a-z0-9_+-]+:`)
)

// harmless fails the test where foreign text has become more than text.
func harmless(t testing.TB, markdown string, elements ...string) rendering {
	t.Helper()
	r := render(t, markdown)
	for name := range r.elements {
		if !slices.Contains(elements, name) {
			t.Fatalf("there is an element <%s>\n%s", name, markdown)
		}
	}
	for _, text := range r.plain {
		for _, harm := range []*regexp.Regexp{mention, reference, link, formula, emojiName} {
			if found := harm.FindString(text); found != "" {
				t.Fatalf("%q is there outside of code\n%s", found, markdown)
			}
		}
	}
	borders := 0
	for line := range strings.SplitSeq(markdown, "\n") {
		if n := strings.Count(line, "|"); !strings.HasPrefix(line, "|") {
			borders = 0
		} else if borders == 0 {
			borders = n
		} else if n != borders {
			t.Fatalf("a row has %d borders, and the head of its table %d: %s", n, borders, line)
		}
		if strings.Contains(line, "-->") || strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Fatalf("a marker or a workflow command is in the line %q", line)
		}
	}
	return r
}

const zeroWidthSpace = "\u200b"

// seen is text as a reader sees it: on a line, without what cannot be seen.
func seen(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, zeroWidthSpace, "")), " ")
}

// letters is what remains of text without spaces and without backticks, which reports turn into code.
func letters(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("`", "", zeroWidthSpace, "").Replace(report.OneLine(s))), "")
}

func FuzzTextShowsForeignTextAsItIs(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, s string) {
		want := report.OneLine(s)
		for _, frame := range []string{"%", "- %", "### %", "| a | b |\n| --- | --- |\n| % | c |", "<details><summary>%</summary>\n\nx\n\n</details>"} {
			r := harmless(t, strings.Replace(frame, "%", report.Text(s), 1), "page", "p", "span", "h3", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary")
			if strings.HasPrefix(frame, "|") && (r.elements["td"] != 2 || r.elements["tr"] != 2) {
				t.Fatalf("the table is torn: %v\n%s", r.elements, report.Text(s))
			}
			if !strings.Contains(seen(r.all), want) {
				t.Fatalf("a reader sees %q instead of %q", seen(r.all), want)
			}
		}
	})
}

func FuzzCodeShowsForeignTextAsItIs(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, s string) {
		want := report.OneLine(s)
		for _, frame := range []string{"%", "- x %", "| a | b |\n| --- | --- |\n| % | c |"} {
			code := report.Code(s)
			r := harmless(t, strings.Replace(frame, "%", code, 1), "page", "p", "code", "wbr", "ul", "li", "table", "thead", "tbody", "tr", "th", "td")
			if want == "" {
				if code != "" {
					t.Fatalf("code of nothing: %q", code)
				}
				continue
			}
			if len(r.code) != 1 || r.code[0] != want {
				t.Fatalf("a reader sees %q instead of %q\n%s", r.code, want, code)
			}
		}
	})
}

func FuzzBlockShowsForeignTextAsItIs(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, s string) {
		for _, frame := range []string{"%", "- x\n\n  %", "<details><summary>x</summary>\n\n%\n\n</details>"} {
			r := harmless(t, strings.Replace(frame, "%", report.Block(s), 1), "page", "pre", "code", "p", "ul", "li", "details", "summary")
			if want := strings.Trim(report.Visible(s), "\n"); len(r.code) != 1 || r.code[0] != want {
				t.Fatalf("a reader sees %q instead of %q", r.code, want)
			}
		}
	})
}

func seed(f *testing.F) {
	for _, s := range []string{
		"", " ", "plain", hostile, "@a", "#1", "GH-1", "gh-1 o/r#1", "<b>", "a|b", "| a |\n| - |", "::error::x", "##[error]x", "-->", "<!--", "`", "``a`", "***", "a_b_c _d_",
		"[x](y)", "[x]: y", "![x](y)", "<http://a.b>", "http://a.b", "WWW.a.b", "a@b.c", "mailto:a@b.c", "# x", "- x", "1. x", "12) x", "+ x", "=== ", "---", "> x", "    x", "\tx", "~~~", "```",
		"&lt;&#60;&amp", "\\*", "$a$ $b$", "$LATEST and $LATEST", ":+1: a:b:c :x_y:", "[ ] x", "[^1]", "\u202ea", "a\u200bb", "שלום x", "名前", "e\u0301", "👩\u200d💻", "\xff\xfe", "\x00", "a\u2028b", "<details>", "</pre>",
		"user:pass@h://x", "::::a::::", "ﬁ@x", "GH\u00ad-1", "@\u200d1", "www.\u200ca", "_", "a_ _b", "1.", "123456789.", "1) 2)",
	} {
		f.Add(s)
	}
}

// What a report may consist of.
var reportElements = []string{"page", "h3", "p", "em", "strong", "code", "wbr", "br", "span", "pre", "ul", "li", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "a"}

func TestSummariesAreWhatTheyMean(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			r := harmless(t, report.Summary(s.outcome, here), reportElements...)
			if want := report.OneLine(s.outcome.Sentence); !strings.Contains(seen(r.all), want) {
				t.Errorf("the sentence %q is not there", want)
			}
			all := letters(r.all)
			for _, f := range s.outcome.Faults {
				if want := letters(f.What); !strings.Contains(all, want) {
					t.Errorf("the fault %q is not there", want)
				}
			}
		})
	}
}

func FuzzReportsBearForeignTextEverywhere(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, s string) {
		for _, o := range poisons(s) {
			r := harmless(t, report.Summary(o, poisonedContext(s)), reportElements...)
			if r.elements["h3"] != 1 {
				t.Fatalf("there are other headings: %v", r.elements)
			}
			if o.Kind == promotion.NeedsAttention && (r.elements["table"] != 4 || r.elements["tr"] != 12) {
				t.Fatalf("the tables are torn: %v", r.elements)
			}
			marker, body := report.Comment(o, poisonedContext(s))
			boundComment(t, marker, body)
			quietPage(t, report.Terminal(o))
			for _, a := range report.Annotations(o) {
				if clean := strings.Join(strings.FieldsFunc(a.Message, func(r rune) bool { return r == '\n' }), "\n"); report.Visible(a.Message) != a.Message || clean != a.Message {
					t.Fatalf("the annotation has signs that cannot be seen: %q", a.Message)
				}
			}
			boundNotification(t, report.NotificationOf(o, poisonedContext(s)))
			valid(t, "", report.JSON(o, nil))
		}
		quietPage(t, report.Status(statuses(s)))
		if r := harmless(t, report.StatusSummary(statuses(s), poisonedContext(s)), reportElements...); r.elements["table"] != 1 {
			t.Fatalf("the status's table is torn: %v", r.elements)
		}
		quietPage(t, report.HistoryTable(histories(s)))
		harmless(t, report.HistorySummary(histories(s), poisonedContext(s)), reportElements...)
		valid(t, "#/$defs/history", report.HistoryJSON(histories(s)))
		valid(t, "#/$defs/status", report.StatusJSON(statuses(s)))
	})
}

// quietPage fails the test where a terminal's page has a workflow command, or signs that cannot be seen.
func quietPage(t testing.TB, page string) {
	t.Helper()
	for line := range strings.SplitSeq(page, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Fatalf("the terminal has the workflow command %q", line)
		}
		if line != report.Visible(line) {
			t.Fatalf("the terminal has signs that cannot be seen: %q", line)
		}
	}
}

// boundComment fails the test where a comment does not end with its marker, has another one, is too long, or has more
// in it than text.
func boundComment(t testing.TB, marker, body string) rendering {
	t.Helper()
	if len(body) > report.MaxComment {
		t.Fatalf("the comment has %d bytes", len(body))
	}
	text, is := strings.CutSuffix(body, "\n"+marker+"\n")
	if !is || strings.Contains(marker, "\n") || strings.Count(marker, "--") != 2 {
		t.Fatalf("the comment does not end with its marker %q: %q", marker, cut(body))
	}
	return harmless(t, text, reportElements...)
}

func boundNotification(t testing.TB, n report.Notification) {
	t.Helper()
	if len(n.Subject()) > 100 || n.Subject() == "" || strings.IndexFunc(n.Subject(), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		t.Fatalf("SNS does not take the subject %q", n.Subject())
	}
	for _, line := range append([]string{n.Title}, n.Lines...) {
		if line != report.OneLine(line) {
			t.Fatalf("a line of the notification is %q", line)
		}
	}
	if slackCall.Match(n.Slack()) {
		t.Fatalf("Slack would make more of %s", n.Slack())
	}
}

// slackCall is what Slack would call somebody for, or make a link of; the link to the run is ours.
var slackCall = regexp.MustCompile(`<[!@#]|@[A-Za-z]|<(?:[^h]|h[^t])|[^<]https?://[^>]`)
