package ledger

import (
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The documents as they are written. They are apart from the domain's types, so that a new name there does not make rows
// unreadable; a change here calls for a new number in [table.Current], and for the old shape to be read for as long as
// that format is.
type (
	sourceShape struct {
		Repository string `json:"repository,omitempty"`
		Commit     string `json:"commit,omitempty"`
	}
	recordShape struct {
		Name    string      `json:"name"`
		Alias   string      `json:"alias"`
		Version uint64      `json:"version"`
		Digest  string      `json:"digest"`
		Source  sourceShape `json:"source,omitzero"`
		Release string      `json:"release,omitempty"`
		Entry   uint64      `json:"entry,omitempty"`
		Adopted bool        `json:"adopted,omitempty"`
		Floor   sourceShape `json:"floor,omitzero"`
	}
	headShape struct {
		Functions map[string]recordShape `json:"functions"`
	}
	intentShape struct {
		Alias string                 `json:"alias"`
		Entry entryShape             `json:"entry"`
		Next  map[string]recordShape `json:"next"`
	}
	entryShape struct {
		Kind       string           `json:"kind"`
		At         time.Time        `json:"at,omitzero"`
		Fence      uint64           `json:"fence,omitempty"`
		Release    string           `json:"release,omitempty"`
		Source     sourceShape      `json:"source,omitzero"`
		Repository string           `json:"repository,omitempty"`
		Ref        string           `json:"ref,omitempty"`
		RunID      string           `json:"run,omitempty"`
		Attempt    string           `json:"attempt,omitempty"`
		RunURL     string           `json:"url,omitempty"`
		Actor      string           `json:"actor,omitempty"`
		Reason     string           `json:"reason,omitempty"`
		Moves      []recordingShape `json:"moves,omitempty"`
		Proofs     []proofShape     `json:"proofs,omitempty"`
		Unproved   string           `json:"unproved,omitempty"`
		Repaired   string           `json:"repaired,omitempty"`
		Undoes     []uint64         `json:"undoes,omitempty"`
	}
	recordingShape struct {
		Function   string      `json:"function"`
		Name       string      `json:"name"`
		From       uint64      `json:"from"`
		To         uint64      `json:"to"`
		Revision   string      `json:"revision,omitempty"`
		FromDigest string      `json:"from-digest,omitempty"`
		Digest     string      `json:"digest,omitempty"`
		FromSource sourceShape `json:"from-source,omitzero"`
		Adopted    bool        `json:"adopted,omitempty"`
		Fate       string      `json:"fate,omitempty"`
	}
	proofShape struct {
		Check    string      `json:"check"`
		Function string      `json:"function,omitempty"`
		Version  uint64      `json:"version,omitempty"`
		Verdict  string      `json:"verdict"`
		Took     string      `json:"took,omitempty"` // "1.203s"
		Tests    *testsShape `json:"tests,omitempty"`
	}
	testsShape struct {
		Tests   int `json:"tests"`
		Failed  int `json:"failed"`
		Errored int `json:"errored"`
		Skipped int `json:"skipped"`
	}
)

// each carries one function over a list; none stays none.
func each[A, B any](list []A, carry func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = carry(a)
	}
	return out
}

func records[A, B any](by map[string]A, carry func(A) B) map[string]B {
	out := make(map[string]B, len(by))
	for key, a := range by {
		out[key] = carry(a)
	}
	return out
}

func shapeOfRecord(r promotion.Record) recordShape {
	return recordShape{
		Name: r.Name, Alias: r.Alias, Version: uint64(r.Version), Digest: string(r.Digest), Source: sourceShape(r.Source),
		Release: r.Release, Entry: r.Entry, Adopted: r.Adopted, Floor: sourceShape(r.Floor),
	}
}

func (s recordShape) record() promotion.Record {
	return promotion.Record{
		Name: s.Name, Alias: s.Alias, Version: promotion.Version(s.Version), Digest: promotion.Digest(s.Digest), Source: promotion.Source(s.Source),
		Release: s.Release, Entry: s.Entry, Adopted: s.Adopted, Floor: promotion.Source(s.Floor),
	}
}

func shapeOfEntry(e promotion.Entry) entryShape {
	return entryShape{
		Kind: string(e.Kind), At: e.At.UTC(), Fence: e.Fence, Release: e.Release, Source: sourceShape(e.Source), Repository: e.Repository, Ref: e.Ref,
		RunID: e.RunID, Attempt: e.Attempt, RunURL: e.RunURL, Actor: e.Actor, Reason: e.Reason,
		Moves: each(e.Moves, shapeOfRecording), Proofs: each(e.Proofs, shapeOfProof),
		Unproved: e.Unproved, Repaired: e.Repaired, Undoes: e.Undoes,
	}
}

func (s entryShape) entry(number uint64) (promotion.Entry, error) {
	e := promotion.Entry{
		Number: number, Kind: promotion.EntryKind(s.Kind), At: s.At.UTC(), Fence: s.Fence, Release: s.Release, Source: promotion.Source(s.Source),
		Repository: s.Repository, Ref: s.Ref, RunID: s.RunID, Attempt: s.Attempt, RunURL: s.RunURL, Actor: s.Actor, Reason: s.Reason,
		Moves: each(s.Moves, recordingShape.recording), Unproved: s.Unproved, Repaired: s.Repaired, Undoes: s.Undoes,
	}
	for _, p := range s.Proofs {
		proof, err := p.proof()
		if err != nil {
			return promotion.Entry{}, err
		}
		e.Proofs = append(e.Proofs, proof)
	}
	return e, nil
}

func shapeOfRecording(r promotion.Recording) recordingShape {
	return recordingShape{
		Function: r.Function, Name: r.Name, From: uint64(r.From), To: uint64(r.To), Revision: string(r.Revision),
		FromDigest: string(r.FromDigest), Digest: string(r.Digest), FromSource: sourceShape(r.FromSource), Adopted: r.Adopted, Fate: string(r.Fate),
	}
}

func (s recordingShape) recording() promotion.Recording {
	return promotion.Recording{
		Function: s.Function, Name: s.Name, From: promotion.Version(s.From), To: promotion.Version(s.To), Revision: promotion.Revision(s.Revision),
		FromDigest: promotion.Digest(s.FromDigest), Digest: promotion.Digest(s.Digest), FromSource: promotion.Source(s.FromSource),
		Adopted: s.Adopted, Fate: promotion.Fate(s.Fate),
	}
}

func shapeOfProof(p promotion.Proof) proofShape {
	s := proofShape{Check: p.Check, Function: p.Function, Version: uint64(p.Version), Verdict: string(p.Verdict), Tests: (*testsShape)(p.Tests)}
	if p.Took != 0 {
		s.Took = p.Took.String()
	}
	return s
}

func (s proofShape) proof() (promotion.Proof, error) {
	p := promotion.Proof{
		Check: s.Check, Function: s.Function, Version: promotion.Version(s.Version), Verdict: promotion.Verdict(s.Verdict), Tests: (*promotion.TestCounts)(s.Tests),
	}
	if s.Took == "" {
		return p, nil
	}
	took, err := time.ParseDuration(s.Took)
	if err != nil {
		return p, fmt.Errorf("a check took %q, which is no duration", s.Took)
	}
	p.Took = took
	return p, nil
}
