package main

import (
	"context"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
)

// What a step saves for its own post-entrypoint. GitHub gives it back there as STATE_ variables, and nowhere else:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#sending-values-to-the-pre-and-post-actions
const (
	stateMode    = "promote_mode"
	stateRelease = "promote_release"
	stateOwner   = "promote_owner"
)

// leaving are the modes that may leave something to the end of their job.
var leaving = map[promotion.Mode]bool{
	promotion.ModeRun: true, promotion.ModeDeploy: true, promotion.ModePromote: true, promotion.ModeLock: true, promotion.ModeRollback: true,
}

// remember saves what the post-entrypoint has to know, before anything is done: this container may be killed at any time.
func remember(step *actions.Step, result config.Result) {
	if !leaving[result.Request.Mode] {
		return
	}
	warn(step, step.SaveState(stateMode, string(result.Request.Mode)))
	warn(step, step.SaveState(stateRelease, result.Request.Release))
}

// inPost tells whether this is the post-entrypoint of a step that has something to clear away.
func inPost(step *actions.Step) bool { return step.State(stateMode) != "" }

// runPost ends the step's part in its job: the inputs are those of the step, but the job's status is that of its end.
func runPost(ctx context.Context, step *actions.Step, getenv func(string) string) int {
	a := newAction(step, getenv)
	step.Mask(step.State(stateOwner))
	result, faults := a.load()
	if len(faults) > 0 {
		return 0 // the step itself has told them
	}
	left := promotion.Leftover{
		Mode: promotion.Mode(step.State(stateMode)), Release: step.State(stateRelease), LockOwner: promotion.Secret(step.State(stateOwner)),
	}
	code := 0
	for _, target := range result.Targets {
		target.Request.JobStatus = target.Settings.JobStatus
		if left.LockOwner == "" && (target.Request.JobStatus == "" || target.Request.JobStatus == "success") {
			continue // nothing is left, and nobody needs to be asked
		}
		runner, _, err := a.runner(ctx, target)
		if err != nil {
			step.Annotate(annotation(actions.Warning, promotion.FaultOf(err)))
			continue
		}
		o := runner.Post(ctx, target.Request, left)
		if o.Reason == promotion.ReasonNothingRunning {
			continue
		}
		publish(step, o, "")
		code = max(code, o.ExitCode())
	}
	return code
}
