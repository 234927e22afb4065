package ledger

import (
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A releaseShape is a release's document. Its id, state and owner are attributes of the row.
type (
	releaseShape struct {
		Alias      string          `json:"alias"`
		Source     sourceShape     `json:"source,omitzero"`
		Repository string          `json:"repository,omitempty"`
		Ref        string          `json:"ref,omitempty"`
		RunID      string          `json:"run,omitempty"`
		Attempt    string          `json:"attempt,omitempty"`
		RunURL     string          `json:"url,omitempty"`
		Actor      string          `json:"actor,omitempty"`
		At         time.Time       `json:"at,omitzero"`
		HeldUntil  time.Time       `json:"held-until,omitzero"`
		Functions  []releasedShape `json:"functions"`
	}
	releasedShape struct {
		Function     string `json:"function"`
		Name         string `json:"name"`
		Version      uint64 `json:"version"`
		Digest       string `json:"digest"`
		Changed      bool   `json:"changed,omitempty"`
		Base         uint64 `json:"base,omitempty"`
		Latest       string `json:"latest,omitempty"`
		LatestDigest string `json:"latest-digest,omitempty"`
		Provenance   string `json:"provenance,omitempty"`
	}
)

func shapeOfRelease(r promotion.Release) releaseShape {
	return releaseShape{
		Alias: r.Alias, Source: sourceShape(r.Source), Repository: r.Repository, Ref: r.Ref, RunID: r.RunID, Attempt: r.Attempt, RunURL: r.RunURL,
		Actor: r.Actor, At: r.At.UTC(), HeldUntil: r.HeldUntil.UTC(), Functions: each(r.Functions, shapeOfReleased),
	}
}

// release is what the document says, without what the row's attributes say.
func (s releaseShape) release() promotion.Release {
	return promotion.Release{
		Alias: s.Alias, Source: promotion.Source(s.Source), Repository: s.Repository, Ref: s.Ref, RunID: s.RunID, Attempt: s.Attempt, RunURL: s.RunURL,
		Actor: s.Actor, At: s.At.UTC(), HeldUntil: s.HeldUntil.UTC(), Functions: each(s.Functions, releasedShape.released),
	}
}

func shapeOfReleased(f promotion.ReleasedFunction) releasedShape {
	return releasedShape{
		Function: f.Function, Name: f.Name, Version: uint64(f.Version), Digest: string(f.Digest), Changed: f.Changed, Base: uint64(f.Base),
		Latest: string(f.Latest), LatestDigest: string(f.LatestDigest), Provenance: f.Provenance,
	}
}

func (s releasedShape) released() promotion.ReleasedFunction {
	return promotion.ReleasedFunction{
		Function: s.Function, Name: s.Name, Version: promotion.Version(s.Version), Digest: promotion.Digest(s.Digest), Changed: s.Changed,
		Base: promotion.Version(s.Base), Latest: promotion.Revision(s.Latest), LatestDigest: promotion.Digest(s.LatestDigest), Provenance: s.Provenance,
	}
}
