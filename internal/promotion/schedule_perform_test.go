package promotion_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A familyOf commits names the ancestors of each: 1 to 7 are a line, d leaves it after 2, and 9 has all of them.
type familyOf map[string]string

var family = familyOf{"1": "", "2": "1", "3": "12", "4": "123", "5": "1234", "6": "12345", "7": "123456", "d": "12", "9": "1234567d"}

// codes are what the commits build. Commit 3 takes back what 2 has changed, and what 4 builds does not work.
var codes = map[string]string{"1": "one", "2": "two", "3": "one", "4": "broken", "5": "five", "6": "six", "7": "seven", "d": "side", "9": "nine"}

func (f familyOf) Compare(_ context.Context, base, head string) (promotion.Relation, error) {
	b, h := base[:1], head[:1]
	switch {
	case b == h:
		return promotion.Identical, nil
	case strings.Contains(f[h], b):
		return promotion.Ahead, nil
	case strings.Contains(f[b], h):
		return promotion.Behind, nil
	}
	return promotion.Diverged, nil
}

// A performance is a schedule that is carried out, and what was seen of it.
type performance struct {
	*company
	*chronicle
	schedule  schedule
	family    familyOf
	functions []string
	door      *door
	late      sync.WaitGroup // requests that are still under way
	artifacts map[string]promotion.Artifact

	mu      sync.Mutex
	counts  map[string]int
	cues    map[cue]chan struct{}
	fence   uint64
	overrun chan struct{} // closed at the next takeover
	faults  []string
}

// perform carries the schedule out in a bubble of its own.
func (s schedule) perform(t *testing.T) (pf *performance) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pf = &performance{
			company: newCompany(t, sandbox.Options{UpdateTime: s.Settling}), chronicle: &chronicle{}, schedule: s, family: family,
			functions: []string{"a", "b", "c"}[:s.Functions], artifacts: map[string]promotion.Artifact{},
			counts: map[string]int{}, cues: map[cue]chan struct{}{}, overrun: make(chan struct{}),
		}
		pf.arrange()
		pf.door = newDoor(pf)
		var all sync.WaitGroup
		for i, a := range s.Actors {
			all.Go(func() { a.perform(pf, i) })
		}
		for i, who := range s.Strangers {
			all.Go(func() { who.perform(pf, i) })
		}
		all.Wait()
		pf.end()
	})
	return pf
}

// arrange makes the functions, with a version that is live and one of somebody else's.
func (pf *performance) arrange() {
	for _, f := range pf.functions {
		pf.cloud.Function(f, sandboxtest.Code{Name: "old"})
		if pf.schedule.Verifying > 0 {
			if _, err := pf.cloud.Lambda().UpdateFunctionConfiguration(pf.t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &f, Timeout: aws.Int32(900)}); err != nil {
				pf.t.Fatal(err)
			}
			time.Sleep(2 * pf.schedule.Settling)
		}
		if v := pf.cloud.Publish(f); !pf.schedule.Fresh {
			pf.cloud.Alias(f, "prod", v)
		}
		pf.upload(f, "somebody else's")
		time.Sleep(2 * pf.schedule.Settling)
		pf.cloud.Publish(f)
	}
	for _, code := range codes {
		c := sandboxtest.Code{Name: code, Handler: func(context.Context, runner.Input) (runner.Output, error) {
			time.Sleep(pf.schedule.Verifying)
			return runner.Output{Payload: []byte(`"` + code + `"`)}, nil
		}}
		if code == "broken" {
			c.Handler = raising
		}
		pf.artifacts[code] = promotion.Artifact{Kind: promotion.ArtifactZip, Path: pf.build(c)}
	}
	for i := range pf.schedule.Actors {
		for _, deed := range []string{"Invoke", "Intend", "UpdateAlias", "Record", "Lock", "UpdateFunctionCode"} {
			pf.cues[cue{i, deed}] = make(chan struct{})
		}
	}
}

// play gives a party its way to the door.
func (pf *performance) play(name string, list []strike) (*player, context.Context) {
	p := &player{party: pf.enter(name)}
	ctx, cancel := context.WithCancel(pf.t.Context())
	p.network.next = &weather{performance: pf, party: name, door: pf.door, kill: cancel, strikes: list, met: make([]int, len(list))}
	p.runner.Commits = pf.family
	p.runner.Aliases = &toldAliases{p.runner.Aliases, pf.chronicle, p}
	p.runner.Locks = &toldLocks{p.runner.Locks, pf.chronicle, p}
	p.runner.Ledger = &toldLedger{p.runner.Ledger, pf.chronicle}
	return p, ctx
}

