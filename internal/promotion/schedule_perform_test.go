package promotion_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
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

// see tells those who wait for it that an actor does something.
func (pf *performance) see(party, deed string) {
	i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(party, "run-"), "-alone"))
	if err != nil {
		return
	}
	pf.mu.Lock()
	defer pf.mu.Unlock()
	if c := pf.cues[cue{i, deed}]; c != nil {
		close(c)
		pf.cues[cue{i, deed}] = nil
	}
}

// wait waits for the cue, and not for ever: it may never come.
func (c cue) wait(pf *performance) {
	pf.mu.Lock()
	moment := pf.cues[c]
	pf.mu.Unlock()
	if moment == nil {
		return
	}
	select {
	case <-moment:
	case <-time.After(30 * time.Second):
	}
}

// takenOver lets go what waits for a takeover.
func (pf *performance) takenOver(fence uint64) {
	pf.mu.Lock()
	defer pf.mu.Unlock()
	pf.fence = fence
	close(pf.overrun)
	pf.overrun = make(chan struct{})
}

// takeover waits for the next grant of the lock, and then for a while, but not for ever.
func (pf *performance) takeover(more time.Duration) func() {
	pf.mu.Lock()
	next := pf.overrun
	pf.mu.Unlock()
	return func() {
		select {
		case <-next:
			time.Sleep(min(more, 20*time.Second))
		case <-time.After(5 * time.Minute):
		}
	}
}

func (who stranger) perform(pf *performance, i int) {
	if who.Function > len(pf.functions) {
		return
	}
	name, f := "stranger-"+strconv.Itoa(i), pf.functions[who.Function-1]
	cfg := pf.cloud.AWS()
	cfg.HTTPClient = &http.Client{Transport: &weather{performance: pf, party: name, door: pf.door}}
	api := lambda.NewFromConfig(cfg)
	who.After.wait(pf)
	time.Sleep(who.At)
	ctx := pf.t.Context()
	in := &lambda.UpdateAliasInput{FunctionName: &f, Name: aws.String("prod")}
	if who.Does == "compares and writes" || who.Does == "touches" {
		found, err := api.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &f, Name: aws.String("prod")})
		if err != nil {
			return // there may be none yet
		}
		in.RevisionId = found.RevisionId
	}
	switch who.Does {
	case "uploads":
		_, _ = api.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &f, ZipFile: pf.cloud.Zip(sandboxtest.Code{Name: "a stranger's"})}) // an update may be under way
		return
	case "overwrites", "compares and writes":
		in.FunctionVersion = aws.String("2")
	}
	pf.strangerWrites(f, in, func() (*lambda.UpdateAliasOutput, error) { return api.UpdateAlias(ctx, in) })
}

// strangerWrites writes an alias as a stranger, and takes it into the chronicle.
func (pf *performance) strangerWrites(f string, in *lambda.UpdateAliasInput, write func() (*lambda.UpdateAliasOutput, error)) {
	op := registerOp{kind: "move", revision: aws.ToString(in.RevisionId), to: aws.ToString(in.FunctionVersion)}
	pf.record(&pf.registers, f, op, func() any {
		out, err := write()
		if err != nil {
			return registerTold{what: "nothing"}
		}
		return registerTold{what: "done", version: aws.ToString(out.FunctionVersion), revision: aws.ToString(out.RevisionId)}
	})
	pf.count("a stranger writes")
}

// end waits until nothing is under way any more and lets a run that nobody disturbs put everything right.
func (pf *performance) end() {
	p, ctx := pf.play("mender", nil)
	req := actor{Commit: "9", Lease: 30 * time.Second}.request(pf, p)
	mend := in(promotion.ModeReconcile, req)
	mend.Commit, mend.Checks = "", nil
	if o := p.runner.Reconcile(ctx, mend); o.Kind != promotion.Reconciled && o.Kind != promotion.Unchanged && o.Kind != promotion.ConflictFound {
		pf.wrong("the mender ended %s: %s %v", o.Kind, o.Sentence, o.Faults)
	}
	pf.late.Wait()
	var o promotion.Outcome
	for n := range 3 {
		p, ctx = pf.play("last-"+strconv.Itoa(n), nil)
		if o = p.runner.Run(ctx, p.at(sha("9"), req)); o.Kind != promotion.ConflictFound {
			break
		}
	}
	if o.Kind != promotion.Promoted && o.Kind != promotion.Unchanged {
		pf.wrong("the last run ended %s (%s): %s %v", o.Kind, o.Reason, o.Sentence, o.Faults)
	}
	pf.atRest()
}

// atRest holds what is left in the end to the rules.
func (pf *performance) atRest() {
	book := pf.book()
	if book.Open != nil {
		pf.wrong("in the end the intent %s is open", book.Open.ID)
	}
	for _, l := range []promotion.Lock{{App: "shop"}, {App: "shop", Environment: "prod"}} {
		if holder, err := pf.enter("reader").runner.Locks.Look(context.Background(), l); err != nil || holder != nil {
			pf.wrong("in the end %s is held by %v (%v)", l, holder, err)
		}
	}
	for _, f := range pf.functions {
		rec := book.Head.Functions[f]
		if holds := pf.alias(f); rec.Version.String() != holds || rec.Source.Commit != sha("9") {
			pf.wrong("in the end the alias of %s holds %s, and version %s of commit %.1s is recorded", f, holds, rec.Version, rec.Source.Commit)
		}
		out, err := pf.cloud.Lambda().Invoke(pf.t.Context(), &lambda.InvokeInput{FunctionName: &f, Qualifier: aws.String("prod"), Payload: []byte("{}")})
		if err != nil || string(out.Payload) != `"`+codes["9"]+`"` {
			pf.wrong("in the end %s answers %v (%v)", f, out, err)
		}
		if slices.ContainsFunc(pf.history(f), func(v aliasValue) bool { return len(v.Weights) > 0 || v.Deleted }) {
			pf.wrong("the alias of %s had weights, or was deleted", f)
		}
	}
	promoted := map[string]int{}
	for _, e := range pf.entries() {
		if e.Kind == promotion.EntryPromotion {
			if promoted[e.Release]++; promoted[e.Release] > 1 {
				pf.wrong("%s is promoted twice in the history", e.Release)
			}
		}
	}
	pf.wrongs = append(pf.faults, pf.door.faults...)
	pf.wrongs = pf.wrongs[:min(len(pf.wrongs), math.MaxInt8)]
}
