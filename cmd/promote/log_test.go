package main_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// runnerCommand is how the runner knows a command: https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
var runnerCommand = regexp.MustCompile(`^\s*::([a-z0-9-]+)( [^:]*)?::(.*)$|##\[([a-z-]+)`)

// A command is one that the runner would carry out.
type command struct{ name, value string }

// runnersCommands reads a log as the runner does: between stop-commands and its token there is text only.
func runnersCommands(log string) []command {
	var found []command
	token := ""
	for line := range strings.Lines(log) {
		m := runnerCommand.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case m == nil:
		case token != "":
			if m[1] == token {
				token = ""
			}
		case m[1] == "stop-commands":
			token = m[3]
		case m[4] != "":
			found = append(found, command{m[4], ""})
		default:
			found = append(found, command{m[1], m[3]})
		}
	}
	return found
}

func (s *stage) obeysNobody(ts *testscript.TestScript, _ []string) error {
	for _, c := range runnersCommands(ts.ReadFile("stdout")) {
		if strings.HasPrefix(c.value, "from the function") || c.value == "mine" || c.value == "promote" {
			return fmt.Errorf("the runner would obey ::%s::%s", c.name, c.value)
		}
		if !slices.Contains([]string{"error", "warning", "group", "endgroup", "add-mask"}, c.name) {
			return fmt.Errorf("the runner would obey ::%s::", c.name)
		}
	}
	return nil
}

func (s *stage) grouped(ts *testscript.TestScript, functions []string) error {
	group, groups := "", map[string]int{}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		line = strings.TrimSpace(line)
		switch title, begins := strings.CutPrefix(line, "::group::"); {
		case begins && group != "":
			return fmt.Errorf("%q begins within %q", title, group)
		case begins:
			group = title
			groups[title]++
		case line == "::endgroup::":
			group = ""
		case group != "":
			for _, f := range functions {
				if strings.Contains(line, f) && !strings.HasSuffix(group, " "+f) {
					return fmt.Errorf("%q is told within %q", line, group)
				}
			}
		}
	}
	for _, f := range functions {
		for _, stage := range []string{"deploy ", "verify ", "promote "} {
			if groups[stage+f] != 1 {
				return fmt.Errorf("%d groups %s", groups[stage+f], stage+f)
			}
		}
	}
	return nil
}

func (s *stage) committed(ts *testscript.TestScript, args []string) error {
	var document struct{ Commit string }
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &document); err != nil {
		return err
	}
	if want := strings.TrimSpace(ts.ReadFile(args[0])); document.Commit != want {
		return fmt.Errorf("the commit is %q, want %s", document.Commit, want)
	}
	return nil
}
