package promotion

import (
	"cmp"
	"slices"
	"time"
)

// A Mode is what a run is asked to do.
type Mode string

const (
	ModeRun    Mode = "run"    // the whole story
	ModePlan   Mode = "plan"   // what run would do; changes nothing
	ModeStatus Mode = "status" // what the environments hold; changes nothing
	ModeSetup  Mode = "setup"  // create the endpoints that the configuration names
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

	Release string // the id of this release, unique
	Commit  string // of the code being released; "" if unknown
	RunURL  string // of the run that does this, for whoever reads the report
	Actor   string // who started it

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

// Checked tells whether any check concerns a function of the request.
func (r Request) Checked() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool {
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
