package promotion_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Holder Z is overtaken between its barrier and its reading of what a dead run left; its successor has passed its own
// barrier, and read, when Z reads the very revisions that the successor is going to write with.
func TestWhoWasOvertakenBeforeReadingMovesNothing(t *testing.T) {
	stage(t, func(t *testing.T, co *company) {
		co.functions("old", "a", "b")
		dead, z, successor := co.enter("1"), co.enter("2"), co.enter("r")
		for _, p := range []*party{dead, z} {
			p.runner.Parallel = 1
		}
		gone := make(chan bool)
		dead.network.disturb(&disturbance{operation: "UpdateAlias", nth: 1, do: func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			answer, err := send(r)
			dead.die()
			close(gone)
			if err == nil {
				answer.Body.Close()
			}
			return swallowed(r, send)
		}})
		died := meanwhile(func() promotion.Outcome { return dead.run(dead.at(sha("1"), co.request("one", "a", "b"))) })

		<-gone
		reading, read := make(chan bool), make(chan bool)
		z.network.disturb(&disturbance{operation: "GetAlias", function: "a", nth: 3, do: first(func() { close(reading); <-read })})
		overtaken := meanwhile(func() promotion.Outcome { return z.run(z.at(sha("2"), co.request("two", "a", "b"))) })
		select {
		case <-reading:
		case <-time.After(20 * time.Minute):
			t.Fatalf("it never read what was left: %v", z.network.seen)
		}
		moved := z.network.count("UpdateAlias")
		if moved != 2 {
			t.Fatalf("%d aliases were written before the reading, expected the barrier's two touches", moved)
		}

		var ended promotion.Outcome
		successor.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: first(func() { close(read); ended = <-overtaken })})
		req := successor.at("", co.requestFor(promotion.Artifact{}, "a", "b"))
		req.Mode, req.Checks = promotion.ModeRollback, nil
		expect(t, successor.runner.Rollback(t.Context(), req), promotion.RolledBack, promotion.ReasonAsked)
		if ended.Kind != promotion.Fenced {
			t.Errorf("who was overtaken ended %s (%s): %s", ended.Kind, ended.Reason, ended.Sentence)
		}
		if n := z.network.count("UpdateAlias"); n != moved {
			t.Errorf("it wrote %d aliases after its successor had decided", n-moved)
		}
		co.whole("a", "b")
		<-died
		time.Sleep(time.Minute)
	})
}
