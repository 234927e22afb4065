package promotion_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A weather carries one party's requests to the door, and is what goes wrong with them.
type weather struct {
	performance *performance
	party       string
	door        *door
	kill        context.CancelFunc // ends the party's context too, so that a dead run is over soon

	mu      sync.Mutex
	strikes []strike
	met     []int
	dead    bool
	frozen  time.Time // until when every request is held
	cut     time.Time // until when DynamoDB cannot be reached
	slow    time.Time // until when every request to Lambda is held
	mute    time.Time // until when no sign of life arrives, so that a holder does not learn that it was overtaken
}

// deedOf names a request by what it does to the story.
func deedOf(r *http.Request, body []byte) (deed, function string) {
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		return operationOf(r)
	}
	_, operation, _ := strings.Cut(target, ".")
	has := func(text string) bool { return bytes.Contains(body, []byte(text)) }
	switch {
	case operation == "TransactWriteItems" && has(`"BOOK#INTENT"`) && has(`"ConditionCheck"`) && !has(`"Delete"`):
		return "Intend", ""
	case operation == "TransactWriteItems" && has(`"BOOK#`):
		return "Record", ""
	case operation == "TransactWriteItems":
		return "Lock", ""
	case operation == "UpdateItem" && has(`LOCK#BEAT`):
		return "Beat", ""
	case operation == "UpdateItem", operation == "PutItem", operation == "DeleteItem":
		return "Release", ""
	}
	return "Read", ""
}

func writes(deed string) bool {
	switch deed {
	case "GetFunction", "GetAlias", "Invoke", "Read":
		return false
	}
	return true
}

var errReset = errors.New("connection reset by peer")

func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	deed, function := deedOf(r, body)
	w.performance.see(w.party, deed)
	carry := func() (*http.Response, error) {
		return w.door.carry(&letter{w, deed, function, body, r.Clone(context.WithoutCancel(r.Context()))})
	}
	s := w.meet(deed)
	w.performance.count(s.What)
	switch s.What {
	case "kill":
		return w.die(r)
	case "kill after":
		_, _ = carry()
		return w.die(r)
	case "kill late":
		w.later(r, deed, w.performance.takeover(s.For), carry)
		return w.die(r)
	case "lost request":
		return nil, errReset
	case "lost answer":
		_, _ = carry()
		return nil, errReset
	case "late":
		return w.hold(r, deed, func() { time.Sleep(s.For) }, carry)
	case "until takeover", "unaware":
		return w.hold(r, deed, w.performance.takeover(s.For), carry)
	case "twice":
		answer, err := carry()
		w.later(r, deed, func() { time.Sleep(s.For) }, carry)
		return answer, err
	case "throttle":
		if function == "" {
			return reply(r, http.StatusBadRequest, "ThrottlingException"), nil
		}
		return reply(r, http.StatusTooManyRequests, "TooManyRequestsException"), nil
	}

	w.mu.Lock()
	dead, held, cut := w.dead, time.Until(w.frozen), time.Until(w.cut) > 0 || deed == "Beat" && time.Until(w.mute) > 0
	if function != "" {
		held = max(held, time.Until(w.slow))
	}
	w.mu.Unlock()
	switch {
	case dead:
		return swallowed(r, nil)
	case held > 0:
		return w.hold(r, deed, func() { time.Sleep(held) }, carry)
	case cut && function == "":
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
		return nil, errReset
	}
	return carry()
}

// meet counts the call and tells what strikes it.
func (w *weather) meet(deed string) (hit strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return hit
	}
	for i, s := range w.strikes {
		if s.On != "" && s.On != deed {
			continue
		}
		if w.met[i]++; w.met[i] == s.Nth && hit.What == "" {
			hit = s
		}
	}
	switch hit.What {
	case "freeze":
		w.frozen = time.Now().Add(hit.For)
	case "no table":
		w.cut = time.Now().Add(hit.For)
	case "unaware":
		w.mute = time.Now().Add(2 * time.Minute)
	case "no lambda":
		w.slow = time.Now().Add(hit.For)
	}
	return hit
}

// die ends the party like SIGKILL: nothing that it still does reaches anybody.
func (w *weather) die(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.dead = true
	w.mu.Unlock()
	w.kill()
	return swallowed(r, nil)
}

// hold lets the request arrive later, also when nobody waits for its answer any more.
func (w *weather) hold(r *http.Request, deed string, until func(), carry func() (*http.Response, error)) (*http.Response, error) {
	type answer struct {
		*http.Response
		error
	}
	answers := make(chan answer, 1)
	w.performance.late.Go(func() {
		until()
		if r.Context().Err() != nil && !writes(deed) {
			return
		}
		gone := r.Context().Err() != nil
		response, err := carry()
		if gone {
			w.landed(deed, response)
		}
		answers <- answer{response, err}
	})
	select {
	case a := <-answers:
		return a.Response, a.error
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// later lets the request arrive, or arrive again, later; nobody waits for its answer.
func (w *weather) later(r *http.Request, deed string, until func(), carry func() (*http.Response, error)) {
	if !writes(deed) {
		return
	}
	w.performance.late.Go(func() {
		until()
		if response, err := carry(); err == nil {
			w.landed(deed, response)
		}
	})
}

func (w *weather) landed(deed string, response *http.Response) {
	switch {
	case response == nil:
	case response.StatusCode < 300:
		w.performance.count("late landings")
	case deed == "UpdateAlias":
		w.performance.count("late writes of aliases refused")
	}
}
