package report_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// here is the workflow that stories are told of.
var here = report.Context{ServerURL: "https://github.com", Repository: "octo-org/shop", Workflow: "release"}

// published is what the stories have on GitHub.
var published = report.Published{
	ReleaseNotes: "### Promoted versions", ReleaseURL: "https://github.com/octo-org/shop/releases/tag/v1", CommentURL: "https://github.com/octo-org/shop/pull/12#issuecomment-1",
}

// messages are an outcome's annotations and its notification.
func messages(o promotion.Outcome) string {
	var b strings.Builder
	for _, a := range report.Annotations(o) {
		fmt.Fprintf(&b, "%s %s %s:%d:%d\n%s\n\n", a.Level, a.Title, a.File, a.Line, a.Column, a.Message)
	}
	n := report.NotificationOf(o, here)
	fmt.Fprintf(&b, "good %t\nsubject %s\n\n%s\n%s\n", n.Good, n.Subject(), n.Text(), n.Slack())
	return b.String()
}

// faces are what an outcome is shown as.
var faces = []struct {
	file string
	make func(promotion.Outcome) string
}{
	{"terminal.golden", report.Terminal},
	{"summary.golden", func(o promotion.Outcome) string { return report.Summary(o, here) }},
	{"comment.golden", func(o promotion.Outcome) string {
		_, body := report.Comment(o, here)
		return body
	}},
	{"messages.golden", messages},
	{"outcome.golden", func(o promotion.Outcome) string { return string(report.JSON(o, nil)) }},
	{"outputs.golden", func(o promotion.Outcome) string {
		var b strings.Builder
		for _, out := range report.Outputs(o, published) {
			fmt.Fprintf(&b, "%s=%s\n", out.Name, out.Value)
		}
		return b.String()
	}},
}

func TestReportsReadAsTheGoldenFiles(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			for _, f := range faces {
				golden(t, filepath.Join(s.name, f.file), f.make(s.outcome))
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read the golden file (-update writes it): %v", err)
	}
	if got != string(want) {
		t.Errorf("%s: -update shows the difference in git\n--- got\n%s--- want\n%s", path, cut(got), cut(string(want)))
	}
}

func cut(s string) string {
	const most = 4000
	if len(s) > most {
		return s[:most] + "...\n"
	}
	return s
}
