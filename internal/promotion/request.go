package promotion

import (
	"cmp"
	"slices"
	"time"
)

// A Mode is what a run is asked to do.
type Mode string

const (
	ModeRun       Mode = "run"       // the whole story
	ModeDeploy    Mode = "deploy"    // up to a candidate that is ready, for tests of the user's own
	ModePromote   Mode = "promote"   // from there on, in a later step or job
	ModeLock      Mode = "lock"      // keep others from changing $LATEST while another tool does
	ModeRollback  Mode = "rollback"  // move aliases back
	ModeAbort     Mode = "abort"     // ask the running promotion to stop and go home
	ModeReconcile Mode = "reconcile" // repair what dead runs left
	ModeUnlock    Mode = "unlock"    // end a lock by force
	ModePlan      Mode = "plan"      // what run would do; changes nothing
	ModeStatus    Mode = "status"    // what the environments hold; changes nothing
	ModeHistory   Mode = "history"   // what was promoted when; changes nothing
	ModeSetup     Mode = "setup"     // create the lock table, and the endpoints that the configuration names
)

// A Request is everything that a run was asked for: parsed, valid, and without anything that had to be read
// from AWS. Values that only an adapter needs (credentials, rates, log format) are not in it.
type Request struct {
	Mode        Mode
	App         string
	Environment Environment
	Functions   []Function
	Checks      []Check
	VerifyNone  bool // verification was switched off, by name
	Endpoints   *Endpoints

	Release string // the id of this release, unique; for mode promote that of the release to promote, "" to find it by the run
	Commit  string // of the code being released; "" if unknown
	RunURL  string // of the run that does this, for whoever reads the report
	Actor   string // who started it

	Repository   string // "owner/name", for people
	RepositoryID string // GitHub's number of it, which no renaming changes
	Ref          string // the branch or tag, as GitHub spells it: "refs/heads/main"
	RunID        string // of the workflow run; "" outside of one
	Attempt      string

	Lease       time.Duration // how long this run's locks outlive its last sign of life; 0 is a minute
	Hold        time.Duration // mode deploy, lock: how long the code lock is kept for a later step or job; 0 is not at all
	LockTimeout time.Duration // how long to wait for a lock; 0 is half an hour
	LockOwner   Secret        // of the code lock that an earlier step took by mode lock; "" if none did
	Order       OrderPolicy

	Reason        string             // of a person, for modes that ask for one
	To            map[string]Version // mode rollback: where to, by function key; empty lets the history choose
	Unverified    bool               // mode rollback: To may name versions that the history does not know
	WithoutLock   bool               // mode rollback: without lock and ledger, since DynamoDB cannot be reached
	UnlockTarget  UnlockTarget       // mode unlock
	ExpectCommit  string             // mode promote: the commit that the release has to be of; "" for any
	TestedThrough TestedThrough      // mode promote: what the tests between deploy and promote saw

	// JobStatus is the state of the job so far: "success", or what else the runner says. Only a successful
	// job may promote.
	JobStatus string
}

// An Environment is an alias of each function, where it lives and what it holds: "prod".
type Environment struct {
	Name   string
	Alias  string
	Region string
}

// A Function is one Lambda function of the app.
type Function struct {
	Key          string // what promote.yaml calls it
	Name         string // what Lambda calls it
	Artifact     Artifact
	ExpectSHA256 Digest // what the candidate's digest has to be, "" for any
	Path         string // its path below the endpoints: "" for its key, "/" for the app's root
	Where        Where
}

// Checked tells whether any check concerns a function of the request. Reports of tests count in mode promote only,
// which comes after the tests.
func (r Request) Checked() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool {
		if c.JUnit != nil {
			return r.Mode == ModePromote
		}
		_, known := r.Function(c.Function())
		return known || c.Function() == ""
	})
}

// Function finds a function of the request by its key.
func (r Request) Function(key string) (Function, bool) {
	for _, f := range r.Functions {
		if f.Key == key {
			return f, true
		}
	}
	return Function{}, false
}

// Limits bound how long one piece of work may take.
type Limits struct {
	Update      time.Duration // until an update has settled and a version is active
	Call        time.Duration // finding out what became of one write of an alias
	GoBack      time.Duration // putting aliases back after a fault, apart from what their number takes
	Interrupted time.Duration // putting aliases back after a signal
}

// DefaultLimits are the limits of a run that was given none. A container that is told to stop is killed ten seconds
// later; what a signal may take, together with [callGrace], stays well below that.
var DefaultLimits = Limits{Update: 10 * time.Minute, Call: 20 * time.Second, GoBack: time.Minute, Interrupted: 4 * time.Second}

func (l Limits) orDefaults() Limits {
	return Limits{
		Update:      cmp.Or(l.Update, DefaultLimits.Update),
		Call:        cmp.Or(l.Call, DefaultLimits.Call),
		GoBack:      cmp.Or(l.GoBack, DefaultLimits.GoBack),
		Interrupted: cmp.Or(l.Interrupted, DefaultLimits.Interrupted),
	}
}

// An UnlockTarget is what mode unlock ends.
type UnlockTarget string

const (
	UnlockEnvironment UnlockTarget = "environment" // the environment's lock
	UnlockCode        UnlockTarget = "code"        // the app's code lock
	UnlockFloor       UnlockTarget = "floor"       // the floor that a rollback set
)

// TestedThrough is by which way a user's own tests reached the candidate.
type TestedThrough string

const (
	ThroughLatest  TestedThrough = "latest"  // so $LATEST has to be what the deployment left
	ThroughVersion TestedThrough = "version" // by the version's number, which is immutable
)

// Scope is what the request is about in the ledger.
func (r Request) Scope() Scope { return Scope{r.App, r.Environment.Name} }

// Source is whose code the request releases.
func (r Request) Source() Source { return Source{Repository: r.RepositoryID, Commit: r.Commit} }

// Keys are the keys of the request's functions.
func (r Request) Keys() []string {
	keys := make([]string, len(r.Functions))
	for i, f := range r.Functions {
		keys[i] = f.Key
	}
	return keys
}
