package promotion_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A moment is one call of a run: the nth, from 1, of those that do the same to the same thing. Calls that are made at once
// come in any order, and a moment is the same every time all the same.
type moment struct {
	call string
	nth  int
}

func (m moment) String() string {
	if m.nth == 1 {
		return m.call
	}
	return fmt.Sprintf("%s, no. %d", m.call, m.nth)
}

// writes tells whether the call may change anything at AWS.
func (m moment) writes() bool {
	operation, _, _ := strings.Cut(m.call, " ")
	return !slices.Contains([]string{"GetFunction", "GetAlias", "Invoke", "Query", "GetItem"}, operation)
}

// movesAlias tells whether the call writes an alias.
func (m moment) movesAlias() bool { return strings.HasPrefix(m.call, "UpdateAlias") }

// How a run can be cut at a call.
const (
	cutBefore    = "before"    // the call is never carried out, and nothing after it
	cutAfter     = "after"     // the call is carried out, and nothing after it
	cutLate      = "late"      // the call is carried out when its run is long dead
	cutSuspended = "suspended" // everything stands still before the call, and goes on when somebody else is through

	signalBefore  = "told to stop before"     // and the call is carried out
	signalInstead = "told to stop instead of" // and the call is never answered
	signalAfter   = "told to stop after"
)

var errKilled = errors.New("killed")

// A tap is where a party's calls come by: they are counted, and at one of them the party may come to an end.
type tap struct {
	next    http.RoundTripper
	kill    context.CancelCauseFunc
	slow    time.Duration // what an upload takes, so that signs of life are given meanwhile
	latency time.Duration // of every call

	at  moment // where it is cut; zero: nowhere
	how string

	mu     sync.Mutex
	count  map[string]int
	since  string // the last write that is neither a sign of life nor one of waiting
	calls  []moment
	struck chan struct{} // closed at the cut
	told   time.Time     // when the party was told to stop
	cut    bool
	gate   chan struct{} // closed when what was held may go on
	landed chan int      // gets the status of a call that was held
	before func(moment)  // called before each call is sent
}

// tapped puts a tap to the party's network.
func (p *party) tapped() *tap {
	k := &tap{next: p.network.next, count: map[string]int{}, struck: make(chan struct{}), gate: make(chan struct{}), landed: make(chan int, 1)}
	p.network.next = k
	return k
}

func (k *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	call := nameOf(r, body)
	send := func(ctx context.Context) (*http.Response, error) {
		again := r.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		return k.next.RoundTrip(again)
	}
	if strings.HasPrefix(call, "UpdateFunctionCode") {
		if err := sleep(r.Context(), k.slow); err != nil {
			return nil, err
		}
	}

	k.mu.Lock()
	if k.cut {
		k.mu.Unlock()
		return k.dead(r, send)
	}
	call = k.phase(call)
	k.count[call]++
	here := moment{call, k.count[call]}
	k.calls = append(k.calls, here)
	hit := here == k.at
	signal := strings.HasPrefix(k.how, "told")
	if hit && !signal {
		k.cut = true
	}
	before := k.before
	k.mu.Unlock()
	if before != nil {
		before(here)
	}
	if err := sleep(r.Context(), k.latency); err != nil {
		return nil, err
	}
	if !hit {
		return send(r.Context())
	}
	if signal {
		return k.signal(r, send)
	}
	switch k.how {
	case cutAfter:
		if answer, err := send(context.WithoutCancel(r.Context())); err == nil {
			answer.Body.Close()
		}
	case cutLate:
		go func() {
			<-k.gate
			answer, err := send(context.WithoutCancel(r.Context()))
			if err != nil {
				k.landed <- 0
				return
			}
			answer.Body.Close()
			k.landed <- answer.StatusCode
		}()
	}
	close(k.struck)
	return k.dead(r, send)
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// signal tells the party to stop at the call.
func (k *tap) signal(r *http.Request, send func(context.Context) (*http.Response, error)) (*http.Response, error) {
	if k.how == signalAfter {
		answer, err := send(r.Context())
		k.stop()
		return answer, err
	}
	k.stop()
	if k.how == signalInstead {
		return swallowed(r, nil)
	}
	return send(r.Context())
}

func (k *tap) stop() {
	k.told = time.Now()
	close(k.struck)
	k.kill(errors.New("interrupt"))
}

// dead is what becomes of the calls of a party after its cut.
func (k *tap) dead(r *http.Request, send func(context.Context) (*http.Response, error)) (*http.Response, error) {
	if k.how != cutSuspended {
		k.kill(errKilled)
		return swallowed(r, nil)
	}
	<-k.gate // a machine that stands still has no clock either
	return send(context.WithoutCancel(r.Context()))
}

// letGo lets what was held go on, and returns the status of the call that was held.
func (k *tap) letGo() int {
	select {
	case <-k.gate:
		return 0
	default:
	}
	close(k.gate)
	if k.how == cutLate {
		return <-k.landed
	}
	return 0
}

// phase tells looks at a lock apart by what was written before: how often a contender looks while it waits is left to
// chance, and the first two such looks stand for all.
func (k *tap) phase(call string) string {
	switch {
	case strings.HasPrefix(call, "Query") && strings.HasSuffix(call, "LOCK"):
		if k.since != "" {
			return call + " after " + k.since
		}
	case moment{call, 1}.writes() && !strings.Contains(call, "#WAIT") && !strings.Contains(call, "UpdateItem"):
		k.since = call
	}
	return call
}

// waits tells whether the call is one of those by which a contender waits, and not among the first.
func (m moment) waits() bool {
	return m.nth > 2 && strings.Contains(m.call, " LOCK") && strings.HasPrefix(m.call, "Query") || m.nth > 1 && strings.HasSuffix(m.call, "#WAIT")
}

// made are the calls so far.
func (k *tap) made() []moment {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.calls)
}

// nameOf says what a request does to what.
func nameOf(r *http.Request, body []byte) string {
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		operation, about := operationOf(r)
		if operation == "GetFunction" {
			about += ":" + r.URL.Query().Get("Qualifier")
		}
		return operation + " " + about
	}
	_, operation, _ := strings.Cut(target, ".")
	type row map[string]map[string]any
	key := func(r row) string {
		pk, _ := r["pk"]["S"].(string)
		sk, _ := r["sk"]["S"].(string)
		if i := strings.Index(sk, "#WAIT#"); i > 0 {
			sk = sk[:i+5] // who waits has a random name
		}
		return pk + " " + sk
	}
	var in struct {
		Key, Item                 row
		ExpressionAttributeValues row
		TransactItems             []map[string]struct{ Key, Item row }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return operation + " ?"
	}
	switch {
	case in.Key != nil:
		return operation + " " + key(in.Key)
	case in.Item != nil:
		return operation + " " + key(in.Item)
	case in.TransactItems != nil:
		var list []string
		for _, item := range in.TransactItems {
			for what, one := range item {
				k := one.Key
				if k == nil {
					k = one.Item
				}
				_, sk, _ := strings.Cut(key(k), " ")
				list = append(list, what+" "+sk)
			}
		}
		return operation + " " + strings.Join(list, ", ")
	}
	pk, _ := in.ExpressionAttributeValues[":pk"]["S"].(string)
	sk, _ := in.ExpressionAttributeValues[":sk"]["S"].(string)
	return operation + " " + pk + " " + sk
}

// intends tells whether the call is the one that records what is about to be done.
func (m moment) intends() bool { return strings.Contains(m.call, "Put BOOK#INTENT") }
