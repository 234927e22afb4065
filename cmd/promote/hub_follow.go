package main

import (
	"context"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// How long telling people may take: of a stage, of the end, and of the end once the run was told to stop, when a
// container has six seconds for everything. And how long a stage is told before the next one: GitHub limits how much may
// be written in a minute.
const (
	tellingStage       = 20 * time.Second
	tellingEnd         = 90 * time.Second
	tellingInterrupted = 1500 * time.Millisecond
	tellingPace        = 5 * time.Second
)

// A grace is how long people may still be told after an interruption, of all targets together.
type grace struct{ left time.Duration }

func newGrace() *grace { return &grace{tellingInterrupted} }

// News are what the worker is to tell next: the newest stage alone, where the one before has not been told yet.
type news struct {
	wake chan struct{} // has something where there is news
	over chan struct{} // closed when the run is over

	mu       sync.Mutex
	stage    promotion.Stage
	waiting  *promotion.Holder // of the lock, at that stage
	changing bool              // something is about to change: the run was not superseded before
	closed   bool
}

func newNews() *news { return &news{wake: make(chan struct{}, 1), over: make(chan struct{})} }

// take notes what the run is at, if that is news.
func (n *news) take(e promotion.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.stage == e.Stage && (e.Waiting == nil || n.waiting != nil && n.waiting.RunURL == e.Waiting.RunURL) {
		return
	}
	n.stage, n.waiting = e.Stage, e.Waiting
	n.changing = n.changing || e.Stage == promotion.StageVerify || e.Stage == promotion.StagePromote
	select {
	case n.wake <- struct{}{}:
	default: // the worker will find this when it wakes
	}
}

func (n *news) newest() (promotion.Stage, *promotion.Holder) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stage, n.waiting
}

func (n *news) changes() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changing
}

func (n *news) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	close(n.over)
}

// toldStages are those that people are told of.
var toldStages = map[promotion.Stage]bool{
	promotion.StagePlan: true, promotion.StageDeploy: true, promotion.StageVerify: true, promotion.StagePromote: true,
	promotion.StageGoBack: true, promotion.StageLock: true,
}

// begin starts telling, beside the run.
func (h *hub) begin(ctx context.Context) {
	if h.client == nil {
		return
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.worker.Go(func() { h.safely("stages", func() { h.work(ctx) }) })
	h.heard(promotion.Event{Stage: promotion.StagePlan})
}

// heard follows the run.
func (h *hub) heard(e promotion.Event) {
	if h.client != nil && toldStages[e.Stage] {
		h.news.take(e)
	}
}

// work tells stages until the run is over, which ends no telling that has begun: a deployment whose number were not
// heard would be left without an end.
func (h *hub) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.news.over:
			return
		case <-h.news.wake:
		}
		within, cancel := context.WithTimeout(ctx, tellingStage)
		h.tellStage(within)
		cancel()
		timer := time.NewTimer(tellingPace)
		select {
		case <-ctx.Done():
		case <-h.news.over:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// tellStage tells that the run is under way. What fails is told when the run is over, if it fails again then.
func (h *hub) tellStage(ctx context.Context) {
	h.commentRunning(ctx)
	if h.news.changes() {
		h.deployRunning(ctx)
	}
	h.statusRunning(ctx)
}

// end tells how the run ended. The faults are of everything that could not be told; entire is false if an interruption
// left no time to tell all of it.
func (h *hub) end(ctx context.Context, o promotion.Outcome) (_ report.Published, faults []promotion.Fault, entire bool) {
	within, cancel := lingering(ctx, tellingEnd, h.grace)
	defer cancel()
	if h.stop != nil {
		h.news.close()
		stopWaiting := context.AfterFunc(ctx, h.stop)
		h.worker.Wait()
		stopWaiting()
		h.stop()
	}
	h.req = o.Request // mode promote knows its commit from its release
	h.tellEnd(within, o)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.released, h.faults, within.Err() == nil
}

// tellEnd tells everybody at once.
func (h *hub) tellEnd(ctx context.Context, o promotion.Outcome) {
	var all sync.WaitGroup
	tell := func(about string, how func(context.Context, promotion.Outcome)) {
		all.Go(func() { h.safely(about, func() { how(ctx, o) }) })
	}
	tell("notes", h.notes)
	tell("notification", h.notify)
	if h.client != nil {
		tell("comment", h.commentEnd)
		tell("deployment", h.deployEnd)
		tell("status", h.statusEnd)
	}
	all.Wait()
}

// lingering is a context of so long at most, which an interruption ends too, but only after what is left of the grace.
func lingering(ctx context.Context, limit time.Duration, g *grace) (context.Context, context.CancelFunc) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	var since time.Time
	used := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(used)
		since = time.Now()
		timer := time.NewTimer(g.left)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-within.Done():
		}
	})
	return within, func() {
		cancel()
		if !stop() { // it was interrupted
			<-used
			g.left = max(0, g.left-time.Since(since))
		}
	}
}
