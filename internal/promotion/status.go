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
