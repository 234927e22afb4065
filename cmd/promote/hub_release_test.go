package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// A shownRelease is a release as GitHub shows it.
type shownRelease struct {
	Tag  string `json:"tag_name"`
	Name string
	Body string
}

func (f *office) releases() []shownRelease {
	f.t.Helper()
	var list []shownRelease
	f.ask(http.MethodGet, "/releases?per_page=100", nil, &list)
	return list
}

// release is the only one.
func (f *office) release() shownRelease {
	f.t.Helper()
	list := f.releases()
	if len(list) != 1 {
		f.t.Fatalf("there are %d releases: %v", len(list), list)
	}
	return list[0]
}

// tagged makes the step one of a tag's push.
func (j *job) tagged(tag string) *job {
	j.t.Helper()
	j.must(j.hub.AddTag(repository, github.Tag{Name: tag, SHA: j.env["GITHUB_SHA"]}))
	j.env["GITHUB_REF"] = "refs/tags/" + tag
	return j
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

func TestAReleaseIsWritten(t *testing.T) {
	const rows = "Promoted versions"
	t.Run("of a tag that is pushed, once, however often the run is run again", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			j := f.job("c2", "v2").tagged("v1.0.0")
			r := j.run()
			r.ended(t, "promoted", 0)
			has(t, f.release().Body, rows, "<code>prod</code>", "Change it")
			has(t, r.outputs["release-url"].value, "/releases/tag/v1.0.0")
			body := f.release().Body
			j.again()
			j.run().ended(t, "unchanged", 0)
			if f.release().Body != body {
				t.Errorf("it was changed:\n%s\nbefore:\n%s", f.release().Body, body)
			}
			f.deployed("c1 promote inactive", "c2 promote success")
			if got := len(f.comments()); got != 1 {
				t.Errorf("there are %d comments", got)
			}
		})
	})
	t.Run("of a release's event, below the text that it has", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.ask(http.MethodPost, "/releases", map[string]any{"tag_name": "v2", "target_commitish": f.commits["c2"], "body": "By hand."}, nil)
			f.job("c2", "v2").event("release", "refs/tags/v2", map[string]any{"release": map[string]any{"tag_name": "v2"}}).run().ended(t, "promoted", 0)
			has(t, f.release().Body, "By hand.", rows)
		})
	})
	t.Run("of a commit that was promoted before its tag was pushed", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c2", "v2").run().ended(t, "promoted", 0)
			if list := f.releases(); len(list) != 0 {
				t.Errorf("a push of a branch has made %v", list)
			}
			f.job("c2", "v2").tagged("v1.0.0").run().ended(t, "unchanged", 0)
			has(t, f.release().Body, rows, "<code>prod</code>")
		})
	})
	t.Run("of the environment and the day", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1", "release", "rolling").run().ended(t, "promoted", 0)
			f.job("c2", "v2", "release", "rolling").run().ended(t, "promoted", 0)
			if got := f.release(); got.Tag != "promoted/shop/prod/2000-01-01" || got.Name != "shop prod, 2000-01-01" {
				t.Errorf("it is %q of %q", got.Name, got.Tag)
			}
			f.job("c2", "v2", "mode", "rollback", "reason", "it is bad", "release", "rolling").run().ended(t, "rolled-back", 0)
			has(t, f.release().Body, rows, "rolled back")
			f.job("c2", "v2", "release", "rolling", "environment", "preprod").run().ended(t, "promoted", 0)
			if list := f.releases(); len(list) != 2 || strings.Contains(list[0].Body+list[1].Body, "<code>preprod</code>") && strings.Contains(list[0].Body, "<code>prod</code>") == strings.Contains(list[1].Body, "<code>prod</code>") {
				t.Errorf("a rolling release is of more than its environment: %v", list)
			}
		})
	})
	t.Run("of the tag that is named, with what GitHub generates", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.job("c2", "v2", "release", "v9", "generated-notes", "true").run().ended(t, "promoted", 0)
			if f.release().Tag != "v9" {
				t.Errorf("it is of %s", f.release().Tag)
			}
			has(t, f.release().Body, rows, "What's Changed")
		})
	})
	t.Run("not where it is switched off, and the notes are an output and a file all the same", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			j := f.job("c2", "v2", "release", "off").tagged("v1.0.0")
			r := j.run()
			r.ended(t, "promoted", 0)
			if list := f.releases(); len(list) != 0 {
				t.Errorf("there are %v", list)
			}
			notes := r.outputs["release-notes"].value
			has(t, notes, rows)
			if file := j.read("temp/promote-release-notes.md"); strings.TrimSpace(file) != strings.TrimSpace(notes) {
				t.Errorf("the file is %q", file)
			}
			other := f.job("c2", "v3", "release", "off", "release-notes-file", "notes/new.md", "order", "any")
			other.run()
			has(t, other.read("notes/new.md"), rows)
		})
	})
	t.Run("not of a red run", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			r := f.job("c2", "v2", "verify", "[{invoke: {function: checkout, expect: .ok}}]").tagged("v1.0.0").run()
			r.ended(t, "verification-failed", 3)
			if list := f.releases(); len(list) != 0 || r.outputs["release-notes"].value != "" {
				t.Errorf("there are %v, and notes %q", list, r.outputs["release-notes"].value)
			}
		})
	})
}

