package promotion_test

import (
	"context"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A crashPlay is one kind of run that is cut: what stands before it, and the run.
type crashPlay struct {
	name    string
	names   []string // of the functions
	release []string // those of them that move together; nil: all
	stage   func(s *scene)
	dirty   bool // the stage leaves something half done
	act     func(ctx context.Context, s *scene, p *party) promotion.Outcome
}

// steps plays the steps of a job, as long as it lives and they come to what they should.
func steps(ctx context.Context, s *scene, list ...func() promotion.Outcome) (o promotion.Outcome) {
	for _, step := range list {
		if o = s.heed(step()); ctx.Err() != nil || o.ExitCode() != 0 {
			break
		}
	}
	return o
}

// release runs the nth commit in slow code, with its lease.
func release(n int, names ...string) func(context.Context, *scene, *party) promotion.Outcome {
	return func(ctx context.Context, s *scene, p *party) promotion.Outcome {
		req := s.ask(p, n, true, names...)
		req.Lease = s.lease
		return s.heed(p.runner.Run(ctx, req))
	}
}

// fiveOf is a release of the nth commit that brings code for a, b and e; c and d are unchanged.
func fiveOf(n int) func(context.Context, *scene, *party) promotion.Outcome {
	return func(ctx context.Context, s *scene, p *party) promotion.Outcome {
		req := s.ask(p, n, true, five...)
		req.Lease = s.lease
		for i := range req.Functions {
			switch req.Functions[i].Key {
			case "c":
				req.Functions[i].Artifact.Path = s.build(s.code(1, false))
			case "d":
				req.Functions[i].Artifact.Path = s.build(s.code(0, false))
			}
		}
		return s.heed(p.runner.Run(ctx, req))
	}
}

// handover deploys and promotes the nth commit in two steps of one job.
func handover(n int, hold time.Duration, names ...string) func(context.Context, *scene, *party) promotion.Outcome {
	return func(ctx context.Context, s *scene, p *party) promotion.Outcome {
		req := in(promotion.ModeDeploy, s.ask(p, n, true, names...))
		req.Lease, req.Hold = s.lease, hold
		return steps(ctx, s,
			func() promotion.Outcome { s.mode = promotion.ModeDeploy; return p.runner.Run(ctx, req) },
			func() promotion.Outcome { s.mode = promotion.ModePromote; return p.runner.Run(ctx, later(req)) })
	}
}

// underLock takes the code lock, lets another tool put the nth commit's code in place, and promotes that.
func underLock(n int, names ...string) func(context.Context, *scene, *party) promotion.Outcome {
	return func(ctx context.Context, s *scene, p *party) promotion.Outcome {
		req := p.at(commit(n), s.requestFor(promotion.Artifact{Kind: promotion.ArtifactNone}, names...))
		req.Lease, req.Hold = s.lease, 2*time.Minute
		return steps(ctx, s,
			func() (o promotion.Outcome) {
				s.mode = promotion.ModeLock
				o, req.LockOwner = p.runner.Lock(ctx, in(promotion.ModeLock, req))
				s.owner = req.LockOwner
				return o
			},
			func() promotion.Outcome {
				s.mode = promotion.ModeRun
				for _, name := range names {
					s.code(n, false)
					s.upload(name, codeNames[n])
				}
				return p.runner.Run(ctx, req)
			})
	}
}

// back asks for a rollback.
func back(ctx context.Context, s *scene, p *party) promotion.Outcome {
	s.asked = append(s.asked, time.Now())
	req := p.at("", s.requestFor(promotion.Artifact{}, s.names...))
	req.Mode, req.Checks, req.Reason, req.Lease = promotion.ModeRollback, nil, "it is slow", s.lease
	return p.runner.Rollback(ctx, req)
}

// mend asks for a repair of what dead runs left.
func mend(ctx context.Context, s *scene, p *party) promotion.Outcome {
	req := p.at("", s.requestFor(promotion.Artifact{}, s.names...))
	req.Mode, req.Checks, req.Lease = promotion.ModeReconcile, nil, s.lease
	return p.runner.Reconcile(ctx, req)
}

// killed ends a run of the nth commit at a call, and returns the party that died.
func (s *scene) killed(n int, m moment, how string, act func(context.Context, *scene, *party) promotion.Outcome) *party {
	s.t.Helper()
	p := s.party("dead")
	k := p.tapped()
	ctx, kill := context.WithCancelCause(s.t.Context())
	k.kill, k.at, k.how = kill, m, how
	act(ctx, s, p)
	select {
	case <-k.struck:
	default:
		s.t.Fatalf("the run never came to %s: %v", m, k.made())
	}
	return p
}

var (
	pair = []string{"a", "b"}
	five = []string{"a", "b", "c", "d", "e"}
)

// half leaves a promotion of the second commit half done: a has moved, and b has not.
func half(s *scene) *party {
	return s.killed(2, moment{"UpdateAlias b", 1}, cutBefore, release(2, pair...))
}

// full leaves one behind that is done but for its record.
func full(s *scene) *party {
	return s.killed(2, moment{"GetAlias b", 2}, cutBefore, release(2, pair...))
}

// earlier is a stage of earlier promotions, and what was left after them.
func earlier(left func(*scene) *party, commits ...int) func(*scene) {
	return func(s *scene) {
		s.found(true, s.names...)
		for _, n := range commits {
			s.promoted(n, s.names...)
		}
		s.was = s.holds()
		if left != nil {
			left(s)
		}
	}
}

// afterJob is the end of a job whose step was killed half way.
func afterJob(ctx context.Context, s *scene, p *party) promotion.Outcome {
	req := s.ask(p, 2, false, s.names...)
	req.JobStatus, req.Lease = "cancelled", s.lease
	req.RunID, req.Release = s.left.name, "release-"+s.left.name
	return p.runner.Post(ctx, req, promotion.Leftover{Mode: promotion.ModeRun, Release: req.Release})
}

// condemned is a job that deploys, whose tests fail, and its end.
func condemned(ctx context.Context, s *scene, p *party) promotion.Outcome {
	req := in(promotion.ModeDeploy, s.ask(p, 2, true, s.names...))
	req.Lease, req.Hold = s.lease, 2*time.Minute
	end := req
	end.JobStatus = "failure"
	return steps(ctx, s,
		func() promotion.Outcome { s.mode = promotion.ModeDeploy; return p.runner.Run(ctx, req) },
		func() promotion.Outcome {
			return p.runner.Post(ctx, end, promotion.Leftover{Mode: promotion.ModeDeploy, Release: req.Release})
		})
}

// lockedJob takes the code lock for another tool that fails, and ends.
func lockedJob(ctx context.Context, s *scene, p *party) promotion.Outcome {
	req := p.at(commit(2), s.requestFor(promotion.Artifact{Kind: promotion.ArtifactNone}, s.names...))
	req.Lease, req.Hold = s.lease, 2*time.Minute
	var owner promotion.Secret
	return steps(ctx, s,
		func() (o promotion.Outcome) {
			o, owner = p.runner.Lock(ctx, in(promotion.ModeLock, req))
			s.mode, s.owner = promotion.ModeLock, owner
			return o
		},
		func() promotion.Outcome {
			req.JobStatus = "failure"
			return p.runner.Post(ctx, req, promotion.Leftover{Mode: promotion.ModeLock, LockOwner: owner})
		})
}

var plays = []crashPlay{
	{name: "first release", names: pair,
		stage: func(s *scene) { s.found(false, pair...) }, act: release(2, pair...)},
	{name: "first promotion of what exists", names: pair,
		stage: earlier(nil), act: release(2, pair...)},
	{name: "change", names: pair,
		stage: earlier(nil, 1), act: release(2, pair...)},
	{name: "nothing but a newer commit", names: pair,
		stage: earlier(nil, 1), act: func(ctx context.Context, s *scene, p *party) promotion.Outcome {
			req := p.at(commit(2), s.request(codeNames[1], pair...))
			req.Lease = s.lease
			return s.heed(p.runner.Run(ctx, req))
		}},
	{name: "five functions", names: five, release: []string{"a", "b", "e"},
		stage: func(s *scene) { // a, b and c are promoted, d is only there, and e has no alias
			s.found(true, "a", "b", "c", "d")
			s.found(false, "e")
			s.promoted(1, "a", "b", "c")
		}, act: fiveOf(2)},
	{name: "rollback", names: pair, stage: earlier(nil, 1, 2), act: back},
	{name: "rollback of an unfinished promotion", names: pair, dirty: true, stage: earlier(half, 1), act: back},
	{name: "reconcile, which undoes", names: pair, dirty: true, stage: earlier(half, 1), act: mend},
	{name: "reconcile, which finishes", names: pair, dirty: true, stage: earlier(full, 1), act: mend},
	{name: "reconcile, which finishes a rollback", names: pair,
		dirty: true, stage: earlier(func(s *scene) *party { return s.killed(0, moment{"UpdateAlias b", 1}, cutBefore, back) }, 1, 2), act: mend},
	{name: "run over an unfinished promotion", names: pair, dirty: true, stage: earlier(half, 1), act: release(3, pair...)},
	{name: "deploy and promote", names: pair, stage: earlier(nil, 1), act: handover(2, 0, pair...)},
	{name: "deploy and promote with hold", names: pair, stage: earlier(nil, 1), act: handover(2, 2*time.Minute, pair...)},
	{name: "lock and run", names: pair, stage: earlier(nil, 1), act: underLock(2, pair...)},
	{name: "post after a killed run", names: pair,
		dirty: true, stage: earlier(func(s *scene) *party { s.left = half(s); return s.left }, 1), act: afterJob},
	{name: "post after failed tests", names: pair, stage: earlier(nil, 1), act: condemned},
	{name: "post after mode lock", names: pair, stage: earlier(nil, 1), act: lockedJob},
}
