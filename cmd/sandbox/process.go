package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A process is promote at work, as a person or a pipeline would have started it.
type process struct {
	*exec.Cmd
	name string
	log  *prefixed
}

// start runs the built binary in a checkout. Its output goes to the demo's, with something in front of each line.
func (d *show) start(ctx context.Context, n int, prefix string, env map[string]string, args ...string) (*process, error) {
	folder, err := d.checkout(n)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(d.out, "%s$ promote %s\n", prefix, typed(args))
	log := &prefixed{out: d.out, prefix: prefix, shown: brief(n > 1)}
	cmd := exec.CommandContext(ctx, filepath.Join(d.folder, "bin", "promote"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	cmd.Env = d.environment()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run promote: %w", err)
	}
	return &process{Cmd: cmd, name: strings.Join(args[:min(len(args), 1)], " "), log: log}, nil
}

// typed are arguments as one would type them.
func typed(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; strings.ContainsAny(a, " '\"") {
			quoted[i] = strconv.Quote(a)
		}
	}
	return strings.Join(quoted, " ")
}

// wait holds a process to an exit code.
func (p *process) wait(expected int) error {
	err := p.Wait()
	p.log.end()
	if exited := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exited) {
		return fmt.Errorf("run promote: %w", err)
	}
	if code := p.ProcessState.ExitCode(); code != expected {
		return fmt.Errorf("promote %s ended with exit code %d, and %d was expected", p.name, code, expected)
	}
	return nil
}

// kill ends a process without a warning, which has to be in the middle of something.
func (p *process) kill() error {
	if err := p.Process.Kill(); err != nil {
		return fmt.Errorf("kill promote %s: %w", p.name, err)
	}
	err := p.Wait()
	p.log.end()
	if err == nil {
		return fmt.Errorf("promote %s ended before it was killed", p.name)
	}
	return nil
}

// stop ends a process that is still there when the demo has failed.
func (p *process) stop() {
	if p.ProcessState == nil {
		_ = p.Process.Kill() // it has ended by itself, or does now
		_ = p.Wait()
	}
}

// said tells whether the process has written something, and says waits until it has.
func (p *process) said(text string) bool { return p.log.contains(text) }

func (p *process) says(ctx context.Context, text string) error {
	return eventually(ctx, fmt.Sprintf("promote %s to say %q", p.name, text), func() bool { return p.said(text) })
}

// promote runs promote to its end, which has to be an exit code.
func (d *show) promote(ctx context.Context, expected, n int, args ...string) error {
	p, err := d.start(ctx, n, "", nil, args...)
	if err != nil {
		return err
	}
	return p.wait(expected)
}

// environment points any AWS and GitHub client at the sandbox, and keeps this machine's own settings out of it.
func (d *show) environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "GITHUB_") && !strings.HasPrefix(v, "ACTIONS_") && !strings.HasPrefix(v, "INPUT_") && !strings.HasPrefix(v, "STATE_") {
			env = append(env, v)
		}
	}
	for name, value := range d.box.Env() {
		if !strings.HasPrefix(name, "ACTIONS_") { // outside of a job nobody gives identity tokens
			env = append(env, name+"="+value)
		}
	}
	return env
}

// A prefixed writer puts something in front of each line, and writes whole lines only, so that those of several
// processes can be told apart.
type prefixed struct {
	out    io.Writer
	prefix string
	shown  func(line string) (string, bool) // as what a line appears, if at all; nil shows it as it is

	mu     sync.Mutex
	all    []byte // what was written
	passed int    // how much of it was passed on
}

func (w *prefixed) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, p...)
	lines := w.all[w.passed : bytes.LastIndexByte(w.all, '\n')+1]
	w.passed += len(lines)
	var b strings.Builder
	for line := range strings.Lines(string(lines)) {
		if w.prefix != "" && strings.TrimSpace(line) == "" {
			continue // what sets a lone run's parts apart would only tear several runs to pieces
		}
		if w.shown != nil {
			shown, is := w.shown(strings.TrimSuffix(line, "\n"))
			if !is {
				continue
			}
			line = shown + "\n"
		}
		b.WriteString(w.prefix + line)
	}
	if _, err := io.WriteString(w.out, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// end writes a last line that was not ended.
func (w *prefixed) end() {
	w.mu.Lock()
	open := w.passed < len(w.all)
	w.mu.Unlock()
	if open {
		_, _ = w.Write([]byte("\n")) // who reads the demo has gone: nothing is lost
	}
}

func (w *prefixed) contains(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Contains(w.all, []byte(text))
}

// brief leaves out what a reader of the demo does not need twice or in full: the many lines about routes, the IAM policy,
// and, once they are known, the addresses of the endpoints. Blank lines that would meet are one.
func brief(known bool) func(line string) (string, bool) {
	var over, blank bool
	return func(line string) (string, bool) {
		switch {
		case over, aboutRoutes.MatchString(line), known && aboutEndpoints.MatchString(line):
			return "", false
		case strings.HasPrefix(line, "The IAM policy"):
			over = true
			return "(The IAM policy that the role needs follows.)", true
		}
		was := blank
		blank = strings.TrimSpace(line) == ""
		return line, !blank || !was
	}
}

var (
	aboutRoutes    = regexp.MustCompile(`^ +[0-9.]+s .*(allowed API|created the integration|created route|created stage|switched|waiting until the lock table)`)
	aboutEndpoints = regexp.MustCompile(`^ +(latest|prod) endpoint +http`)
)

// whole lets several processes write to one writer, a call at a time.
type whole struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *whole) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}
