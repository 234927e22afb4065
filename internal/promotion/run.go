package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Runner carries requests out through its adapters.
type Runner struct {
	Packages  Packages
	Functions Functions
	Aliases   Aliases
	Checks    Checks
	Routes    EndpointRoutes // needed only for requests with endpoints
	Locks     Locks          // with the ledger; both are nil where locking is switched off
	Ledger    Ledger
	Table     LockTable
	Commits   History     // how commits stand to each other; nil: nobody knows
	Limits    Limits      // zero fields take [DefaultLimits]
	Parallel  int         // functions and checks at work at once; 0 is 64
	Tell      func(Event) // told what happens, from many goroutines; nil for silence
}

const defaultParallel = 64

// tellings is how often the plan is made anew because others promoted meanwhile.
const tellings = 5

// Run tells the story: plan, deploy, verify, promote. It returns an outcome on every road; until the first alias is
// moved, a fault costs nothing, and after that every road but promotion goes through going back.
func (r *Runner) Run(ctx context.Context, req Request) Outcome {
	// Before any call is made: what a request by itself does not allow.
	if refused, is := Refuse(req); is {
		return refused
	}
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		for range tellings {
			if !s.again(ctx, s.once(ctx)) {
				return
			}
		}
		s.o.end(ConflictFound, ReasonAliasMoved, "others kept changing what this run decided on; nothing was changed")
	})
}

// again tells whether the story has to be told anew, and clears the page for it.
func (s *story) again(ctx context.Context, err error) bool {
	if !errors.Is(err, errPlanAnew) {
		return false
	}
	s.say(StagePlan, "")("what the plan was made of has changed: it is made anew")
	code := s.code // stays, where it is held yet: what it keeps away is not wanted in between either
	s.code = nil
	s.leave(ctx)
	s.code = code
	fresh := begin(s.o.Request)
	if code == nil {
		s.pin()
	}
	fresh.Started, fresh.Waited, fresh.Repairs = s.o.Started, s.o.Waited, s.o.Repairs
	s.o, s.waited = fresh, false
	return true
}

// pin makes the request ask for exactly the code that was found under the lock of an earlier step. That lock was given back
// with the first telling: what another tool put in place under it is not kept from others any more.
func (s *story) pin() {
	if s.req.LockOwner == "" {
		return
	}
	s.req.LockOwner, s.req.Functions = "", slices.Clone(s.req.Functions)
	for i, f := range s.req.Functions {
		if found := s.o.function(f.Key).Digest; found != "" {
			s.req.Functions[i].ExpectSHA256 = found
		}
	}
}

