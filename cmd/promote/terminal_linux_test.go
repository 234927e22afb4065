package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// openTerminal opens a pseudo-terminal of so many columns: the side of the person, and that of the program.
func openTerminal(t *testing.T, columns int) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// A screen is what a person sees of a terminal's output, as far as the program uses one.
type screen struct {
	columns int
	lines   []string // those that are complete
	line    []rune
	at      int
	moments []string // the last line whenever something had been written to it
}

var sequence = regexp.MustCompile("^\x1b\\[[0-9;]*([A-Za-z])")

func (s *screen) write(text string) error {
	for text != "" {
		if m := sequence.FindStringSubmatch(text); m != nil {
			switch m[1] {
			case "K":
				if len(s.line) > s.columns {
					return fmt.Errorf("the line %q goes on in the next one, and is erased there only", string(s.line))
				}
				s.line = s.line[:s.at]
			case "m":
			default:
				return fmt.Errorf("the sequence %q", m[0])
			}
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch {
		case r == '\r':
			s.note()
			s.at = 0
		case r == '\n':
			s.note()
			s.lines, s.line, s.at = append(s.lines, string(s.line)), nil, 0
		case r < ' ':
			return fmt.Errorf("the character %q", r)
		default:
			s.line = append(s.line[:s.at], r)
			s.at++
		}
	}
	s.note()
	return nil
}

func (s *screen) note() {
	if text := string(s.line); text != "" && (len(s.moments) == 0 || s.moments[len(s.moments)-1] != text) {
		s.moments = append(s.moments, text)
	}
}

// onTerminal runs the program with a terminal for what it tells, and returns what was seen there.
func onTerminal(t *testing.T, columns int, env []string, args ...string) (*screen, string) {
	t.Helper()
	cloud := sandboxtest.Start(t, sandbox.Options{})
	slow := sandbox.Fault{Kind: sandbox.Delay, Operation: "GetFunction", Resource: "*:1", Count: 2, Delay: 3500 * time.Millisecond}
	if _, err := cloud.Server().Fault(slow); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &stage{t: t, code: runner.NewGo(), cloud: cloud}
	if err := s.table(nil, nil); err != nil {
		t.Fatal(err)
	}
	for file, code := range map[string]string{"old.zip": "old", "checkout.zip": "v1", "payments.zip": "v1"} {
		pack, err := s.packed(code)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), pack, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"checkout", "payments"} {
		if err := s.function(nil, []string{name, "old"}); err != nil {
			t.Fatal(err)
		}
	}
	const file = `
app: shop
functions: {checkout: {artifact: checkout.zip}, payments: {artifact: payments.zip}}
verify: none
environments: {prod: {}}
`
	if err := os.WriteFile(filepath.Join(dir, "promote.yaml"), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}

	person, program := openTerminal(t, columns)
	cmd := exec.Command("promote", args...)
	cmd.Dir, cmd.Stderr = dir, program
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm"}, env...)
	for name, value := range cloud.Env() {
		if strings.HasPrefix(name, "AWS_") {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	seen := &screen{columns: columns}
	var raw strings.Builder
	watched := make(chan error, 1)
	go func() {
		text := make([]byte, 1<<16)
		var wrong error
		for {
			n, err := person.Read(text)
			raw.Write(text[:n])
			if e := seen.write(string(text[:n])); e != nil && wrong == nil {
				wrong = e
			}
			if err != nil { // EIO once nobody has the other side any more
				watched <- wrong
				return
			}
		}
	}()
	err := cmd.Start()
	program.Close()
	if err == nil {
		err = cmd.Wait()
	}
	if e := <-watched; err != nil || e != nil {
		t.Fatalf("%v, %v\n%s", err, e, raw.String())
	}
	return seen, raw.String()
}

func TestOnATerminal(t *testing.T) {
	t.Parallel()
	waits := regexp.MustCompile(`^deploy [01]/2 · waiting for version 1 of (checkout|payments) and 1 more · [2-9] s$`)

	t.Run("what is waited for stands in the last line, and goes away", func(t *testing.T) {
		t.Parallel()
		seen, raw := onTerminal(t, 100, nil, "run", "--environment", "prod")
		if !slices.ContainsFunc(seen.moments, waits.MatchString) {
			t.Errorf("it was not said what is waited for:\n%s", strings.Join(seen.moments, "\n"))
		}
		told := strings.Join(seen.lines, "\n")
		if strings.Contains(told, " · ") || len(seen.line) > 0 {
			t.Errorf("the live line stayed:\n%s\n%s", told, string(seen.line))
		}
		for _, sentence := range []string{"deploy", "version 1 is ready", "promote", "alias prod created at version 1"} {
			if !strings.Contains(told, sentence) {
				t.Errorf("%q is not there:\n%s", sentence, told)
			}
		}
		if !strings.Contains(raw, "\x1b[1m") {
			t.Error("stages do not stand out")
		}
	})
	t.Run("a narrow one is not overrun", func(t *testing.T) {
		t.Parallel()
		seen, raw := onTerminal(t, 40, []string{"NO_COLOR=1"}, "run", "--environment", "prod")
		if !slices.Contains(seen.moments, "deploy 0/2 · waiting for version… · 2 s") {
			t.Errorf("it was not said what is waited for:\n%s", strings.Join(seen.moments, "\n"))
		}
		if regexp.MustCompile("\x1b\\[[0-9]*m").MatchString(raw) {
			t.Error("there are colours in spite of NO_COLOR")
		}
	})
	t.Run("--quiet is quiet", func(t *testing.T) {
		t.Parallel()
		if _, raw := onTerminal(t, 80, nil, "run", "--environment", "prod", "--quiet"); raw != "" {
			t.Errorf("it said %q", raw)
		}
	})
	t.Run("a dumb one gets plain lines", func(t *testing.T) {
		t.Parallel()
		if _, raw := onTerminal(t, 80, []string{"TERM=dumb"}, "run", "--environment", "prod"); strings.Contains(raw, "\x1b") {
			t.Errorf("it said %q", raw)
		}
	})
}
