package promotion

import (
	"errors"
	"fmt"
	"strings"
)

// Where says where a fault is: a file with line and column (counted from 1; 0 means unknown), or an input's name.
type Where struct {
	File         string // relative to the workspace
	Input        string // the action's input, or the flag with its dashes
	Line, Column int
}

func (w Where) String() string {
	place := w.File
	switch {
	case strings.HasPrefix(w.Input, "-"):
		place = w.Input
	case w.Input != "":
		place = "input " + w.Input
	}
	if w.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", place, w.Line, w.Column)
	}
	return place
}

// A Fault is something wrong that a person has to see: the deed and the thing in What, what would be accepted,
// and advice apart from the fact. Text from outside stands in Detail only.
type Fault struct {
	Where    Where
	What     string
	Accepted string
	Hint     string
	Detail   string
}

func (f Fault) Error() string {
	var b strings.Builder
	if place := f.Where.String(); place != "" {
		b.WriteString(place + ": ")
	}
	b.WriteString(f.What)
	if f.Accepted != "" {
		b.WriteString("; accepted: " + f.Accepted)
	}
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	return b.String()
}

// FaultOf finds the fault in an error's chain, or makes one of the error's text, so that every error reaches a
// person in the same form. A fault that was wrapped on its way keeps its hint and gains the wrapping's words.
func FaultOf(err error) Fault {
	var f Fault
	if errors.As(err, &f) {
		f.What = strings.Replace(err.Error(), f.Error(), f.What, 1)
		return f
	}
	return Fault{What: err.Error()}
}

// The errors that the story branches on. Adapters return them wrapped.
var (
	// ErrStale: the write was refused since the revision that it carried is not the newest (HTTP 412). Nothing changed.
	ErrStale = errors.New("the revision is stale")
	// ErrNotFound: the alias, version or function does not exist. Nothing changed.
	ErrNotFound = errors.New("not found")
	// ErrNoVersion: the alias points to $LATEST, which is no version.
	ErrNoVersion = errors.New("it points to $LATEST")
	// ErrExists: an alias that was to be created exists. Nothing changed.
	ErrExists = errors.New("exists already")
	// ErrUnknownEffect: the answer was lost, late, or a server's fault: the write may have been carried out, may
	// still be, or may never be.
	ErrUnknownEffect = errors.New("it is not known whether it was carried out")
	// ErrNotAllowed: what was found is not what the request allows, such as another account.
	ErrNotAllowed = errors.New("not allowed")
	// ErrNotHeld: the lock is not, or no longer, held by who asked.
	ErrNotHeld = errors.New("the lock is not held")
	// ErrNoTable: the lock table is not there, or cannot serve as one. Nothing changed.
	ErrNoTable = errors.New("there is no lock table that can be used")
	// ErrStopRequested: somebody asked the holder of the lock to stop and go home.
	ErrStopRequested = errors.New("somebody asked this run to stop")
)

// A Conflict is a change by somebody else to a thing that this run decided on.
type Conflict struct {
	Thing           string // "alias live of shop-checkout", "$LATEST of shop-checkout"
	Expected, Found string
}

func (c *Conflict) Error() string {
	return fmt.Sprintf("%s was changed by somebody else: expected %s, found %s", c.Thing, c.Expected, c.Found)
}
