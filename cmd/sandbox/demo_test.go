package main

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// program is a zip with an executable in it.
func program(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog")
	if err := os.WriteFile(path, []byte(strings.Repeat("a program ", 1000)), 0o755); err != nil {
		t.Fatal(err)
	}
	pack, err := archive(path)
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

func TestTheCodeOfAMerge(t *testing.T) {
	base := program(t)
	build := func(n, function int) []byte {
		t.Helper()
		code, err := merges[n-1].code(function, base)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	t.Run("is an executable and what it is a release of", func(t *testing.T) {
		z, err := zip.NewReader(bytes.NewReader(build(3, 2)), int64(len(build(3, 2))))
		if err != nil {
			t.Fatal(err)
		}
		if len(z.File) != 2 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
			t.Fatalf("it holds %v", z.File)
		}
		about, err := z.Open("release.json")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(about); string(text) != `{"broken":true,"release":"3"}` {
			t.Errorf("it is %s (%v)", text, err)
		}
	})
	t.Run("is the same, byte for byte, where nothing has changed", func(t *testing.T) {
		if !bytes.Equal(build(2, 1), build(4, 1)) || !bytes.Equal(build(1, 0), build(4, 0)) {
			t.Error("it differs")
		}
	})
	t.Run("is another one where something has", func(t *testing.T) {
		if bytes.Equal(build(1, 1), build(2, 1)) {
			t.Error("it is the same")
		}
	})
}

// shop answers as its functions do; release is what it is a release of.
func shop(t *testing.T, release *atomic.Value) (urls []string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is := release.Load().(string)
		w.Header().Set("x-shop-function", strings.Trim(r.URL.Path, "/"))
		w.Header().Set("x-shop-release", is)
		if is == "down" {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(server.Close)
	for _, f := range shopFunctions {
		urls = append(urls, server.URL+"/"+f)
	}
	return urls
}

func TestTraffic(t *testing.T) {
	all := func(releases ...string) map[string][]string {
		m := map[string][]string{}
		for _, f := range shopFunctions {
			m[f] = releases
		}
		return m
	}
	begin := func(t *testing.T) (*traffic, *atomic.Value) {
		var release atomic.Value
		release.Store("1")
		tr := watch(t.Context(), shop(t, &release)...)
		t.Cleanup(func() { tr.stop() })
		return tr, &release
	}
	t.Run("has seen what was promoted, in its order", func(t *testing.T) {
		tr, release := begin(t)
		if err := tr.shows(t.Context(), all("1")); err != nil {
			t.Fatal(err)
		}
		release.Store("2")
		if err := tr.shows(t.Context(), all("1", "2")); err != nil {
			t.Fatal(err)
		}
		if requests, failures := tr.stop(); requests < 6 || len(failures) > 0 {
			t.Errorf("%d requests, failed %v", requests, failures)
		}
	})
	t.Run("does not pass over a release that should not have been there", func(t *testing.T) {
		tr, release := begin(t)
		for _, r := range []string{"1", "5", "6"} {
			release.Store(r)
			for len(tr.releases("payments")) == 0 || tr.releases("payments")[len(tr.releases("payments"))-1] != r {
				<-time.After(betweenRequests)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err := tr.shows(ctx, all("1", "6"))
		if err == nil || !strings.Contains(err.Error(), "payments: 1 → 5 → 6, and not 1 → 6") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("counts what failed", func(t *testing.T) {
		tr, release := begin(t)
		release.Store("down")
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := tr.shows(ctx, all("1")); err == nil {
			t.Error("no function answered, and that was well")
		}
		if _, failures := tr.stop(); len(failures) == 0 || !strings.Contains(failures[0], "answered 502") {
			t.Errorf("failed: %v", failures)
		}
	})
}

func TestOutputOfProcesses(t *testing.T) {
	t.Run("comes in whole lines, with something in front", func(t *testing.T) {
		var out bytes.Buffer
		w := &prefixed{out: &out, prefix: "older │ "}
		for _, piece := range []string{"wait", "ing for\n\n  the lo", "ck\nsuper", "seded"} {
			if _, err := io.WriteString(w, piece); err != nil {
				t.Fatal(err)
			}
		}
		w.end()
		if want := "older │ waiting for\nolder │   the lock\nolder │ superseded\n"; out.String() != want {
			t.Errorf("got %q", out.String())
		}
		if !w.contains("waiting for") || w.contains("promoted") {
			t.Error("what was said is not known")
		}
	})
	t.Run("is brief where it would repeat itself", func(t *testing.T) {
		var out bytes.Buffer
		w := &prefixed{out: &out, shown: brief(true)}
		_, err := io.WriteString(w, "   1.2s  setup    created the lock table \"promote\"\n   1.3s           created route ANY /shop/latest (none)\n\n"+
			"  latest endpoint  http://127.0.0.1/x\n  prod endpoint    http://127.0.0.1/y\n\n✓ set-up\n\nThe IAM policy that the role needs for this configuration:\n\n{\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		if want := "   1.2s  setup    created the lock table \"promote\"\n\n✓ set-up\n\n(The IAM policy that the role needs follows.)\n"; out.String() != want {
			t.Errorf("got %q", out.String())
		}
	})
	t.Run("of a step is as on GitHub's page", func(t *testing.T) {
		var out bytes.Buffer
		w := &prefixed{out: &out, shown: asOnPage(brief(true))}
		_, err := io.WriteString(w, "::add-mask::secret\n::group::deploy checkout\nversion 2 is ready\n::endgroup::\n::stop-commands::abc\n  ✓ promoted\n::abc::\n"+
			"::warning title=promote::one%0Atwo: 100%25\n::no command\n")
		if err != nil {
			t.Fatal(err)
		}
		if want := "▾ deploy checkout\nversion 2 is ready\n  ✓ promoted\nWarning: one\ntwo: 100%\n::no command\n"; out.String() != want {
			t.Errorf("got %q", out.String())
		}
	})
}

func TestReports(t *testing.T) {
	box, err := sandbox.New(sandbox.Options{Repository: repositoryOwner + "/" + repositoryName})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	server := httptest.NewServer(box)
	defer server.Close()
	if err := tellGitHub(box.GitHub()); err != nil {
		t.Fatal(err)
	}
	d := &show{box: box, hub: server.URL + "/_github/api/v3"}
	post := func(path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.hub+"/repos/octo-org/shop/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+box.Env()["GITHUB_TOKEN"])
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != http.StatusCreated {
			t.Fatalf("POST %s: %s", path, answer.Status)
		}
	}
	t.Run("that were not written are empty, and no failure", func(t *testing.T) {
		comment, err := d.comment(t.Context(), 12)
		release, err2 := d.releaseOf(t.Context(), tag)
		if comment != "" || release != "" || err != nil || err2 != nil {
			t.Errorf("comment %q (%v), release %q (%v)", comment, err, release, err2)
		}
	})
	t.Run("are read back from GitHub", func(t *testing.T) {
		post("issues/12/comments", `{"body": "promoted"}`)
		post("releases", `{"tag_name": "v1.1.0", "body": "what is new"}`)
		comment, err := d.comment(t.Context(), 12)
		release, err2 := d.releaseOf(t.Context(), tag)
		if comment != "promoted" || release != "what is new" || err != nil || err2 != nil {
			t.Errorf("comment %q (%v), release %q (%v)", comment, err, release, err2)
		}
	})
	t.Run("of which there are too many are a failure", func(t *testing.T) {
		post("issues/12/comments", `{"body": "promoted"}`)
		if _, err := d.comment(t.Context(), 12); err == nil {
			t.Error("two comments are well")
		}
	})
	t.Run("that GitHub does not give are one too", func(t *testing.T) {
		if _, err := box.GitHub().AddFault(github.Fault{Kind: "status", Status: http.StatusInternalServerError}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.releaseOf(t.Context(), tag); err == nil {
			t.Error("an answer of 500 is well")
		}
	})
	t.Run("stay when the rest of the demo's folder goes", func(t *testing.T) {
		d := &show{folder: t.TempDir()}
		if err := os.Mkdir(filepath.Join(d.folder, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := d.keep(report{"a comment", "comment.md", "checkout is promoted"}, "checkout"); err != nil {
			t.Fatal(err)
		}
		if err := d.clear(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(d.folder + "/*"); len(left) != 1 || filepath.Base(left[0]) != reportsFolder {
			t.Errorf("there is %v", left)
		}
		if text, err := os.ReadFile(filepath.Join(d.folder, reportsFolder, "comment.md")); string(text) != "checkout is promoted" {
			t.Errorf("it says %q (%v)", text, err)
		}
	})
	t.Run("that do not say what they are about are refused", func(t *testing.T) {
		d := &show{folder: t.TempDir()}
		if err := d.keep(report{"a comment", "comment.md", ""}, "checkout"); err == nil || len(d.reports) > 0 {
			t.Errorf("an empty one is well (%v), kept: %v", err, d.reports)
		}
	})
	t.Run("without any, nothing stays of the demo's folder", func(t *testing.T) {
		d := &show{folder: filepath.Join(t.TempDir(), "demo")}
		if err := os.MkdirAll(filepath.Join(d.folder, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := d.clear(); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.Stat(d.folder); left != nil {
			t.Error("the folder is there")
		}
	})
}

func TestMarkdownInATerminal(t *testing.T) {
	text := "<!-- promote:\n comment -->\n### promoted\n\n\n| function | version&#58; |\n| --- | :-: |\n| [checkout](https://example.com/a) | 1 → 2 |\n" +
		"| pay\\|ments | 1<br>unchanged |\n<details><summary>more</summary>\n\n" + strings.Repeat("line\n", 38) + "</details>\n"
	want := `  │ ### promoted
  │
  │ function   version:
  │ checkout   1 → 2
  │ pay|ments  1 · unchanged
  │ more
  │
`
	got := excerpt(text, "comment.md")
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "  │ line\n  │ (11 more lines in comment.md)\n") {
		t.Errorf("got\n%s", got)
	}
	if got := excerpt("one\n"+strings.Repeat("x", 200)+"\n\n", "comment.md"); got != "  │ one\n  │ "+strings.Repeat("x", 119)+"…\n" {
		t.Errorf("got\n%s", got)
	}
}
