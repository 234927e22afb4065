package promotion

import (
	"fmt"
	"strings"
	"time"
)

// A Kind is how a run ended: stable, machine-readable, one for every road.
type Kind string

const (
	Promoted           Kind = "promoted"
	Unchanged          Kind = "unchanged"
	Planned            Kind = "planned" // mode plan: something would be promoted
	SetUp              Kind = "set-up"  // mode setup: something was created
	Failed             Kind = "failed"
	Refused            Kind = "refused"
	VerificationFailed Kind = "verification-failed"
	ConflictFound      Kind = "conflict"
	RolledBack         Kind = "rolled-back"
	NeedsAttention     Kind = "needs-attention"
	Superseded         Kind = "superseded"
	Fenced             Kind = "fenced"
	LockTimeout        Kind = "lock-timeout"
	Deployed           Kind = "deployed"    // mode deploy: the candidates are ready
	Locked             Kind = "locked"      // mode lock
	Unlocked           Kind = "unlocked"    // mode unlock
	AbortAsked         Kind = "abort-asked" // mode abort
	Reconciled         Kind = "reconciled"  // mode reconcile: something was repaired
)

// A KindInfo documents a kind: its exit code and what it means.
type KindInfo struct {
	Kind     Kind
	ExitCode int
	Meaning  string
}

// Kinds lists every kind. Exit codes are stable; README's table is made of this list.
var Kinds = []KindInfo{
	{Promoted, 0, "every alias that was to move points to its verified candidate"},
	{Unchanged, 0, "nothing differed from what is live; nothing was written"},
	{Planned, 0, "mode `plan`: something would be promoted; nothing was changed"},
	{SetUp, 0, "mode `setup`: something was created"},
	{Superseded, 0, "a newer commit is promoted already, or waits with everything that this run would bring; nothing was moved"},
	{Deployed, 0, "mode `deploy`: the candidates are ready to be tested and promoted; no alias was moved"},
	{Locked, 0, "mode `lock`: the code lock is held for the steps that follow"},
	{Unlocked, 0, "mode `unlock`: the lock was ended by force"},
	{AbortAsked, 0, "mode `abort`: the running promotion was asked to stop and go home"},
	{Reconciled, 0, "mode `reconcile`: what a dead run had left was repaired"},
	{Failed, 1, "a call failed, or the run was interrupted; no alias that existed before was left elsewhere"},
	{Refused, 2, "the input or the state of things does not allow it; nothing was changed"},
	{VerificationFailed, 3, "the candidates did not pass; no alias was moved"},
	{ConflictFound, 4, "somebody else changed what this run had decided on; their change was not overwritten"},
	{RolledBack, 5, "moving the aliases failed half way, and those that had moved were put back; 0 in mode `rollback`, where that is what was asked for"},
	{NeedsAttention, 6, "the state of an alias cannot be proved, or could not be restored; the report has the commands"},
	{Fenced, 7, "somebody else took the lock over, or asked this run to stop, before it was through; whoever did decides what the aliases hold"},
	{LockTimeout, 8, "somebody else held the lock for longer than `lock-timeout`; nothing was changed"},
}

// ExitCode is the exit code that stands for the kind.
func (k Kind) ExitCode() int {
	for _, i := range Kinds {
		if i.Kind == k {
			return i.ExitCode
		}
	}
	return 1
}

// ExitCode is the exit code of the run: that of its kind, but 0 for a rollback that was asked for.
func (o Outcome) ExitCode() int {
	if o.Kind == RolledBack && o.Request.Mode == ModeRollback {
		return 0
	}
	return o.Kind.ExitCode()
}

// A Reason is the machine-readable cause of an outcome.
type Reason string

