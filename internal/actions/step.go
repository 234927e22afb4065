// Package actions speaks the GitHub runner's protocol for the step that this program is: inputs and the facts of
// the run, outputs, environment and state for later steps, the job summary, log groups, annotations and masks.
//
// Nothing that was written by somebody else can become a command: all text passes through here, and the runner
// reads no command in it but those that this package issues. Outside of Actions the same calls print plainly.
//
// It never ends the program and never panics; what can fail returns its error.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
package actions

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	githubactions "github.com/sethvargo/go-githubactions"
)

// A Step is the workflow step that runs this program, or a terminal. It may be used by several goroutines.
type Step struct {
	getenv func(string) string
	runner *githubactions.Action // only ever writes to memory, which cannot fail and so cannot panic
	inside bool

	mu      sync.Mutex
	out     io.Writer
	secrets []string
	notes   map[Level]*tally
	outputs int // bytes of UTF-16 that were given as outputs so far
}

// New returns the step whose environment getenv reads and whose log is stdout.
func New(getenv func(string) string, stdout io.Writer) *Step {
	return &Step{
		getenv: getenv,
		runner: githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(io.Discard)),
		inside: getenv("GITHUB_ACTIONS") == "true",
		out:    stdout,
		notes:  map[Level]*tally{Error: {}, Warning: {}, Notice: {}},
	}
}

// Inside tells whether this is a step of a workflow.
func (s *Step) Inside() bool { return s.inside }

// Debugging tells whether the run was started with debug logging.
func (s *Step) Debugging() bool { return s.getenv("RUNNER_DEBUG") == "1" }

// Inputs returns the action's inputs of these names, trimmed. One that was not given is "".
func (s *Step) Inputs(names []string) map[string]string {
	inputs := make(map[string]string, len(names))
	for _, name := range names {
		inputs[name] = s.runner.GetInput(name)
	}
	return inputs
}

// Mask keeps a secret out of the log from now on. Each of its lines is a secret of its own.
func (s *Step) Mask(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.FieldsFuncSeq(secret, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if line == "" || slices.Contains(s.secrets, line) {
			continue
		}
		s.secrets = append(s.secrets, line)
		if s.inside {
			var command bytes.Buffer
			githubactions.New(githubactions.WithWriter(&command)).AddMask(line)
			_, _ = s.out.Write(command.Bytes())
		}
	}
}

// write puts text into the log in one piece.
func (s *Step) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, text)
}

// shortestSecret is the least length of what is taken out of text here. Shorter ones would take apart every word;
// GitHub's own log masks them all the same.
const shortestSecret = 4

// redacted is the text without the secrets. The runner would do the same to its log, but nobody does to a terminal.
func (s *Step) redacted(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		if len(secret) >= shortestSecret {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// command is a workflow command as a line of the log.
func command(name, message string, properties map[string]string) string {
	return (&githubactions.Command{Name: name, Message: message, Properties: properties}).String() + "\n"
}

var (
	// The runner takes a line for a command that begins with "::" after blanks, or that has "##[" anywhere. It
	// compares by the rules of a language, for which some characters do not exist: all that are not ASCII are
	// taken for such here. https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
	colons   = regexp.MustCompile(`^[^!-~]*:[^!-~]*:`)
	brackets = regexp.MustCompile(`#([^!-~]*)\[`)
)

// inert is a line that the runner takes for text.
func inert(line string) string {
	line = brackets.ReplaceAllString(line, `#$1\[`)
	if colons.MatchString(line) {
		line = `\` + line
	}
	return line
}
