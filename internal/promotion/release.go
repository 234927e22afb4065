package promotion

import "time"

// A Release is one candidate set that was deployed and waits to be promoted, in this job or in another one.
type Release struct {
	ID         string
	Scope      Scope
	Alias      string
	Source     Source
	Repository string
	Ref        string
	RunID      string
	Attempt    string
	RunURL     string
	Actor      string
	At         time.Time
	State      ReleaseState
	Why        string // why it is not ready any more
	Functions  []ReleasedFunction
	// Owner resumes the code lock that was kept with hold. It is a secret; "" if none was kept.
	Owner     Secret
	HeldUntil time.Time // by the clock of who kept it; for people
}

// A ReleasedFunction is one function of a release.
type ReleasedFunction struct {
	Function string // key
	Name     string
	Version  Version // the candidate, or what the alias held where nothing changed
	Digest   Digest
	Changed  bool
	Base     Version // what the alias held at that time; 0: there was none
	// Latest is $LATEST's revision as the deployment left it, settled. What tests saw through the latest endpoint is
	// evidence for the candidate only while it stands.
	Latest Revision
	// LatestDigest is its code, to tell a touch from another code.
	LatestDigest Digest
	// Provenance tells how it is known where the code came from: "uploaded", "expect-sha256", "expect-commit",
	// "lock", or "unproven".
	Provenance string
}

// A ReleaseState is what may still be done with a release.
type ReleaseState string

const (
	ReleaseReady    ReleaseState = "ready"
	ReleasePromoted ReleaseState = "promoted"
	ReleaseVoid     ReleaseState = "void" // it must not be promoted any more
)

// A ReleaseQuery finds releases. Zero fields narrow nothing.
type ReleaseQuery struct {
	ID    string
	RunID string // in any attempt
	State ReleaseState
	Limit int
}