const (
	ReasonVerified     Reason = "verified"           // promoted after verification
	ReasonUnverified   Reason = "verify-none"        // promoted with verification switched off
	ReasonNoChange     Reason = "no-change"          // what is live is what is wanted
	ReasonChanges      Reason = "changes"            // a plan that has something to do
	ReasonCreated      Reason = "created"            // setup made something
	ReasonBadInput     Reason = "bad-input"          // an input or the configuration file is wrong
	ReasonNoCheck      Reason = "no-check"           // no check is configured, and verification was not switched off
	ReasonJobFailed    Reason = "job-not-green"      // the job has failed or was cancelled before this step
	ReasonPlanRefused  Reason = "plan-refused"       // what was found does not allow it
	ReasonNoAccount    Reason = "account-not-opened" // credentials, role or account
	ReasonReadFailed   Reason = "read-failed"        // the world could not be read
	ReasonDeployFailed Reason = "deploy-failed"      // a candidate did not come to be
	ReasonCheckFailed  Reason = "check-failed"       // a check was red
	ReasonCheckBroken  Reason = "check-not-asked"    // a check could not be asked
	ReasonEvidenceVoid Reason = "evidence-void"      // $LATEST moved while checks went through it
	ReasonCodeMoved    Reason = "code-moved"         // $LATEST is not what the plan decided on
	ReasonAliasMoved   Reason = "alias-moved"        // an alias is not where the plan found it
	ReasonMoveFailed   Reason = "move-failed"        // an alias could not be moved
	ReasonUnproved     Reason = "state-unproved"     // what an alias holds could not be established
	ReasonInterrupted  Reason = "interrupted"        // a signal, or the end of the time allowed
	ReasonSetupFailed  Reason = "setup-failed"       // the endpoints could not be set up
	ReasonInternal     Reason = "internal-error"     // a defect of this program
	ReasonReadBack     Reason = "moved-again-after"  // somebody moved an alias right after this run had

	ReasonDeployed        Reason = "deployed"         // candidates are ready
	ReasonOlder           Reason = "older-commit"     // a newer commit is promoted
	ReasonYielded         Reason = "yielded"          // a newer commit waits for the same lock
	ReasonOrderRefused    Reason = "order-refused"    // diverged, rolled back, or not known
	ReasonLockTimeout     Reason = "lock-timeout"     // the lock was not free in time
	ReasonLockFailed      Reason = "lock-failed"      // the lock table could not be used
	ReasonLockLost        Reason = "lock-lost"        // somebody took the lock over
	ReasonLockSilent      Reason = "lock-silent"      // no sign of life could be given
	ReasonStopRequested   Reason = "stop-requested"   // somebody asked this run to stop
	ReasonLedgerFailed    Reason = "ledger-failed"    // the ledger could not be read or written
	ReasonFenceBehind     Reason = "fence-behind"     // the lock is older than what was recorded under it
	ReasonLocked          Reason = "locked"           // mode lock
	ReasonUnlocked        Reason = "unlocked"         // mode unlock
	ReasonAbortAsked      Reason = "abort-asked"      // mode abort
	ReasonNothingRunning  Reason = "nothing-running"  // there is nothing to abort, to unlock or to repair
	ReasonRepaired        Reason = "repaired"         // mode reconcile
	ReasonAsked           Reason = "asked"            // a rollback that a person asked for
	ReasonNothingToUndo   Reason = "nothing-to-undo"  // the history has nothing to go back to
	ReasonNoRelease       Reason = "no-release"       // there is no release to promote, or more than one
	ReasonReleaseVoid     Reason = "release-void"     // the release must not be promoted any more
	ReasonNeedsTable      Reason = "needs-lock-table" // the mode does not work with lock-table: none
	ReasonJobFailedBefore Reason = "job-failed"       // the job failed or was cancelled after this step
)

