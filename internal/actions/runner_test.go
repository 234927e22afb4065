package actions_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/promote-on-success/promote/internal/actions"
)

// env is an environment as a function; names and values in turn.
func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

// inside returns a step of a workflow and its log.
func inside(pairs ...string) (*actions.Step, *bytes.Buffer) {
	var log bytes.Buffer
	return actions.New(env(append(pairs, "GITHUB_ACTIONS", "true")...), &log), &log
}

func outside() (*actions.Step, *bytes.Buffer) {
	var log bytes.Buffer
	return actions.New(env(), &log), &log
}

// file makes an empty file as the runner does, and returns its path.
func file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A seen is a command that the runner takes out of a log, and its text without escapes.
type seen struct {
	name       string
	properties map[string]string
	data       string
}

// registered are the runner's commands.
var registered = map[string]bool{
	"add-mask": true, "add-matcher": true, "add-path": true, "debug": true, "echo": true, "endgroup": true, "error": true,
	"group": true, "internal-set-repo-path": true, "notice": true, "remove-matcher": true, "save-state": true,
	"set-env": true, "set-output": true, "stop-commands": true, "warning": true,
}

// read takes the commands out of a log as the runner does, with its stop tokens, and returns the other lines too.
// https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs
func read(log string) (commands []seen, text []string) {
	stopped := ""
	log = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(log)
	for line := range strings.SplitSeq(strings.TrimSuffix(log, "\n"), "\n") {
		c, ok := parse(line, stopped)
		switch {
		case !ok || stopped != "" && !strings.EqualFold(c.name, stopped):
			text = append(text, line)
			continue
		case stopped != "":
			stopped = ""
			c.name = "resume"
		case strings.EqualFold(c.name, "stop-commands"):
			stopped, c.data = c.data, ""
		}
		commands = append(commands, c)
	}
	if stopped != "" {
		commands = append(commands, seen{name: "still stopped"})
	}
	return commands, text
}

// parse takes a line for a command whenever the runner could, whatever its language's rules for comparing are:
// also if it is one without the characters that those may overlook.
func parse(line, stopped string) (seen, bool) {
	if c, ok := parseLine(line, stopped); ok {
		return c, true
	}
	ascii := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || r < ' ' {
			return -1
		}
		return r
	}, line)
	return parseLine(ascii, stopped)
}

func parseLine(line, stopped string) (seen, bool) {
	known := func(name string) bool {
		return registered[strings.ToLower(name)] || stopped != "" && strings.EqualFold(name, stopped)
	}
	if rest, ok := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::"); ok {
		if info, data, ok := strings.Cut(rest, "::"); ok {
			name, properties, _ := strings.Cut(info, " ")
			if known(name) {
				return seen{name, pairs(properties), unescape(data)}, true
			}
		}
	}
	if _, rest, ok := strings.Cut(line, "##["); ok {
		if info, data, ok := strings.Cut(rest, "]"); ok {
			if name, _, _ := strings.Cut(info, " "); known(name) {
				return seen{name: "old " + name, data: data}, true
			}
		}
	}
	return seen{}, false
}

func pairs(text string) map[string]string {
	m := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			m[strings.TrimSpace(k)] = strings.NewReplacer("%3A", ":", "%2C", ",").Replace(unescape(v))
		}
	}
	return m
}

func unescape(s string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(s)
}

// names lists the commands.
func names(commands []seen) string {
	var all []string
	for _, c := range commands {
		all = append(all, c.name)
	}
	return strings.Join(all, " ")
}
