package promotion

import (
	"context"
	"fmt"
	"time"
)

// A FunctionStatus is one function in one environment, as it is now.
type FunctionStatus struct {
	Function Function
	State    State
	Drift    string
	Err      error // why it could not be read

	Record   *Record   // what the ledger has of it; nil if it has nothing, or was not asked
	Promoted time.Time // when the ledger's version was put there; zero if that is not known
	Unseen   bool      // only the ledger was asked: State is not known
}

// Status reads what the request's environment holds. Artifacts are not looked at, and nothing is changed.
func (r *Runner) Status(ctx context.Context, req Request) []FunctionStatus {
	list := make([]FunctionStatus, len(req.Functions))
	each(ctx, len(req.Functions), r.parallel(), false, func(i int) error {
		f := req.Functions[i]
		bare := f
		bare.Artifact = Artifact{Kind: ArtifactNone}
		st, err := r.observeFunction(ctx, bare, req.Environment, 0)
		list[i] = FunctionStatus{Function: f, State: st, Err: err, Drift: driftOf(st)}
		return nil
	})
	return list
}

// An Overview is one environment as it is now, with what the ledger and the lock say of it.
type Overview struct {
	Functions []FunctionStatus
	Ledger    bool    // the ledger was asked
	Open      *Intent // what somebody is about to do, or has left half done
	Holder    *Holder // of the environment's lock; nil if nobody has it
	At        time.Time
}

// Overview reads what the request's environment holds, what is recorded of it, and who is at work on it. Its error is that
// of the ledger; what the functions hold is told all the same.
func (r *Runner) Overview(ctx context.Context, req Request) (Overview, error) {
	v := Overview{Functions: r.Status(ctx, req), At: time.Now()}
	if r.Ledger == nil || r.Locks == nil {
		return v, nil
	}
	book, err := r.Ledger.Read(ctx, req.Scope())
	if err != nil {
		return v, err
	}
	entries, err := r.Ledger.History(ctx, req.Scope(), Query{Limit: overviewEntries})
	if err != nil {
		return v, err
	}
	if v.Holder, err = r.Locks.Look(ctx, req.Scope().Lock()); err != nil {
		return v, err
	}
	v.Ledger, v.Open = true, book.Open
	at := map[uint64]time.Time{}
	for _, e := range entries {
		at[e.Number] = e.At
	}
	for i, f := range v.Functions {
		if rec, known := book.Head.Functions[f.Function.Key]; known {
			v.Functions[i].Record, v.Functions[i].Promoted = &rec, at[rec.Entry]
		}
	}
	return v, nil
}

// overviewEntries is how far back the history is read for the times of promotions.
const overviewEntries = 200

// Recorded are requests for every environment that the ledger knows, of every app: as much as is recorded of them.
func (r *Runner) Recorded(ctx context.Context, region string) ([]Request, error) {
	scopes, err := r.Ledger.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var list []Request
	for _, scope := range scopes {
		book, err := r.Ledger.Read(ctx, scope)
		if err != nil {
			return nil, err
		}
		req := Request{Mode: ModeStatus, App: scope.App, Environment: Environment{Name: scope.Environment, Region: region}}
		for _, key := range sortedKeys(book.Head.Functions) {
			rec := book.Head.Functions[key]
			req.Environment.Alias = rec.Alias
			req.Functions = append(req.Functions, Function{Key: key, Name: rec.Name})
		}
		list = append(list, req)
	}
	return list, nil
}

// driftOf tells how $LATEST differs from the version that the alias holds.
func driftOf(st State) string {
	switch {
	case st.Stable == nil:
		return ""
	case st.Latest.Digest != st.Stable.Digest:
		return fmt.Sprintf("$LATEST holds other code (%s)", st.Latest.Digest.Short())
	}
	switch diffs := st.Stable.Configuration.Diff(st.Latest.Configuration); len(diffs) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("$LATEST differs in %s", diffs[0].Field)
	default:
		return fmt.Sprintf("$LATEST differs in %s and %s", diffs[0].Field, plural(len(diffs)-1, "more field"))
	}
}
