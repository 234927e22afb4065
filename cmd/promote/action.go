package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/gitlog"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
	"github.com/promote-on-success/promote/internal/workflow"
)

// runAction is the program as a workflow's step: inputs from the environment, the story into the log, the outcome into
// outputs, the job summary and annotations. It returns the exit code.
func runAction(ctx context.Context, getenv func(string) string, stdout io.Writer, web *http.Client) int {
	step := actions.New(getenv, stdout)
	defer step.Finish()
	a := newAction(step, getenv, web)
	if inPost(step) {
		return a.runPost(ctx)
	}
	warn(step, step.SaveState(stateBegun, "true"))
	result, faults := a.load()
	if len(faults) > 0 {
		refused := promotion.BadInput(result.Request, faults)
		published, warnings := a.refuse(ctx, result.Known, faults)
		refused.Warnings = append(refused.Warnings, warnings...)
		publish(step, refused, "")
		return give(step, refused, published)
	}
	remember(step, result)
	a.adviseGroup(result)
	switch result.Request.Mode {
	case promotion.ModeStatus:
		return publishStatus(step, a.statuses(ctx, result.Targets))
	case promotion.ModeHistory:
		return a.publishHistory(ctx, result)
	}
	var outcomes []promotion.Outcome
	published := report.Published{}
	var policies policies
	for i, target := range result.Targets {
		done := a.carryOut(ctx, target)
		if done.told {
			a.rememberTold(i + 1)
		}
		outcome := done.outcome
		outcomes = append(outcomes, outcome)
		published = cmp.Or(done.published, published)
		appendix := ""
		if document, note := neededPolicy(target); policies.isNew(document) {
			appendix = report.PolicySummary(document, note)
		}
		publish(step, outcome, appendix)
	}
	return give(step, telling(outcomes), published)
}

// An action is the program within a workflow's step.
type action struct {
	wiring
	step    *actions.Step
	around  surrounding
	advised []promotion.Fault // of the workflow file, for the first outcome that is shown
}

func newAction(step *actions.Step, getenv func(string) string, web *http.Client) *action {
	workspace := getenv("GITHUB_WORKSPACE")
	if info, err := os.Stat(workspace); workspace == "" || err != nil || !info.IsDir() {
		workspace = "."
	}
	around := surroundingOf(step, getenv, workspace, promotion.ModeRun)
	var problem error
	if around.commit, problem = step.Commit(); problem != nil {
		step.Annotate(annotation(actions.Warning, promotion.FaultOf(problem)))
	}
	return &action{step: step, around: around, wiring: wiring{
		getenv: getenv, workspace: workspace, mask: step.Mask, workflow: true, grace: newGrace(), web: web,
	}}
}

// load reads the configuration, and masks every secret in it before anything else is done.
func (a *action) load() (config.Result, []promotion.Fault) {
	a.step.Mask(a.getenv(lockVariable))
	result, faults := a.around.load(inputsOf(a.step))
	for _, target := range result.Targets {
		for _, secret := range target.Settings.Secrets {
			a.step.Mask(secret.Reveal())
		}
	}
	if len(faults) == 0 {
		a.openGitHub(result)
	}
	return result, faults
}

// openGitHub makes GitHub the one who knows how commits stand to each other. A clone in a workflow is mostly shallow.
func (a *action) openGitHub(result config.Result) {
	client, err := github.Open(github.Options{Getenv: a.getenv, Token: result.Settings.GitHubToken.Reveal(), Version: version, HTTPClient: a.web})
	if err != nil {
		a.step.Debug("%v", err)
		a.commits = gitlog.In(a.workspace)
		return
	}
	a.hub = client
	a.commits = promotion.Histories{client, gitlog.In(a.workspace)}
}

// carryOut does what one target asks for, and tells of it in the log.
func (a *action) carryOut(ctx context.Context, target config.Target) carriedOut {
	log := &groupedLog{step: a.step, single: len(target.Request.Functions) <= 1, groups: map[string]*functionLog{}}
	a.tell = log.tell
	target.Request.Commit = a.untagged(ctx, target.Request)
	done := a.wiring.carryOut(ctx, target)
	log.close()
	done.outcome.Warnings = append(done.outcome.Warnings, a.advised...)
	a.advised = nil
	if owner := done.owner.Reveal(); owner != "" {
		a.step.Mask(owner)
		warn(a.step, a.step.SetEnv(lockVariable, owner))
		warn(a.step, a.step.SaveState(stateOwner, owner))
	}
	return done
}

// refuse tells people of a run whose input is wrong, as far as it is known whom.
func (a *action) refuse(ctx context.Context, known config.Target, faults []promotion.Fault) (report.Published, []promotion.Fault) {
	if req := &known.Request; req.App == "" || req.Environment.Name == "" { // half a name would be somebody else's
		req.App, req.Environment = "", promotion.Environment{}
	}
	h := a.newHub(known)
	published, warnings, _ := h.end(ctx, promotion.BadInput(known.Request, faults))
	return published, warnings
}

// untagged is the commit of a run about a tag. A hash given by hand may be that of an annotated tag's own object.
func (a *action) untagged(ctx context.Context, req promotion.Request) string {
	if a.hub == nil || req.Commit == "" || !strings.HasPrefix(req.Ref, "refs/tags/") || req.Commit == a.getenv("GITHUB_SHA") {
		return req.Commit
	}
	commit, err := a.hub.Commit(ctx, req.Commit)
	if err != nil {
		return req.Commit // the order of commits says what is wrong with it
	}
	return commit
}

// adviseGroup looks whether the job is in a concurrency group that does what one should.
func (a *action) adviseGroup(result config.Result) {
	job := workflow.Job{
		WorkflowRef: a.getenv("GITHUB_WORKFLOW_REF"), Repository: a.getenv("GITHUB_REPOSITORY"), ID: a.getenv("GITHUB_JOB"),
		Action: a.getenv("GITHUB_ACTION_REPOSITORY"), App: result.Request.App, Environment: result.Request.Environment.Name,
	}
	a.advised = workflow.Findings(job, func(path string) ([]byte, error) {
		f, err := os.OpenInRoot(a.workspace, path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, workflow.Largest+1))
	}, result.Request.Mode)
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
		return cmp.Or(cmp.Compare(a.ExitCode(), b.ExitCode()), cmp.Compare(done(a), done(b)))
	})
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
	for _, n := range report.Annotations(o) {
		step.Annotate(actions.Annotation{Level: actions.Level(n.Level), Title: n.Title, Message: n.Message, File: n.File, Line: n.Line, Column: n.Column})
	}
	warn(step, step.AddSummary(report.Summary(o, contextOf(step))+appendix))
}

// give makes an outcome the step's: its outputs and its exit code.
func give(step *actions.Step, o promotion.Outcome, published report.Published) int {
	for _, out := range report.Outputs(o, published) {
		warn(step, step.SetOutput(out.Name, out.Value))
	}
	return o.ExitCode()
}

func publishStatus(step *actions.Step, statuses []report.EnvironmentStatus) int {
	step.Foreign(report.Status(statuses))
	warn(step, step.AddSummary(report.StatusSummary(statuses, contextOf(step))))
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
