package actions_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/actions"
)

// values reads a file of outputs as the runner does.
// https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs
func values(t testing.TB, text string) map[string]string {
	t.Helper()
	m := map[string]string{}
	for text != "" {
		var head string
		head, text, _ = strings.Cut(text, "\n")
		name, delimiter, ok := strings.Cut(head, "<<")
		if !ok || strings.Contains(name, "=") {
			t.Fatalf("the runner cannot read the line %q", head)
		}
		var lines []string
		for {
			line, rest, more := strings.Cut(text, "\n")
			text = rest
			if line == delimiter {
				break
			}
			if !more {
				t.Fatalf("%s has no end", name)
			}
			lines = append(lines, line)
		}
		m[name] = strings.Join(lines, "\n")
	}
	return m
}

func TestValuesForLaterSteps(t *testing.T) {
	for variable, set := range map[string]func(*actions.Step, string, string) error{
		"GITHUB_OUTPUT": (*actions.Step).SetOutput, "GITHUB_ENV": (*actions.Step).SetEnv, "GITHUB_STATE": (*actions.Step).SaveState,
	} {
		t.Run(variable, func(t *testing.T) {
			path := file(t)
			s, log := inside(variable, path)
			want := map[string]string{
				"version": "42", "empty": "", "functions": "{\n  \"a\": 1\n}", "ends": "line\n",
				"evil": "x\n_GitHubActionsFileCommandDelimeter_\nversion<<EOF\n666\nEOF\nversion=666", "previous-version": "a\r\nb",
			}
			for name, value := range want {
				if err := set(s, name, value); err != nil {
					t.Fatal(err)
				}
			}
			got := values(t, content(t, path))
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s is %q, want %q", name, got[name], value)
				}
			}
			if len(got) != len(want) || log.Len() != 0 {
				t.Errorf("got %d values, want %d; log %q", len(got), len(want), log)
			}
			delimiters := regexp.MustCompile(`<<[0-9a-f]{32}\n`).FindAllString(content(t, path), -1)
			seen := map[string]bool{}
			for _, d := range delimiters {
				seen[d] = true
			}
			if len(seen) != len(want) {
				t.Errorf("%d delimiters for %d values", len(seen), len(want))
			}

			for _, name := range []string{"", "a=b", "a\nb", "a<<b", "1a", "a b"} {
				if err := set(s, name, "x"); err == nil {
					t.Errorf("%q is taken for a name", name)
				}
			}
			none, _ := outside()
			if err := set(none, "version", "42"); !errors.Is(err, actions.ErrNoFile) {
				t.Errorf("without a file: %v", err)
			}
			bad, _ := inside(variable, filepath.Join(path, "x"))
			if err := set(bad, "version", "42"); err == nil || errors.Is(err, actions.ErrNoFile) {
				t.Errorf("with a file that cannot be written: %v", err)
			}
		})
	}

	t.Run("invalid text becomes valid", func(t *testing.T) {
		path := file(t)
		s, _ := inside("GITHUB_OUTPUT", path)
		if err := s.SetOutput("a", "x\xffy"); err != nil || values(t, content(t, path))["a"] != "x\uFFFDy" {
			t.Errorf("%v, %q", err, content(t, path))
		}
	})

	t.Run("outputs that GitHub would refuse are refused by name", func(t *testing.T) {
		path := file(t)
		s, _ := inside("GITHUB_OUTPUT", path)
		if err := s.SetOutput("a", strings.Repeat("x", 300_000)); err != nil {
			t.Fatal(err)
		}
		err := s.SetOutput("functions", strings.Repeat("x", 300_000))
		if err == nil || !strings.Contains(err.Error(), "functions") {
			t.Errorf("a job with 1.2 MB of outputs: %v", err)
		}
		if err := s.SetOutput("b", "small"); err != nil || len(values(t, content(t, path))) != 2 {
			t.Errorf("the next one: %v", err)
		}
	})

	t.Run("the state comes back in the post-entrypoint", func(t *testing.T) {
		s, _ := inside("STATE_release", "r1")
		if s.State("release") != "r1" {
			t.Error("it does not")
		}
	})
}

func TestSummary(t *testing.T) {
	const limit = 1 << 20
	t.Run("is appended", func(t *testing.T) {
		path := file(t)
		s, _ := inside("GITHUB_STEP_SUMMARY", path)
		for _, text := range []string{"# one", "two\n\n"} {
			if err := s.AddSummary(text); err != nil {
				t.Fatal(err)
			}
		}
		if got := content(t, path); got != "# one\ntwo\n" {
			t.Errorf("got %q", got)
		}
	})

	t.Run("is cut at a line where it would be dropped as a whole", func(t *testing.T) {
		path := file(t)
		if err := os.WriteFile(path, []byte(strings.Repeat("before\n", 100)), 0o644); err != nil {
			t.Fatal(err)
		}
		s, _ := inside("GITHUB_STEP_SUMMARY", path)
		if err := s.AddSummary(strings.Repeat("| a row |\n", 200_000)); err != nil {
			t.Fatal(err)
		}
		got := content(t, path)
		if len(got) > limit || len(got) < limit-200 {
			t.Errorf("%d bytes", len(got))
		}
		kept := strings.Count(got, "| a row |\n")
		note := regexp.MustCompile(`\n_(\d+) more lines do not fit`).FindStringSubmatch(got)
		if note == nil || note[1] != strconv.Itoa(200_000-kept) {
			t.Errorf("%d rows kept, note %q", kept, note)
		}
		if err := s.AddSummary(strings.Repeat("more\n", 100)); err == nil || len(content(t, path)) > limit {
			t.Errorf("more than there is room for: %v", err)
		}
	})

	t.Run("that fits exactly is whole", func(t *testing.T) {
		path := file(t)
		s, _ := inside("GITHUB_STEP_SUMMARY", path)
		if err := s.AddSummary(strings.Repeat("x", limit-1)); err != nil || len(content(t, path)) != limit {
			t.Errorf("%v, %d bytes", err, len(content(t, path)))
		}
	})

	t.Run("without a file is an error of its own kind", func(t *testing.T) {
		s, _ := outside()
		if err := s.AddSummary("x"); !errors.Is(err, actions.ErrNoFile) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzOutput reads back what was set, as the runner does.
func FuzzOutput(f *testing.F) {
	for _, value := range []string{"", "a", "a\n", "\n", "a<<b\nc\nb", "\r\n", "a=b"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		path := file(t)
		s, _ := inside("GITHUB_OUTPUT", path)
		if err := s.SetOutput("value", value); err != nil {
			t.Fatal(err)
		}
		got := values(t, content(t, path))
		if len(got) != 1 || got["value"] != strings.ToValidUTF8(value, "\uFFFD") {
			t.Errorf("%q comes out as %q", value, got)
		}
	})
}