func (a actor) request(pf *performance, p *player) promotion.Request {
	names := pf.functions
	if a.Only > 0 && a.Only <= len(names) {
		names = names[a.Only-1 : a.Only]
	}
	req := p.at(sha(a.Commit), pf.requestFor(pf.artifacts[codes[a.Commit]], names...))
	for i := range req.Checks {
		req.Checks[i].Invoke.Within = 5 * time.Minute
	}
	req.Lease, req.LockTimeout, req.Reason, req.Order.AllowDiverged = a.Lease, a.Patience, "it has to be", a.Diverges
	req.UnlockTarget = promotion.UnlockEnvironment
	return req
}

func (a actor) perform(pf *performance, i int) {
	name := "run-" + strconv.Itoa(i)
	if a.Does == "rollback alone" {
		name += "-alone"
	}
	p, ctx := pf.play(name, a.Strikes)
	req := a.request(pf, p)
	a.After.wait(pf)
	time.Sleep(a.Arrives)
	pf.allow(a, req)
	var o promotion.Outcome
	asked := func(m promotion.Mode) promotion.Request {
		req := in(m, req)
		req.Commit, req.Checks = "", nil
		return req
	}
	switch a.Does {
	case "run":
		o = p.runner.Run(ctx, req)
	case "deploy and promote":
		deployment := in(promotion.ModeDeploy, req)
		deployment.Hold = a.Hold
		if o = p.runner.Run(ctx, deployment); o.Kind == promotion.Deployed {
			time.Sleep(a.Between)
			second := later(req)
			second.TestedThrough = promotion.ThroughVersion
			o = p.runner.Run(ctx, second)
		}
	case "rollback":
		o = p.runner.Rollback(ctx, asked(promotion.ModeRollback))
	case "rollback alone":
		p.runner.Locks, p.runner.Ledger = nil, nil
		alone := asked(promotion.ModeRollback)
		alone.WithoutLock, alone.To = true, map[string]promotion.Version{}
		for _, f := range req.Functions {
			alone.To[f.Key] = 1
		}
		o = p.runner.Rollback(ctx, alone)
	case "reconcile":
		o = p.runner.Reconcile(ctx, asked(promotion.ModeReconcile))
	case "abort":
		o = p.runner.Abort(ctx, asked(promotion.ModeAbort))
	case "unlock":
		o = p.runner.Unlock(ctx, asked(promotion.ModeUnlock))
	}
	pf.ended(p, o)
	if a.Post && (a.Does == "run" || a.Does == "deploy and promote") {
		p, ctx := pf.play(name, nil)
		req.JobStatus = "failure"
		o := p.runner.Post(ctx, req, promotion.Leftover{Mode: promotion.ModeRun, Release: req.Release})
		o.Request.Mode = "" // it is its step's release that has moved
		pf.ended(p, o)
	}
}

func (pf *performance) allow(a actor, req promotion.Request) {
	pf.door.turn <- struct{}{}
	defer func() { <-pf.door.turn }()
	if a.Diverges {
		pf.door.diverges[req.Commit] = true
	}
}

// ended takes in what a run came to, and whether what it says of itself can be true.
func (pf *performance) ended(p *player, o promotion.Outcome) {
	w := p.network.next.(*weather)
	w.mu.Lock()
	dead := w.dead
	w.mu.Unlock()
	w.kill()
	if dead {
		return
	}
	pf.count("ended " + string(o.Kind))
	if len(o.Repairs) > 0 {
		pf.count("repairs")
	}
	switch o.Kind {
	case promotion.Superseded, promotion.Refused, promotion.LockTimeout, promotion.VerificationFailed, promotion.Unchanged:
		pf.door.turn <- struct{}{}
		defer func() { <-pf.door.turn }()
		if n := pf.door.moved[o.Request.Release]; n > 0 && o.Request.Mode == promotion.ModeRun {
			pf.wrong("%s ended %s, and its release has moved %d aliases", p.name, o.Kind, n)
		}
	}
}

func (pf *performance) wrong(format string, args ...any) {
	pf.mu.Lock()
	defer pf.mu.Unlock()
	pf.faults = append(pf.faults, fmt.Sprintf(format, args...))
}

func (pf *performance) count(what string) {
	if what == "" {
		return
	}
	pf.mu.Lock()
	defer pf.mu.Unlock()
	pf.counts[what]++
}
