package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox"
)

// twoAtOnce lets an older commit and a newer one be released at the same time. The newer one's first upload is kept on
// its way until the older one waits for it, so that they do meet, however busy the machine is.
func (d *show) twoAtOnce(ctx context.Context) error {
	d.title("Two pipelines at once", "Two merges, moments apart, and both change all functions. The newer one's pipeline is the quicker one.")
	upload, err := d.box.Fault(sandbox.Fault{Kind: sandbox.Hold, Service: "lambda", Operation: "UpdateFunctionCode"})
	if err != nil {
		return err
	}
	newer, err := d.start(ctx, 6, "newer │ ", d.run(6), "run", "--environment", "prod", "--commit", commit(6))
	if err != nil {
		return err
	}
	defer newer.stop()
	if err := d.held(ctx, upload, 1); err != nil {
		return err
	}
	older, err := d.start(ctx, 5, "older │ ", d.run(5), "run", "--environment", "prod", "--commit", commit(5))
	if err != nil {
		return err
	}
	defer older.stop()
	if err := older.says(ctx, "waiting for"); err != nil {
		return err
	}
	if err := d.box.Release(upload); err != nil {
		return err
	}
	if err := newer.wait(0); err != nil {
		return err
	}
	if err := older.wait(0); err != nil {
		return err
	}
	if !older.said("superseded") {
		return fmt.Errorf("the older pipeline did not end superseded")
	}
	d.box.ClearFaults()
	if err := d.live(ctx, 6); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nAll functions went from the release before to 6. Callers saw nothing of 5 (%d requests so far).\n", d.traffic.count())
	return nil
}

// killed ends a run by SIGKILL when one alias of three has moved, and lets the next one find that out. What the dead run
// had sent last arrives when everything is over.
func (d *show) killed(ctx context.Context) error {
	d.title("Killed half way", "One alias has moved and the other two are about to, when the run is killed. The next one has to find and repair that.")
	d.box.ResetCalls()
	flips, err := d.box.Fault(sandbox.Fault{Kind: sandbox.Hold, Service: "lambda", Operation: "UpdateAlias", Nth: 2, Count: 2})
	if err != nil {
		return err
	}
	args := []string{"run", "--environment", "prod", "--commit", commit(7)}
	dying, err := d.start(ctx, 7, "", d.run(7), append(args, "--lease", "5s")...)
	if err != nil {
		return err
	}
	defer dying.stop()
	if err := d.held(ctx, flips, 2); err != nil {
		return err
	}
	if err := eventually(ctx, "an alias to have moved", func() bool { return len(d.flips(http.StatusOK)) == 1 }); err != nil {
		return err
	}
	ahead := d.flips(http.StatusOK)[0]
	if err := dying.kill(); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "         killed by SIGKILL; %s is ahead of the others now\n\n", ahead)

	next, err := d.start(ctx, 7, "", d.run(7), args...)
	if err != nil {
		return err
	}
	defer next.stop()
	if err := next.wait(0); err != nil {
		return err
	}
	if !next.said("left a promotion unfinished") {
		return fmt.Errorf("the run after the killed one did not tell that it found anything")
	}
	refused := len(d.flips(http.StatusPreconditionFailed))
	if err := d.box.Release(flips); err != nil {
		return err
	}
	if late := len(d.flips(http.StatusPreconditionFailed)) - refused; late != 2 {
		return fmt.Errorf("%d of the dead run's two late requests were refused", late)
	}
	d.box.ClearFaults()
	fmt.Fprintf(d.out, "\nCallers saw %s go ahead, come back, and go again with the others. The dead run's last two requests reach Lambda\n"+
		"only now, after the repair: both are refused (412), since the revisions that they carry are gone.\n", ahead)
	d.expected[ahead] = append(d.expected[ahead], "7", "6")
	return d.live(ctx, 7)
}

// flips are the functions whose alias somebody wanted to move, with this answer, since the calls were forgotten.
func (d *show) flips(status int) (functions []string) {
	for _, c := range d.box.Calls() {
		if c.Operation == "UpdateAlias" && c.Status == status {
			functions = append(functions, c.Resource)
		}
	}
	return functions
}

// rolledBack takes a release back, and lets its pipeline be run again.
func (d *show) rolledBack(ctx context.Context) error {
	d.title("A rollback", "Somebody does not like what was promoted last. It goes, at once, and does not come again by itself.")
	if err := d.promote(ctx, 0, 7, "rollback", "--environment", "prod", "--reason", "customers are asked for a review twice"); err != nil {
		return err
	}
	if err := d.live(ctx, 6); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "\nIts pipeline is run again:")
	if err := d.promote(ctx, 2, 7, "run", "--environment", "prod", "--commit", commit(7)); err != nil {
		return err
	}
	return d.live(ctx, 6)
}

// patience bounds what the demo waits for before it calls it a failure.
const patience = 30 * time.Second

// held waits until a fault holds so many calls.
func (d *show) held(ctx context.Context, fault string, calls int) error {
	return eventually(ctx, "a call to be on its way", func() bool {
		for _, f := range d.box.Faults() {
			if f.ID == fault {
				return f.Held == calls
			}
		}
		return false
	})
}

// eventually waits for something that is about to happen.
func eventually(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}
