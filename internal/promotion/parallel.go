package promotion

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// each calls do for every index below n, at most limit at a time, and waits for all that it started. With stop set
// it starts no more once one has failed or ctx has ended. It returns the errors by index; an index that was never
// started has none.
func each(ctx context.Context, n, limit int, stop bool, do func(i int) error) []error {
	errs := make([]error, n)
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed bool
	)
	slots := make(chan struct{}, max(1, limit))
	for i := range n {
		slots <- struct{}{}
		mu.Lock()
		halt := stop && (failed || ctx.Err() != nil)
		mu.Unlock()
		if halt {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := guarded(func() error { return do(i) }); err != nil {
				mu.Lock()
				errs[i], failed = err, true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errs
}

// guarded turns a panic into an error, so that a defect takes the same road as any other fault: the way back.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Fault{What: fmt.Sprintf("internal error: %v", p), Hint: "this is a defect of promote; please report it with the log"}
		}
	}()
	return do()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
