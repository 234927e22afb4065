package promotion

import "fmt"

// A Stage is a chapter of the story.
type Stage string

const (
	StagePlan    Stage = "plan"
	StageDeploy  Stage = "deploy"
	StageVerify  Stage = "verify"
	StagePromote Stage = "promote"
	StageGoBack  Stage = "go back"
	StageSetup   Stage = "setup"
	StageAWS     Stage = "aws" // what AWS asks of the whole run: to slow down
)

// An Event is one sentence about what happens now. Function is a function's key, "" for the run as a whole.
type Event struct {
	Stage    Stage
	Function string
	Text     string
}

// say gives the teller of one thing at one stage. It may be called from many goroutines at once.
func (r *Runner) say(stage Stage, function string) Say {
	return func(format string, args ...any) {
		if r.Tell != nil {
			r.Tell(Event{Stage: stage, Function: function, Text: fmt.Sprintf(format, args...)})
		}
	}
}
