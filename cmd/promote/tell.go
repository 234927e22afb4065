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

// A teller shows progress on a command line: a sentence a line under its stage. On a terminal a last line shows what is
// being waited for, as long as nothing else is said.
type teller struct {
	out    io.Writer
	look   look
	began  time.Time
	stop   chan struct{}
	ticker sync.WaitGroup

	mu       sync.Mutex
	stage    promotion.Stage // of the last sentence
	waiting  status
	shown    string // the live line as it stands there, "" if there is none
	anything bool
}

// A look is how a teller's words are to appear.
type look struct {
	quiet   bool
	color   bool
	columns func() int // of the terminal; nil where there is none
}

// lookOf finds out what the program writes to. https://no-color.org
func lookOf(out io.Writer, quiet bool, getenv func(string) string) look {
	l := look{quiet: quiet}
	f, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) || getenv("TERM") == "dumb" {
		return l
	}
	l.color = getenv("NO_COLOR") == ""
	l.columns = func() int {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
		return 80
	}
	return l
}

func newTeller(out io.Writer, l look) *teller {
	t := &teller{out: out, look: l, began: time.Now(), stop: make(chan struct{})}
	if l.columns != nil && !l.quiet {
		t.ticker.Go(t.tick)
	}
	return t
}

// tell shows an event. It may be called from many goroutines at once.
func (t *teller) tell(e promotion.Event) {
	if t.look.quiet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting.take(e, time.Now())
	if e.Progress != nil {
		t.refresh()
		return
	}
	about := e.Function
	if about != "" {
		about += ": "
	}
	stage := fmt.Sprintf("%-7s", e.Stage)
	if t.stage == e.Stage {
		stage = strings.Repeat(" ", len(stage))
	}
	if t.anything = true; e.Stage != promotion.StageAWS { // else it is an aside
		t.stage = e.Stage
	}
	at := fmt.Sprintf("%6.1fs", time.Since(t.began).Seconds())
	t.print(fmt.Sprintf("%s  %s  %s%s\n", t.dim(at), t.bold(stage), about, plain(e.Text)))
}

// close ends the live line, and sets progress apart from what follows.
func (t *teller) close() {
	close(t.stop)
	t.ticker.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.anything {
		t.print("\n")
	} else {
		t.print("")
	}
}

// print writes lines in the place of the live one, in one piece: other processes may write to the terminal too.
func (t *teller) print(lines string) {
	if t.shown != "" {
		lines, t.shown = eraseLine+lines, ""
	}
	if lines != "" {
		_, _ = io.WriteString(t.out, lines) // progress is no reason to fail
	}
}

// eraseLine goes to the line's beginning and clears it.
const eraseLine = "\r\x1b[K"

// tick keeps the live line up to date until the teller is closed.
func (t *teller) tick() {
	ticker := time.NewTicker(time.Second / 4)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			t.mu.Lock()
			t.refresh()
			t.mu.Unlock()
		}
	}
}

// refresh shows what is being waited for, if it takes long enough to be worth a word.
func (t *teller) refresh() {
	if t.look.columns == nil {
		return
	}
	// A line that goes on in the next one could not be erased; some terminals begin it when the last column is written.
	text := t.waiting.text(time.Now(), t.look.columns()-1)
	if text == t.shown {
		return
	}
	t.print("")
	if text != "" {
		_, _ = io.WriteString(t.out, t.dim(text))
		t.shown = text
	}
}

func (t *teller) dim(s string) string  { return t.styled("\x1b[2m", s) }
func (t *teller) bold(s string) string { return t.styled("\x1b[1m", s) }

func (t *teller) styled(style, s string) string {
	if !t.look.color {
		return s
	}
	return style + s + "\x1b[0m"
}

// plain keeps foreign control characters off the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
