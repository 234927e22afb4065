package actions

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// ErrNoFile tells that the runner gave no file to write to, as outside of Actions. Nothing was written.
var ErrNoFile = errors.New("the runner gave no file for it")

const (
	maxSummary = 1 << 20 // bytes a step; a longer summary is dropped as a whole
	maxOutputs = 1 << 20 // bytes a job, in UTF-16
)

// SetOutput gives an output to the steps after this one. It returns an error wrapping [ErrNoFile] outside of
// Actions, and another one if the job's outputs would grow over 1 MB, which fails the job.
func (s *Step) SetOutput(name, value string) error {
	size := 2 * length(value)
	s.mu.Lock()
	total := s.outputs + size
	s.mu.Unlock()
	if total > maxOutputs {
		return fmt.Errorf("set output %s: with it the outputs would have %d bytes, and GitHub takes %d", name, total, maxOutputs)
	}
	if err := s.set("GITHUB_OUTPUT", name, value); err != nil {
		return fmt.Errorf("set output %s: %w", name, err)
	}
	s.mu.Lock()
	s.outputs += size
	s.mu.Unlock()
	return nil
}

// SetEnv gives an environment variable to the steps after this one.
func (s *Step) SetEnv(name, value string) error {
	if err := s.set("GITHUB_ENV", name, value); err != nil {
		return fmt.Errorf("set environment variable %s: %w", name, err)
	}
	return nil
}

// SaveState gives a value to this step's own post-entrypoint, and to nobody else.
func (s *Step) SaveState(name, value string) error {
	if err := s.set("GITHUB_STATE", name, value); err != nil {
		return fmt.Errorf("save state %s: %w", name, err)
	}
	return nil
}

// State is what SaveState gave, seen in the post-entrypoint.
func (s *Step) State(name string) string { return s.getenv("STATE_" + name) }

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// set appends a value between two lines that nobody can have put into it.
func (s *Step) set(file, name, value string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%q is no name for it", name)
	}
	value = strings.ToValidUTF8(value, "\uFFFD")
	delimiter := unguessable()
	for strings.Contains(value, delimiter) {
		delimiter = unguessable()
	}
	return s.append(file, name+"<<"+delimiter+"\n"+value+"\n"+delimiter+"\n")
}

// AddSummary appends Markdown to the job summary. What GitHub would not take any more is left out from the end, and
// the summary says so.
func (s *Step) AddSummary(markdown string) error {
	markdown = strings.TrimRight(strings.ToValidUTF8(markdown, "\uFFFD"), "\n") + "\n"
	room := maxSummary
	if info, err := os.Stat(s.getenv("GITHUB_STEP_SUMMARY")); err == nil {
		room -= int(min(info.Size(), maxSummary))
	}
	fitting, err := fit(markdown, room)
	if err == nil {
		err = s.append("GITHUB_STEP_SUMMARY", fitting)
	}
	if err != nil {
		return fmt.Errorf("add to the job summary: %w", err)
	}
	return nil
}

// fit cuts Markdown at a line so that it has at most so many bytes.
func fit(markdown string, room int) (string, error) {
	if len(markdown) <= room {
		return markdown, nil
	}
	note := func(lines int) string {
		return fmt.Sprintf("\n\n_%d more lines do not fit into the 1 MiB that GitHub shows; they are in the log._\n", lines)
	}
	end := strings.LastIndexByte(markdown[:max(0, room-len(note(len(markdown))))], '\n')
	if end < 0 {
		return "", fmt.Errorf("it has %d bytes, and GitHub takes %d more", len(markdown), room)
	}
	return markdown[:end] + note(strings.Count(markdown[end+1:], "\n")), nil
}

// append writes to the end of the file that the variable names, in one piece.
func (s *Step) append(variable, text string) (err error) {
	path := s.getenv(variable)
	if path == "" {
		return fmt.Errorf("%w (%s is not set)", ErrNoFile, variable)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}
