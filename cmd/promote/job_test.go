package main_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// carried does what the runner does between two steps: what the last one put into GITHUB_ENV is in the next one's
// environment.
func (s *stage) carried(ts *testscript.TestScript, _ []string) error {
	given, err := outputs(ts.ReadFile(ts.Getenv("GITHUB_ENV")))
	for name, o := range given {
		ts.Setenv(name, o.value)
	}
	return err
}

// post makes the next run that of the step's post-entrypoint, in a job that has ended so: the state that the step has
// saved is in its environment.
func (s *stage) post(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	given, err := outputs(ts.ReadFile(ts.Getenv("GITHUB_STATE")))
	for name, o := range given {
		ts.Setenv("STATE_"+name, o.value)
		s.state = append(s.state, "STATE_"+name)
	}
	ts.Setenv("INPUT_JOB-STATUS", args[0])
	return err
}

// step makes the next run that of another step, in the given run of the workflow.
func (s *stage) step(ts *testscript.TestScript, args []string) error {
	for _, name := range s.state {
		ts.Setenv(name, "")
	}
	s.state = nil
	ts.Setenv("INPUT_JOB-STATUS", "success")
	if len(args) > 0 {
		ts.Setenv("GITHUB_RUN_ID", args[0])
	}
	return os.WriteFile(ts.Getenv("GITHUB_STATE"), nil, 0o644)
}

// keep remembers an output of the last step in a variable.
func (s *stage) keep(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	given, err := outputs(ts.ReadFile(ts.Getenv("GITHUB_OUTPUT")))
	if err != nil {
		return err
	}
	o, there := given[args[0]]
	if !there {
		return fmt.Errorf("there is no output %s", args[0])
	}
	ts.Setenv(args[1], o.value)
	return nil
}

// freeze stops the programs in the background, as a runner does that is short of memory; thaw lets them go on.
func (s *stage) freeze(ts *testscript.TestScript, _ []string) error {
	return signal(ts, syscall.SIGSTOP)
}
func (s *stage) thaw(ts *testscript.TestScript, _ []string) error { return signal(ts, syscall.SIGCONT) }

func signal(ts *testscript.TestScript, sig os.Signal) error {
	for _, cmd := range ts.BackgroundCmds() {
		if err := cmd.Process.Signal(sig); err != nil {
			return err
		}
	}
	return nil
}

const repository = "octo-org/shop"

// hubCommit makes commits at GitHub: NAME, or NAME=PARENT, where both are variables that get or have the hash.
func (s *stage) hubCommit(ts *testscript.TestScript, args []string) error {
	for _, arg := range args {
		name, parent, _ := strings.Cut(arg, "=")
		c := github.Commit{Message: "Change " + name, Author: "octocat"}
		if parent != "" {
			c.Parents = []string{ts.Getenv(parent)}
		}
		sha, err := s.cloud.Server().GitHub().AddCommit(repository, c)
		if err != nil {
			return err
		}
		ts.Setenv(name, sha)
	}
	return nil
}

// hubDown lets every call to GitHub fail, until hubUp.
func (s *stage) hubDown(*testscript.TestScript, []string) error {
	_, err := s.cloud.Server().GitHub().AddFault(github.Fault{Kind: github.FaultReset, Count: -1})
	return err
}

func (s *stage) hubUp(*testscript.TestScript, []string) error {
	s.cloud.Server().GitHub().ClearFaults()
	return nil
}
