package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A teller shows progress on a command line: a sentence a line, and on a terminal the last one dimmed and timed, so
// that a person sees that something still goes on.
type teller struct {
	mu       sync.Mutex
	out      io.Writer
	quiet    bool
	terminal bool
	began    time.Time
	stage    promotion.Stage
}

func newTeller(out io.Writer, quiet bool) *teller {
	f, isFile := out.(*os.File)
	return &teller{out: out, quiet: quiet, began: time.Now(), terminal: isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

func (t *teller) tell(e promotion.Event) {
	if t.quiet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	about := e.Function
	if about != "" {
		about += ": "
	}
	at := fmt.Sprintf("%6.1fs", time.Since(t.began).Seconds())
	stage := fmt.Sprintf("%-7s", e.Stage)
	if t.terminal {
		at, stage = "\x1b[2m"+at+"\x1b[0m", "\x1b[1m"+stage+"\x1b[0m"
	}
	if t.stage == e.Stage {
		stage = strings.Repeat(" ", 7)
	}
	t.stage = e.Stage
	fmt.Fprintf(t.out, "%s  %s  %s%s\n", at, stage, about, plain(e.Text))
}

// plain keeps foreign control characters off the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func (t *teller) close() {
	if !t.quiet && t.stage != "" {
		fmt.Fprintln(t.out)
	}
}
