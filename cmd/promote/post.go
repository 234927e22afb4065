package main

import (
	"context"
	"strconv"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
)

// What a step saves for its own post-entrypoint. GitHub gives it back there as STATE_ variables, and nowhere else:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#sending-values-to-the-pre-and-post-actions
const (
	stateBegun   = "promote_begun" // whatever the step is about: its post-entrypoint must not do it once more
	stateMode    = "promote_mode"
	stateRelease = "promote_release"
	stateOwner   = "promote_owner"
	stateTold    = "promote_told" // of how many targets people were told the end
)

// leaving are the modes that may leave something to the end of their job.
var leaving = map[promotion.Mode]bool{
	promotion.ModeRun: true, promotion.ModeDeploy: true, promotion.ModePromote: true, promotion.ModeLock: true, promotion.ModeRollback: true,
}

// remember saves what the post-entrypoint has to know, before anything is done: this container may be killed at any time.
func remember(step *actions.Step, result config.Result) {
	if mode := result.Request.Mode; leaving[mode] || toldModes[mode] {
		warn(step, step.SaveState(stateMode, string(mode)))
		warn(step, step.SaveState(stateRelease, result.Request.Release))
	}
}

// rememberTold saves that people were told of so many targets.
func (a *action) rememberTold(targets int) {
	warn(a.step, a.step.SaveState(stateTold, strconv.Itoa(targets)))
}

// inPost tells whether this is the post-entrypoint of a step.
func inPost(step *actions.Step) bool {
	return step.State(stateBegun) != "" || step.State(stateMode) != ""
}

// runPost ends the step's part in its job: the inputs are those of the step, but the job's status is that of its end.
func (a *action) runPost(ctx context.Context) int {
	step := a.step
	if step.State(stateMode) == "" {
		return 0 // a step that refused its inputs, or that leaves nothing behind
	}
	step.Mask(step.State(stateOwner))
	result, faults := a.load()
	if len(faults) > 0 {
		return 0 // the step itself has told them
	}
	left := promotion.Leftover{
		Mode: promotion.Mode(step.State(stateMode)), Release: step.State(stateRelease), LockOwner: promotion.Secret(step.State(stateOwner)),
	}
	told, _ := strconv.Atoi(step.State(stateTold)) // none where nothing was saved
	code := 0
	for i, target := range result.Targets {
		target.Request.JobStatus = target.Settings.JobStatus
		o := a.clearAway(ctx, target, left)
		code = max(code, o.ExitCode())
		if i == told && toldModes[left.Mode] { // it ended in the middle of this one
			target.Request.Release = left.Release
			for _, f := range a.lastWord(ctx, target, o) {
				step.Annotate(annotation(actions.Warning, f))
			}
		}
	}
	return code
}

// clearAway undoes what a failed job has left half done, and gives back what was kept for it.
func (a *action) clearAway(ctx context.Context, target config.Target, left promotion.Leftover) promotion.Outcome {
	nothing := promotion.Outcome{Kind: promotion.Unchanged, Reason: promotion.ReasonNothingRunning, Request: target.Request}
	green := target.Request.JobStatus == "" || target.Request.JobStatus == "success"
	if !leaving[left.Mode] || left.LockOwner == "" && green {
		return nothing // nothing is left, and nobody needs to be asked
	}
	runner, _, err := a.runner(ctx, target)
	if err != nil {
		a.step.Annotate(annotation(actions.Warning, promotion.FaultOf(err)))
		return nothing
	}
	o := runner.Post(ctx, target.Request, left)
	if o.Reason != promotion.ReasonNothingRunning {
		publish(a.step, o, "")
	}
	return o
}