// once tells the story. Its error is [errPlanAnew], or nil where the outcome is closed.
func (s *story) once(ctx context.Context) error {
	o := s.o

	// What is recorded, whether this commit may take its place, and the code lock, since functions share $LATEST.
	if err := s.begin(ctx); err != nil {
		s.close(ctx, err, ReasonLockFailed, "the locks or the ledger could not be used; nothing was changed")
		return nil
	}

	// What is live, what is wanted, and so what would move.
	req := s.req // mode promote has made it that of its release
	s.at(StagePlan)
	world, errs := s.observe(ctx, s.req, s.vouched())
	plan := Plan{}
	if len(errs) == 0 {
		plan, errs = s.known(ctx, NewPlan(s.req, world), world)
	}
	if len(errs) > 0 {
		o.fault(errs...)
		o.stopped(ctx, Failed, ReasonReadFailed, "the plan could not be made, since not all of what is live and wanted could be read; nothing was changed")
		return nil
	}
	s.take(plan)
	switch {
	case len(plan.Refusals) > 0:
		o.Faults = append(o.Faults, plan.Refusals...)
		o.end(Refused, ReasonPlanRefused, "what was found does not allow a promotion to %s; nothing was changed", req.Environment.Name)
		return nil
	case req.Mode == ModePlan && !plan.Changed():
		s.unchanged(plan)
		return nil
	case req.Mode == ModePlan:
		o.end(Planned, ReasonChanges, "%s of %d would be promoted to %s; nothing was changed", plural(len(plan.Promoting()), "function"), len(plan.Steps), req.Environment.Name)
		return nil
	case req.Mode == ModeDeploy && !plan.Changed():
		return s.deposit(ctx, plan, nil)
	case !plan.Changed():
		return s.raise(ctx, plan)
	}

	// An immutable candidate for each function that changes. No caller of an alias sees any of it.
	s.at(StageDeploy)
	candidates, errs := s.deploy(ctx, plan)
	o.deployed(plan, candidates)
	if len(errs) > 0 {
		o.fault(errs...)
		if isConflict(errors.Join(errs...)) {
			o.stopped(ctx, ConflictFound, ReasonCodeMoved, "code was changed by somebody else while it was being deployed; no alias was moved")
		} else {
			o.stopped(ctx, Failed, ReasonDeployFailed, "not every candidate could be deployed; no alias was moved")
		}
		return nil
	}
	if req.Mode == ModeDeploy {
		return s.deposit(ctx, plan, candidates)
	}

	// The environment is this run's from here on. What was found before may have been promoted over, or left by the dead.
	if err := s.takeEnvironment(ctx, throughLatest(req.Checks)); err != nil {
		s.close(ctx, err, ReasonLockFailed, "%s could not be taken; no alias was moved", req.Scope().Lock())
		return nil
	}
	plan, err := s.settle(ctx, plan, candidates)
	if err != nil {
		return s.unless(ctx, err, "what is promoted could not be established; no alias was moved")
	}
	if err := s.stood(ctx, plan); err != nil {
		s.close(ctx, err, ReasonReadFailed, "")
		return nil
	}

	// Exactly these versions have to pass.
	s.at(StageVerify)
	if verdict := s.verify(ctx, o, plan, candidates); verdict != ReasonVerified && verdict != ReasonUnverified {
		o.unverified(ctx, verdict)
		return nil
	}
	s.leaveCode(ctx)
	if ctx.Err() != nil {
		o.stopped(ctx, Failed, ReasonInterrupted, "")
		return nil
	}

	// All aliases together, or none.
	s.at(StagePromote)
	return s.promote(ctx, plan, candidates)
}

// unless passes on that the plan has to be made anew; any other error closes the outcome.
func (s *story) unless(ctx context.Context, err error, format string, args ...any) error {
	if errors.Is(err, errPlanAnew) {
		return err
	}
	s.close(ctx, err, ReasonReadFailed, format, args...)
	return nil
}

// begin reads what is recorded, asks whether this commit may take its place, and takes the code lock. A plan shows
// what stands against it, and a release that was deployed needs no code lock but the one that was kept for it.
func (s *story) begin(ctx context.Context) error {
	if err := s.readBook(ctx); err != nil {
		return err
	}
	switch s.req.Mode {
	case ModePromote:
		return s.withdraw(ctx)
	case ModePlan:
		return s.foresee(ctx)
	}
	if err := s.order(ctx); err != nil {
		return err
	}
	if err := s.takeCode(ctx); err != nil || !s.waited {
		return err
	}
	// Whoever had the lock may have promoted meanwhile. Asked here, an older commit does not get into $LATEST either.
	if err := s.readBook(ctx); err != nil {
		return err
	}
	return s.order(ctx)
}

// foresee writes into a plan what a run would meet: the order of commits, what is half done, and who holds the lock.
func (s *story) foresee(ctx context.Context) error {
	if !s.ledgered() {
		return nil
	}
	var against *ending
	if err := s.order(ctx); errors.As(err, &against) {
		s.o.Warnings = append(s.o.Warnings, Fault{What: "a run would end " + string(against.kind) + ": " + against.sentence})
	} else if err != nil {
		return err
	}
	if open := s.book.Open; open != nil {
		s.o.Warnings = append(s.o.Warnings, Fault{What: fmt.Sprintf("%s has begun a %s of %s, and not ended it", runOf(open.Entry), open.Entry.Kind, s.req.Environment.Name),
			Hint: "if it is dead, the next run finishes or undoes that first; so does mode reconcile"})
	}
	holder, err := s.Locks.Look(ctx, s.req.Scope().Lock())
	if err != nil {
		return err
	}
	s.o.Holder = holder
	return nil
}

