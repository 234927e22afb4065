package main

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// A hub is where people are told of a run besides its log: GitHub's pull request, deployments, commit and release, and
// whoever wants to be notified. Nothing here decides anything about the run, and whatever fails is one warning.
type hub struct {
	client  *github.Client // nil where GitHub cannot be told
	step    *actions.Step
	context report.Context
	wanted  config.Reporting
	req     promotion.Request
	ledger  promotion.Ledger // nil without one
	table   string           // that the ledger is in
	account func(context.Context) (string, error)
	aws     aws.Config

	workspace string

	comment    comment
	deployment deployment

	mu       sync.Mutex
	faults   []promotion.Fault
	told     map[string]bool // of the faults, by what they are about
	stage    promotion.Stage // that is to be told next; "" for none
	waiting  *promotion.Holder
	wake     chan struct{}
	closed   bool
	released published
	worker   sync.WaitGroup
	stop     context.CancelFunc
}

// A published is what came of a run outside of its job.
type published = report.Published

// How long telling people may take: in all, and once the run was told to stop, when a container has six seconds for
// everything.
const (
	tellingWithin      = 90 * time.Second
	tellingInterrupted = 1500 * time.Millisecond
	tellingOfStage     = 20 * time.Second
)

// toldModes are the modes of which people are told on GitHub.
var toldModes = map[promotion.Mode]bool{
	promotion.ModeRun: true, promotion.ModeDeploy: true, promotion.ModePromote: true, promotion.ModeRollback: true, promotion.ModeReconcile: true, promotion.ModePlan: true,
}

// newHub makes the hub of one target. It calls nobody yet.
func (w wiring) newHub(t config.Target) *hub {
	h := &hub{
		step: actions.New(w.getenv, io.Discard), wanted: t.Settings.Reporting, req: t.Request, table: t.Settings.LockTable, workspace: w.workspace,
		told: map[string]bool{}, wake: make(chan struct{}, 1),
	}
	h.context = contextOf(h.step)
	token := t.Settings.GitHubToken.Reveal()
	if w.hub == nil || !toldModes[t.Request.Mode] || token == "" && w.getenv("GITHUB_TOKEN") == "" && w.getenv("GH_TOKEN") == "" {
		return h
	}
	// A client of its own: what reports wait for must not be taken from the time of the order of commits.
	h.client, _ = github.Open(github.Options{Getenv: w.getenv, Token: token, Version: version})
	return h
}

// contextOf is what reports need of the runner for their links.
func contextOf(step *actions.Step) report.Context {
	return report.Context{ServerURL: step.Server(), Repository: step.Repository(), Workflow: step.Workflow()}
}

// begin starts telling, beside the run.
func (h *hub) begin(ctx context.Context) {
	if h.client == nil {
		return
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.worker.Go(func() { h.work(ctx) })
	h.next(promotion.StagePlan, nil)
}

// heard follows the run: what it is at is told, the newest alone where the one before has not been told yet.
func (h *hub) heard(e promotion.Event) {
	if h.client == nil || e.Progress != nil {
		return
	}
	switch e.Stage {
	case promotion.StageDeploy, promotion.StageVerify, promotion.StagePromote, promotion.StageGoBack, promotion.StageLock:
		h.next(e.Stage, nil)
	}
}

func (h *hub) next(stage promotion.Stage, waiting *promotion.Holder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.stage == stage {
		return
	}
	h.stage, h.waiting = stage, waiting
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hub) work(ctx context.Context) {
	var last promotion.Stage
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		h.mu.Lock()
		stage, waiting := h.stage, h.waiting
		h.mu.Unlock()
		if stage == last {
			continue
		}
		last = stage
		within, cancel := context.WithTimeout(ctx, tellingOfStage)
		h.tellStage(within, stage, waiting)
		cancel()
	}
}

// tellStage tells that the run is under way.
func (h *hub) tellStage(ctx context.Context, stage promotion.Stage, waiting *promotion.Holder) {
	h.findPull(ctx)
	h.commentRunning(ctx, stage, waiting)
	if h.req.Mode == promotion.ModeRun || h.req.Mode == promotion.ModePromote {
		// Filed once the order of commits was asked and something is going to change: a run that is superseded has none.
		if stage == promotion.StageVerify || stage == promotion.StagePromote {
			h.deployRunning(ctx)
		}
		h.statusRunning(ctx)
	}
}

// end tells how the run ended. The warnings are those of everything that could not be told.
func (h *hub) end(ctx context.Context, o promotion.Outcome) (published, []promotion.Fault) {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	limit := tellingWithin
	if ctx.Err() != nil {
		limit = tellingInterrupted
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if h.stop != nil {
		h.stop()
		h.worker.Wait()
	}
	h.req = o.Request // mode promote knows its commit from its release
	h.tellEnd(within, o)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.released, h.faults
}

// tellEnd tells everybody at once. The comment comes last, since it is what people look at.
func (h *hub) tellEnd(ctx context.Context, o promotion.Outcome) {
	var others sync.WaitGroup
	if h.client != nil {
		others.Go(func() { h.deployEnd(ctx, o) })
		others.Go(func() { h.statusEnd(ctx, o) })
	}
	others.Go(func() { h.notes(ctx, o) })
	others.Go(func() { h.notify(ctx, o) })
	if h.client != nil {
		h.findPull(ctx)
		h.commentEnd(ctx, o)
	}
	others.Wait()
}

// warn keeps a fault of telling people, one for each thing that was to be told.
func (h *hub) warn(about string, err error) {
	if err == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told[about] {
		return
	}
	h.told[about] = true
	f := promotion.FaultOf(err)
	if f.Hint == "" {
		f.Hint = "the outcome stands; the job summary has everything"
	}
	h.faults = append(h.faults, f)
}
