package promotion

import (
	"fmt"
	"sync/atomic"
)

// A Stage is a chapter of the story.
type Stage string

const (
	StagePlan    Stage = "plan"
	StageDeploy  Stage = "deploy"
	StageVerify  Stage = "verify"
	StagePromote Stage = "promote"
	StageGoBack  Stage = "go back"
	StageSetup   Stage = "setup"
	StageLock    Stage = "lock"   // waiting for one, or giving it back
	StageRepair  Stage = "repair" // what a dead run left
	StageRecord  Stage = "record"
	StageAWS     Stage = "aws" // what AWS asks of the whole run: to slow down
)

// An Event is one sentence about what happens now. Function is a function's key, "" for the run as a whole. One with
// Progress has no sentence: it is for who shows what is being waited for, and no line of a log. One with Waiting tells
// who holds the lock that the run waits for.
type Event struct {
	Stage    Stage
	Function string
	Text     string
	Progress *Progress
	Waiting  *Holder
}

// Progress is a piece of a stage's work that begins, goes on to something else, or is over.
type Progress struct {
	Work     string // names it within the stage
	Doing    string // "waiting for version 42 of checkout"; "" when it is over
	Done, Of int    // pieces of the stage's work; 0 of 0 where they are not counted
}

// say gives the teller of one thing at one stage. It may be called from many goroutines at once.
func (r *Runner) say(stage Stage, function string) Say {
	return func(format string, args ...any) {
		if r.Tell != nil {
			r.Tell(Event{Stage: stage, Function: function, Text: fmt.Sprintf(format, args...)})
		}
	}
}

// work is what a stage has to do, piece by piece.
type work struct {
	tell  func(Event)
	stage Stage
	of    int
	done  atomic.Int64
}

func (r *Runner) work(stage Stage, of int) *work { return &work{tell: r.Tell, stage: stage, of: of} }

// doing tells what a piece of the work does from now on.
func (w *work) doing(name, format string, args ...any) {
	w.progress(name, fmt.Sprintf(format, args...), int(w.done.Load()))
}

// over tells that a piece of the work has ended, well or not.
func (w *work) over(name string) { w.progress(name, "", int(w.done.Add(1))) }

func (w *work) progress(name, doing string, done int) {
	if w.tell != nil {
		w.tell(Event{Stage: w.stage, Progress: &Progress{Work: name, Doing: doing, Done: min(done, w.of), Of: w.of}})
	}
}