// unchanged ends a run that had nothing to move.
func (s *story) unchanged(plan Plan) {
	s.o.end(Unchanged, ReasonNoChange, "%s already holds what is wanted: %s unchanged", s.req.Environment.Name, plural(len(plan.Steps), "function"))
}

// done ends a run that has moved what was to be moved.
func (s *story) done(moved int) {
	o, env := s.o, s.req.Environment.Name
	if s.req.VerifyNone {
		o.end(Promoted, ReasonUnverified, "%s promoted to %s without verification (verify: none)", plural(moved, "function"), env)
		return
	}
	o.end(Promoted, ReasonVerified, "%s promoted to %s", plural(moved, "function"), env)
}

// Refuse tells whether the request alone forbids going on, and with which outcome. It makes no call; [Runner.Run]
// begins with it, and who has to open an account first asks it before.
func Refuse(req Request) (Outcome, bool) {
	o := begin(req)
	switch req.Mode {
	case ModeRun, ModeDeploy, ModePromote:
	default:
		return *o, false // a plan is shown also where a run would be refused, see [NewPlan]; and a way back is always free
	}
	if req.JobStatus != "" && req.JobStatus != "success" {
		o.Faults = append(o.Faults, Fault{
			Where: Where{Input: "job-status"},
			What:  "the job is not green: its status is " + req.JobStatus,
			Hint:  "a step with `if: always()` runs after red tests too; remove the condition, or let the tests pass",
		})
		return o.end(Refused, ReasonJobFailed, "the job is not green, so nothing is promoted; no call was made"), true
	}
	if !req.Checked() && !req.VerifyNone && req.Mode != ModeDeploy {
		o.Faults = append(o.Faults, noCheck)
		return o.end(Refused, ReasonNoCheck, "no check is configured; no call was made"), true
	}
	return *o, false
}

var noCheck = Fault{
	Where:    Where{Input: "verify"},
	What:     "no check is configured for these functions, so there is nothing to stake a promotion on",
	Accepted: "at least one check under `verify`, or `verify: none`, which every report shows",
	Hint:     "the smallest check is `- invoke: {function: NAME}`: the candidate has to answer without an error",
}

// stopped ends the outcome on a road where no alias was moved. An interruption explains every fault that it caused.
func (o *Outcome) stopped(ctx context.Context, k Kind, reason Reason, format string, args ...any) Outcome {
	if ctx.Err() != nil {
		kind, reason, why := interruption(ctx)
		return o.end(kind, reason, "%s; no alias was moved", why)
	}
	return o.end(k, reason, format, args...)
}

// interruption tells why a run's context has ended: by a signal, or by the loss of its lock.
func interruption(ctx context.Context) (Kind, Reason, string) {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrNotHeld):
		return Fenced, ReasonLockLost, fmt.Sprintf("somebody else has taken over (%v)", cause)
	case errors.Is(cause, ErrStopRequested):
		return Fenced, ReasonStopRequested, fmt.Sprintf("asked to stop (%v)", cause)
	case errors.Is(cause, ErrSilent):
		return Failed, ReasonLockSilent, fmt.Sprintf("stopped, since others may soon take over (%v)", cause)
	default:
		return Failed, ReasonInterrupted, fmt.Sprintf("interrupted (%v)", cause)
	}
}

// unverified ends the outcome after a verification that did not pass.
func (o *Outcome) unverified(ctx context.Context, reason Reason) Outcome {
	env := o.Request.Environment.Name
	switch reason {
	case ReasonEvidenceVoid:
		return o.stopped(ctx, VerificationFailed, reason, "the evidence is void: $LATEST moved while checks went through it; %s was not touched", env)
	case ReasonCheckBroken:
		return o.stopped(ctx, Failed, reason, "not every check could be asked; %s was not touched", env)
	case ReasonReadFailed:
		return o.stopped(ctx, Failed, reason, "$LATEST could not be read before or after the checks; %s was not touched", env)
	}
	red := 0
	for _, c := range o.Checks {
		if c.Verdict == Fail || c.Verdict == Inconclusive {
			red++
		}
	}
	return o.stopped(ctx, VerificationFailed, reason, "%s of %d did not pass; %s was not touched", plural(red, "check"), len(o.Checks), env)
}

