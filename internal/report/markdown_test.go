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
				if a.Name.Local != "dir" || a.Value != "auto" {
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
	for line := range strings.SplitSeq(markdown, "\n") {
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
var reportElements = []string{"page", "h3", "p", "em", "strong", "code", "wbr", "br", "span", "pre", "ul", "li", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"}

func TestSummariesAreWhatTheyMean(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			r := harmless(t, report.Summary(s.outcome), reportElements...)
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
		o := poisoned(s)
		r := harmless(t, report.Summary(o), reportElements...)
		if r.elements["table"] != 2 || r.elements["td"] != 2*4+3*5 || r.elements["h3"] != 1 {
			t.Fatalf("the tables are torn: %v", r.elements)
		}
		for line := range strings.SplitSeq(report.Terminal(o)+report.Status(statuses(s)), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Fatalf("the terminal has the workflow command %q", line)
			}
			if line != report.Visible(line) {
				t.Fatalf("the terminal has signs that cannot be seen: %q", line)
			}
		}
		if r := harmless(t, report.StatusSummary(statuses(s)), reportElements...); r.elements["table"] != 1 {
			t.Fatalf("the status's table is torn: %v", r.elements)
		}
		valid(t, "", report.JSON(o, nil))
	})
}
