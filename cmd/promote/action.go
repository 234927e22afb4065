package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// runAction is the program as a workflow's step: inputs from the environment, the story into the log, the outcome into
// outputs, the job summary and annotations. It returns the exit code.
func runAction(ctx context.Context, getenv func(string) string, stdout io.Writer) int {
	step := actions.New(getenv, stdout)
	defer step.Finish()

	s, problem := surroundingOf(step, getenv)
	if problem != nil {
		step.Annotate(annotation(actions.Warning, promotion.FaultOf(problem)))
	}
	result, faults := s.load(inputsOf(step))
	for _, target := range result.Targets {
		for _, secret := range target.Settings.Secrets {
			step.Mask(secret.Reveal())
		}
	}
	if len(faults) > 0 {
		refused := promotion.BadInput(result.Request, faults)
		publish(step, refused, "")
		return give(step, refused)
	}
	w := wiring{getenv: getenv, workspace: s.workspace, mask: step.Mask}
	if result.Request.Mode == promotion.ModeStatus {
		return publishStatus(step, w.statuses(ctx, result.Targets))
	}
	var outcomes []promotion.Outcome
	var policies policies
	for _, target := range result.Targets {
		log := &groupedLog{step: step, single: len(target.Request.Functions) <= 1, groups: map[string]*functionLog{}}
		w.tell = log.tell
		outcome := w.carryOut(ctx, target)
		log.close()
		outcomes = append(outcomes, outcome)
		appendix := ""
		if document, note := neededPolicy(target); policies.isNew(document) {
			appendix = report.PolicySummary(document, note)
		}
		publish(step, outcome, appendix)
	}
	return give(step, telling(outcomes))
}

// telling is the outcome that a step of several environments has: the gravest, else one in which something was done.
func telling(outcomes []promotion.Outcome) promotion.Outcome {
	return slices.MaxFunc(outcomes, func(a, b promotion.Outcome) int {
		done := func(o promotion.Outcome) int {
			if o.Kind == promotion.Unchanged {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Kind.ExitCode(), b.Kind.ExitCode()), cmp.Compare(done(a), done(b)))
	})
}

// surroundingOf is what the runner says about this run. The error is what could not be found out.
func surroundingOf(step *actions.Step, getenv func(string) string) (surrounding, error) {
	workspace := getenv("GITHUB_WORKSPACE")
	if info, err := os.Stat(workspace); workspace == "" || err != nil || !info.IsDir() {
		workspace = "."
	}
	commit, err := step.Commit()
	return surrounding{
		getenv: getenv, workspace: workspace, mode: promotion.ModeRun,
		commit: commit, repository: step.Repository(), runURL: step.RunURL(), actor: step.Actor(),
	}, err
}

func inputsOf(step *actions.Step) map[string]config.Input {
	var names []string
	for _, in := range config.Inputs() {
		names = append(names, in.Name)
	}
	inputs := map[string]config.Input{}
	for name, value := range step.Inputs(names) {
		inputs[name] = config.Input{Value: value, Label: "input " + name}
	}
	return inputs
}

// publish shows an outcome to people, in every place that a step has, and the appendix (Markdown, or "") below the job
// summary. What cannot be written there is a warning: it does not change what happened.
func publish(step *actions.Step, o promotion.Outcome, appendix string) {
	step.Foreign(report.Terminal(o))
	level := actions.Error
	if o.Kind.ExitCode() == 0 {
		level = actions.Warning
	}
	for _, f := range o.Faults {
		step.Annotate(annotation(level, f))
	}
	for _, f := range o.Warnings {
		step.Annotate(annotation(actions.Warning, f))
	}
	warn(step, step.AddSummary(report.Summary(o)+appendix))
}

// give makes an outcome the step's: its outputs and its exit code.
func give(step *actions.Step, o promotion.Outcome) int {
	for _, out := range report.Outputs(o) {
		warn(step, step.SetOutput(out.Name, out.Value))
	}
	return o.Kind.ExitCode()
}

func publishStatus(step *actions.Step, statuses []report.EnvironmentStatus) int {
	step.Foreign(report.Status(statuses))
	warn(step, step.AddSummary(report.StatusSummary(statuses)))
	if report.Unread(statuses) {
		step.Annotate(actions.Annotation{Level: actions.Error, Title: "promote", Message: "not every environment could be read: see the log of this step"})
		return promotion.Failed.ExitCode()
	}
	return 0
}

func warn(step *actions.Step, err error) {
	if err != nil && !errors.Is(err, actions.ErrNoFile) {
		step.Annotate(actions.Annotation{Level: actions.Warning, Title: "promote", Message: err.Error()})
	}
}

func annotation(level actions.Level, f promotion.Fault) actions.Annotation {
	a := actions.Annotation{Level: level, Title: "promote", Message: f.What}
	if f.Where.Input == "" {
		a.File, a.Line, a.Column = f.Where.File, f.Where.Line, f.Where.Column
	} else {
		a.Message = f.Where.String() + ": " + a.Message
	}
	if f.Detail != "" {
		a.Message += ": " + f.Detail
	}
	if f.Accepted != "" {
		a.Message += "\naccepted: " + f.Accepted
	}
	if f.Hint != "" {
		a.Message += "\nhint: " + f.Hint
	}
	return a
}

// A groupedLog keeps what is told about each function together, though functions are at work at the same time: a stage
// of a function appears as one folded group when it is over. A run of a single function is told at once.
type groupedLog struct {
	step   *actions.Step
	single bool

	mu     sync.Mutex
	groups map[string]*functionLog
}

type functionLog struct {
	stage promotion.Stage
	group *actions.Group
}

func (l *groupedLog) tell(e promotion.Event) {
	if e.Progress != nil {
		return
	}
	if l.single || e.Function == "" {
		l.step.Say("%s: %s", e.Stage, e.Text)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.groups[e.Function]
	if f == nil || f.stage != e.Stage {
		if f != nil {
			f.group.Close()
		}
		f = &functionLog{stage: e.Stage, group: l.step.Group(string(e.Stage) + " " + e.Function)}
		l.groups[e.Function] = f
	}
	f.group.Say("%s", e.Text)
}

func (l *groupedLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range sortedKeys(l.groups) {
		l.groups[key].group.Close()
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
