package config

import (
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// DefaultFile is the configuration file that is read where no other one is named. It may be absent.
const DefaultFile = "promote.yaml"

// A Source is everything that a request is made of.
type Source struct {
	Mode   promotion.Mode   // what to do unless the input mode says it; "" is run
	Inputs map[string]Input // by their names in [Inputs]; also those that were not given, for their labels
	File   File
	Getenv func(string) string // of the run's environment; nil is an empty one

	Commit     string // of the code at hand, "" if unknown
	Repository string // "owner/name", "" if unknown
	RunURL     string
	Actor      string
	Release    string // the id of this release

	RepositoryID string           // GitHub's number of the repository
	Ref          string           // the branch or tag, as GitHub spells it: "refs/heads/main"
	RunID        string           // of the workflow run; "" outside of one
	Attempt      string           // of the run
	LockOwner    promotion.Secret // of the code lock that an earlier step took by mode lock; "" if none did
}

// An Input is the value of one of the action's inputs or of the command line's flags. One that was not given has
// the value "". Label is what its user calls it: "input environment", "--environment".
type Input struct{ Value, Label string }

// A File is the configuration file as it was found. Data is nil if there is none; Err says why one that is
// there cannot be read.
type File struct {
	Name     string
	Data     []byte
	Err      error
	Explicit bool // its name was given, so it has to be there
}

// FileName is the name of the configuration file that the inputs ask for. It is explicit if it is another one
// than the default: the runner passes an input's default like a value that a person gave.
func FileName(inputs map[string]Input) (name string, explicit bool) {
	if name = given(inputs["config"]); name == "" || name == DefaultFile {
		return DefaultFile, false
	}
	return name, true
}

// A Target is the request for one environment, with what is needed to reach it.
type Target struct {
	Request  promotion.Request
	Settings Settings
}

// A Result is what was asked for. Its own request is the first target's.
type Result struct {
	Target
	// Targets is the chosen environment alone. For status, history, reconcile and setup without a chosen one it is each
	// environment of the file, in the file's order. For the code lock it may be no environment: its name is "" then.
	Targets []Target
	// Known is what could be read where there are faults, and nothing else: whom to tell of them, and about which app and
	// environment. No part of it is fit to be carried out.
	Known Target
}

// Settings are the values that only adapters need.
type Settings struct {
	Region          string
	Role            string   // ARN of the role to assume; "" takes the default credentials
	AllowedAccounts []string // the run is refused in any other account; empty allows all
	ArtifactBucket  string   // where zips over Lambda's direct upload limit go; "" if there is none
	APIRate         int      // calls a second in the class of Lambda's account-wide 15
	UpdateTimeout   time.Duration
	LockTable       string             // "none" is no locking
	JobStatus       string             // as it was given, also in modes that it does not stop; "" if it was not
	GitHubToken     promotion.Secret   // that the action was given; "" if none was
	Secrets         []promotion.Secret // values that must be masked before anything is logged
	Reporting       Reporting
}
