// Package conformance asks an AWS account whether AWS behaves as promote relies on.
//
// Every promise about races and faults is tested against the sandbox, which is our reading of AWS. This package
// lists, as points, what that reading assumes: what a refused write leaves behind, which revisions move and when,
// what happens to fifty writers at once. The same points run on the sandbox with each `go test`, where they have to
// be confirmed, and on a real account with `make conformance`, where they may be refuted: then the sandbox, and
// perhaps the product, is wrong.
//
// A run makes its own functions and tables, prices itself beforehand, keeps to a part of the account's quotas, and
// removes what it made. It touches nothing else.
package conformance