func TestTwoEnvironmentsThatFinishTogetherAreBothInTheRelease(t *testing.T) {
	t.Parallel()
	const rounds = 50
	inOffice(t, func(t *testing.T, f *office) {
		before := "c2"
		for round := range rounds {
			commit, tag := fmt.Sprintf("r%d", round), fmt.Sprintf("v1.0.%d", round)
			f.commit(commit, before)
			before = commit
			jobs := make([]*job, 2)
			for i, environment := range []string{"prod", "preprod"} {
				deploy := f.job(commit, commit, "mode", "deploy", "comment", "off", "deployments", "off", "environment", environment)
				deploy.run().ended(t, "deployed", 0)
				jobs[i] = f.job(commit, commit, "mode", "promote", "comment", "off", "deployments", "off", "environment", environment)
				jobs[i].env["GITHUB_RUN_ID"], jobs[i].env["GITHUB_REF"] = deploy.env["GITHUB_RUN_ID"], "refs/tags/"+tag
			}
			f.must(f.hub.AddTag(repository, github.Tag{Name: tag, SHA: f.commits[commit]}))
			write := github.Fault{Kind: github.FaultDelay, Method: http.MethodPost, Path: repo + "/releases"}
			if round%2 == 1 {
				f.ask(http.MethodPost, "/releases", map[string]any{"tag_name": tag, "body": "By hand."}, nil)
				write.Method, write.Path = http.MethodPatch, repo+"/releases/{id}"
			}
			// The first one's text is on its way while the second one promotes, reads, and writes.
			write.Delay = github.Duration(time.Duration(100+round%5*400) * time.Millisecond)
			_, err := f.hub.AddFault(write)
			f.must(err)
			done := make(chan heard, 2)
			for i, j := range jobs {
				go func() {
					time.Sleep(time.Duration(i*(1+round*40%900)) * time.Millisecond)
					done <- j.run()
				}()
			}
			for range 2 {
				r := <-done
				r.ended(t, "promoted", 0)
			}
			var got shownRelease
			f.ask(http.MethodGet, "/releases/tags/"+tag, nil, &got)
			for _, row := range []string{"<code>prod</code>", "<code>preprod</code>"} {
				if !strings.Contains(got.Body, row) {
					t.Fatalf("round %d: %s is missing:\n%s", round, row, got.Body)
				}
			}
		}
		writes := 0
		for _, c := range f.hub.Calls() {
			if c.Method == http.MethodPatch || c.Method == http.MethodPost && strings.HasSuffix(c.Path, "/releases") {
				writes++
			}
		}
		writes -= rounds / 2 // those by hand
		t.Logf("%d rounds of two runs took %d writes", rounds, writes)
		if writes <= 2*rounds {
			t.Error("no run has ever undone what the other one wrote: they do not finish together")
		}
	})
}