// An Outcome is all that a run has to say about itself. Every face of the report is made of it.
type Outcome struct {
	Kind   Kind
	Reason Reason
	// Sentence says what happened to whom, without a full stop.
	Sentence string

	Request   Request
	Started   time.Time
	Finished  time.Time
	Functions []FunctionOutcome
	Checks    []CheckResult
	Endpoints *EndpointState
	Faults    []Fault // why it did not go further
	Warnings  []Fault // what a person should know although it went on

	Order    *Order        // of commits; nil where it was not asked
	Entry    *Entry        // what was recorded; nil if nothing was
	Previous *Entry        // mode rollback: the newest entry that was taken back
	Repairs  []Repair      // what dead runs had left
	Waited   time.Duration // for locks
	// Holder is who holds the lock that this run was about: where it timed out, was asked for a plan, or was told to stop.
	Holder *Holder
	// Deposited is the release that mode deploy left, or that mode promote took.
	Deposited *Release
}

// A Repair is what was found of a run that died, and what was done about it.
type Repair struct {
	Intent Intent
	// Finished tells that its work was completed; else it was undone.
	Finished bool
	// Foreign are functions whose aliases somebody else has moved since; they were left alone.
	Foreign []string
}

// A FunctionOutcome is what happened to one function.
type FunctionOutcome struct {
	Function string // key
	Name     string
	Action   Action
	Method   Method
	Fate     Fate

	Previous       Version // what the alias held; 0 if there was none
	PreviousDigest Digest  // of that version
	PreviousSize   int64   // of its package, in bytes; 0 where it is not known
	Candidate      Version // 0 if none came to be
	Digest         Digest  // of the candidate, or of what is wanted where none came to be
	ARN            string
	Package        Package
	Changes        []Difference
	Drift          string
	// PreviousSource is what the ledger says was promoted before; Adopted, that what the alias held was found there and
	// is not of promote's making.
	PreviousSource Source
	Adopted        bool
	Provenance     string // how it is known where the code comes from, in modes deploy and promote; see [ReleasedFunction]
	// Commands are what a person types to look at the alias, and to send it home.
	Commands []string
}

// A Fate is where a function's alias was left.
type Fate string

const (
	FateKept    Fate = "kept"    // the alias was not touched
	FateMoved   Fate = "moved"   // it points to the candidate
	FateCreated Fate = "created" // it was made, at the candidate
	FateBack    Fate = "back"    // it was moved, and put back
	FateForeign Fate = "foreign" // somebody else's change stands
	FateUnknown Fate = "unknown" // what it holds could not be established
)

// Duration is how long the run took.
func (o Outcome) Duration() time.Duration { return o.Finished.Sub(o.Started) }

// Changed tells whether any alias is elsewhere, or new, through this run.
func (o Outcome) Changed() bool {
	for _, f := range o.Functions {
		if f.Fate == FateMoved || f.Fate == FateCreated {
			return true
		}
	}
	return false
}

// count counts the functions of one fate.
func (o Outcome) count(fates ...Fate) int {
	n := 0
	for _, f := range o.Functions {
		for _, fate := range fates {
			if f.Fate == fate {
				n++
			}
		}
	}
	return n
}

// end closes the outcome.
func (o *Outcome) end(k Kind, reason Reason, format string, args ...any) Outcome {
	o.Kind, o.Reason, o.Sentence, o.Finished = k, reason, fmt.Sprintf(format, args...), time.Now()
	return *o
}

// fault adds what went wrong.
func (o *Outcome) fault(errs ...error) {
	for _, err := range errs {
		if err != nil {
			o.Faults = append(o.Faults, FaultOf(err))
		}
	}
}

// function finds the entry of a function by its key.
func (o *Outcome) function(key string) *FunctionOutcome {
	for i := range o.Functions {
		if o.Functions[i].Function == key {
			return &o.Functions[i]
		}
	}
	return nil
}

// plural says "1 function", "3 functions".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// someOf lists names for a sentence: all of a few, or the first ones and how many more there are.
func someOf(names []string) string {
	const shown = 5
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n <= shown:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	default:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown-1], ", "), n-shown+1)
	}
}
