package promotion

import "context"

// Packages measures artifacts. Nothing is changed.
type Packages interface {
	// Package finds a function's artifact, checks it against Lambda's limits, pins it (an object's version, an
	// image's digest) and measures its digest. A [Fault] says what is wrong with it.
	Package(ctx context.Context, f Function) (Package, error)
	// Fits tells, as a [Fault], what keeps p from being the function's code: another package type, no handler's file, code
	// for another processor. latest is $LATEST as it was read.
	Fits(ctx context.Context, name string, p Package, latest Snapshot) error
}

// Functions is the account's Lambda functions, without their aliases.
type Functions interface {
	// Latest reads $LATEST, once it has settled: an update in progress is waited for, and say is told so.
	// It returns a [Fault] wrapping [ErrNotFound] when the function does not exist.
	Latest(ctx context.Context, name string, say Say) (Snapshot, error)
	// Version reads one version as it is, active or not. It returns an error wrapping [ErrNotFound] when it does not exist.
	Version(ctx context.Context, name string, v Version) (Snapshot, error)
	// Behind reads the version that an alias leads to, by a call that is outside of the quota which reading the alias
	// itself takes from; of two, where it has weights, the one that it names first. It returns an error wrapping
	// [ErrNotFound] when there is no such alias.
	Behind(ctx context.Context, name, alias string) (Snapshot, error)
	// Newest finds the newest published version; 0 if there is none.
	Newest(ctx context.Context, name string) (Version, error)

	// Upload makes p the code of $LATEST and publishes it, from the state that the plan read. The version that it
	// returns has p's digest; it may not be active yet. A revision that moved alone is no obstacle.
	Upload(ctx context.Context, name string, p Package, from Snapshot, say Say) (Version, error)
	// Publish publishes $LATEST exactly as the plan read it: its digest and its configuration are the candidate, and a
	// change of either is a [*Conflict]. Lambda returns the newest version instead of a new one when nothing changed since.
	Publish(ctx context.Context, name string, from Snapshot, say Say) (Version, error)
	// Await waits until the version is active and returns it. A version that failed is a [Fault] with Lambda's reason.
	Await(ctx context.Context, name string, v Version, say Say) (Snapshot, error)
}

// Aliases is the register that is compared and set. Every error of a write that is not one of those named here
// means that nothing changed.
type Aliases interface {
	// Read returns the alias's routing. It returns an error wrapping [ErrNotFound] when there is no such alias, or
	// [ErrNoVersion] when it points to $LATEST.
	Read(ctx context.Context, name, alias string) (Routing, error)
	// Create makes the alias at v. It returns an error wrapping [ErrExists] when there is one, or [ErrUnknownEffect].
	Create(ctx context.Context, name, alias string, v Version) (Routing, error)
	// Move sends the whole of the alias to v, and clears its weights, if its revision is still the given one.
	// It returns an error wrapping [ErrStale] if it is not, [ErrNotFound] if the alias or the version is gone, or
	// [ErrUnknownEffect].
	Move(ctx context.Context, name, alias string, revision Revision, v Version) (Routing, error)
	// Touch writes the alias without changing anything, if its revision is still the given one, so that every write on
	// its way that carries an older revision is refused. Its errors are Move's.
	Touch(ctx context.Context, name, alias string, revision Revision) (Routing, error)
}

// Checks asks one question about the candidates.
type Checks interface {
	// Ask runs the check and returns its verdict, or in Err which check could not be asked and why. It ends with ctx.
	Ask(ctx context.Context, c Check, s Subject) CheckResult
}

// A Subject is what a check is about. Values are those of its templates.
type Subject struct {
	Candidate Candidate // of the function that the check names; zero where it names none
	Values    map[string]string
}

// EndpointRoutes keeps an app's routes in its HTTP API. A function's routes are made after the permission that they
// need, so that a route that is there works.
type EndpointRoutes interface {
	// Observe reads the API and its routes. It returns a [Fault] when two APIs fit.
	Observe(ctx context.Context, r Request) (EndpointState, error)
	// Setup creates what is missing of the API and of its latest routes, and says each thing that it made.
	Setup(ctx context.Context, r Request, say Say) (EndpointState, error)
	// AddEnvironment makes the environment's routes for the functions named by their keys. Their aliases exist.
	AddEnvironment(ctx context.Context, r Request, keys []string, say Say) error
}

// A LockTable is where locks and ledger are kept, for who sets it up.
type LockTable interface {
	// Setup makes the table if there is none, completes what an interrupted setup left, and says each thing that it did.
	// It returns, in sentences without a full stop, what an existing table has otherwise.
	Setup(ctx context.Context, say Say) (differences []string, err error)
}

// Say tells a person, in a sentence without a full stop, what is going on with the thing at hand.
type Say func(format string, args ...any)