// begin opens the report: every function of the request, nothing done yet.
func begin(req Request) *Outcome {
	o := &Outcome{Request: req, Started: time.Now()}
	for _, f := range req.Functions {
		o.Functions = append(o.Functions, FunctionOutcome{Function: f.Key, Name: f.Name, Fate: FateKept})
	}
	return o
}

// take writes the plan into the report, with what is recorded of each function.
func (s *story) take(p Plan) {
	s.orderWarnings()
	s.o.take(p)
	for _, step := range p.Steps {
		entry := s.o.function(step.Function.Key)
		rec, known := s.record(step.Function)
		entry.PreviousSource = rec.Source
		if !s.ledgered() || step.State.Routing == nil {
			continue
		}
		entry.Adopted = !known || rec.Version != step.State.Routing.Version
		if known && entry.Adopted {
			s.o.Warnings = append(s.o.Warnings, Fault{
				Where: step.Function.Where,
				What:  fmt.Sprintf("alias %s of %s holds %s, and version %s was recorded last: somebody moved it past promote, and what is there now is taken over", s.req.Environment.Alias, step.Function.Name, step.State.Routing, rec.Version),
				Hint:  "move aliases with mode rollback, which records it and keeps what was undone from coming back",
			})
		}
	}
}

// take writes the plan into the report.
func (o *Outcome) take(p Plan) {
	o.Warnings = append(o.Warnings, p.Warnings...)
	o.Endpoints = p.Endpoints.State
	for _, s := range p.Steps {
		f := o.function(s.Function.Key)
		f.Action, f.Method, f.Previous, f.Digest = s.Action, s.Method, s.Previous(), s.Wanted
		f.Package, f.Changes, f.Drift = s.State.Package, s.Changes, s.Drift
		if s.State.Stable != nil {
			f.PreviousDigest, f.PreviousSize = s.State.Stable.Digest, s.State.Stable.Size
		}
		switch {
		case s.Action == ActionNone && s.State.Stable != nil:
			f.ARN = s.State.Stable.ARN
		case s.Action != ActionNone && s.Method == MethodAdopt:
			f.Candidate, f.ARN = s.State.Chosen.Version, s.State.Chosen.ARN // it is there before anything is done
		}
	}
}

// deployed writes the candidates into the report.
func (o *Outcome) deployed(plan Plan, candidates map[string]Candidate) {
	for key, c := range candidates {
		f := o.function(key)
		f.Candidate, f.Digest, f.ARN = c.Version, c.Digest, c.ARN
	}
	// Somebody may have changed the configuration after the plan was made: told is what the candidate has.
	for _, s := range plan.Promoting() {
		if c, ready := candidates[s.Function.Key]; ready && s.State.Stable != nil {
			o.function(s.Function.Key).Changes = s.State.Stable.Configuration.Diff(c.Configuration)
		}
	}
}

func (r *Runner) limits() Limits { return r.Limits.orDefaults() }

func (r *Runner) parallel() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return defaultParallel
}

// Unopened is the outcome of a run whose account could not be opened: no credentials, a role that cannot be assumed,
// an account that is not allowed.
func Unopened(req Request, err error) Outcome {
	o := begin(req)
	o.fault(err)
	if errors.Is(err, ErrNotAllowed) {
		return o.end(Refused, ReasonNoAccount, "the AWS account is not one that may be touched; nothing was changed")
	}
	return o.end(Failed, ReasonNoAccount, "the AWS account could not be opened; nothing was changed")
}

// BadInput is the outcome of a run whose input is wrong, with every fault of it. req is what could be read.
func BadInput(req Request, faults []Fault) Outcome {
	o := begin(req)
	o.Faults = faults
	return o.end(Refused, ReasonBadInput, "the input has %s; no call was made", plural(len(faults), "fault"))
}
