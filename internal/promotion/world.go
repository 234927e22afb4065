package promotion

// A World is what was read before anything was decided. A plan is a function of it and of the request alone.
type World struct {
	Functions map[string]State // by the function's key
	Endpoints *EndpointState   // nil where the request has none
}

// A State is one function as it was found.
type State struct {
	Package Package  // the artifact, measured; zero for ArtifactNone
	Latest  Snapshot // $LATEST
	Routing *Routing // the environment's alias; nil: it does not exist
	Stable  *Snapshot
	Chosen  *Snapshot // the existing version that the request names as candidate; nil if it names none
}

// A Snapshot is $LATEST or a version at a moment: Version is 0 for $LATEST.
type Snapshot struct {
	Version       Version
	Digest        Digest
	Configuration Configuration
	Revision      Revision
	ARN           string // with the version's number, where it is one
	Size          int64
	// Failed holds Lambda's reason when the last update, or the version's creation, has failed. "" means it is usable.
	Failed string
}

// Same tells whether two snapshots behave alike: same code, same configuration.
func (s Snapshot) Same(o Snapshot) bool {
	return s.Digest == o.Digest && len(s.Configuration.Diff(o.Configuration)) == 0
}

// A Candidate is the version under trial: immutable, active, and bound to the code that this run decided on.
type Candidate struct {
	Function string // key
	Name     string // Lambda's name
	Snapshot
}
