package report

import (
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

type environmentStatusDocument struct {
	App         string                   `json:"app"`
	Environment string                   `json:"environment"`
	Alias       string                   `json:"alias"`
	Region      string                   `json:"region"`
	Holder      *holderDocument          `json:"holder,omitempty" doc:"who holds the environment's lock; absent if nobody does"`
	Unfinished  bool                     `json:"unfinished" doc:"whether a promotion is under way or was left half done"`
	Functions   []functionStatusDocument `json:"functions"`
}

type functionStatusDocument struct {
	Function     string             `json:"function" doc:"what promote.yaml calls it"`
	Name         string             `json:"name" doc:"what Lambda calls it"`
	Version      string             `json:"version" doc:"the version that the alias holds; empty if there is no alias, or if it was not looked at"`
	Weights      map[string]float64 `json:"weights" doc:"the shares of other versions, 0 to 1"`
	Digest       string             `json:"digest" doc:"Lambda's CodeSha256 of the version"`
	LatestDigest string             `json:"latest_digest" doc:"that of $LATEST"`
	Drift        string             `json:"drift" doc:"how $LATEST differs from the version; empty if it does not"`
	Drifts       []string           `json:"drifts" doc:"each way in which it is not as it was recorded, and drift"`
	Looked       bool               `json:"looked" doc:"whether Lambda was asked; if not, only what is recorded is known"`
	Recorded     *recordDocument    `json:"recorded,omitempty" doc:"what the ledger has of it; absent if it has nothing"`
	Error        *faultDocument     `json:"error,omitempty" doc:"why it could not be read"`
}

type recordDocument struct {
	Version    string    `json:"version"`
	Digest     string    `json:"digest"`
	Commit     string    `json:"commit"`
	ReleaseID  string    `json:"release_id,omitempty"`
	Entry      int       `json:"entry,omitempty" doc:"of the history, that put the version there"`
	PromotedAt time.Time `json:"promoted_at,omitzero"`
	Adopted    bool      `json:"adopted" doc:"whether it was found there and not promoted"`
	Floor      string    `json:"floor,omitempty" doc:"the commit that a rollback went back from: what is not ahead of it is refused"`
}

// StatusJSON shows environments to programs: a list as [Schema] describes it, indented, ending in a line break.
func StatusJSON(list []EnvironmentStatus) []byte {
	docs := []environmentStatusDocument{}
	for _, env := range list {
		doc := environmentStatusDocument{
			App: env.App, Environment: env.Environment.Name, Alias: env.Environment.Alias, Region: env.Environment.Region,
			Holder: holderOf(env.Holder), Unfinished: env.Open != nil, Functions: []functionStatusDocument{},
		}
		for _, f := range env.Functions {
			doc.Functions = append(doc.Functions, functionStatus(env, f))
		}
		docs = append(docs, doc)
	}
	return indented(docs)
}

func functionStatus(env EnvironmentStatus, f promotion.FunctionStatus) functionStatusDocument {
	doc := functionStatusDocument{
		Function: f.Function.Key, Name: f.Function.Name, Weights: map[string]float64{},
		LatestDigest: string(f.State.Latest.Digest), Drift: f.Drift, Drifts: append([]string{}, drifts(env, f)...), Looked: !f.Unseen && f.Err == nil,
	}
	if r := f.State.Routing; r != nil {
		doc.Version = versionText(r.Version)
		for v, w := range r.Weights {
			doc.Weights[versionText(v)] = w
		}
	}
	if f.State.Stable != nil {
		doc.Digest = string(f.State.Stable.Digest)
	}
	if r := f.Record; r != nil {
		doc.Recorded = &recordDocument{
			Version: versionText(r.Version), Digest: string(r.Digest), Commit: r.Source.Commit, ReleaseID: r.Release, Entry: int(r.Entry),
			PromotedAt: f.Promoted.UTC(), Adopted: r.Adopted, Floor: r.Floor.Commit,
		}
	}
	if f.Err != nil {
		doc.Error = &faultDocuments([]promotion.Fault{promotion.FaultOf(f.Err)})[0]
	}
	return doc
}
