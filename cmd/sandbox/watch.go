package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// traffic asks addresses in turn, again and again. It counts what is not a good answer, and keeps which releases of each
// function answered, in the order in which they were seen.
type traffic struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	requests int
	failures []string
	seen     map[string][]string  // the releases of a function, one entry whenever it changed
	asked    map[string]time.Time // when the request was made that a function answered last
}

const (
	betweenRequests = 50 * time.Millisecond
	// soon is how long callers may take to see what was promoted: some rounds of requests, on a machine that is busy.
	soon = 10 * time.Second
)

// watch begins to make requests, one at a time.
func watch(ctx context.Context, urls ...string) *traffic {
	ctx, cancel := context.WithCancel(ctx)
	t := &traffic{cancel: cancel, done: make(chan struct{}), seen: map[string][]string{}, asked: map[string]time.Time{}}
	client := &http.Client{Timeout: 5 * time.Second}
	go func() {
		defer close(t.done)
		ticker := time.NewTicker(betweenRequests)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				t.ask(client, urls[i%len(urls)])
			}
		}
	}()
	return t
}

// ask makes one request to its end, whatever the context: a request that is cut off would be counted as a failure.
func (t *traffic) ask(client *http.Client, url string) {
	began := time.Now()
	function, release, err := get(client, url)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	if err != nil {
		t.failures = append(t.failures, err.Error())
		return
	}
	t.asked[function] = began
	if all := t.seen[function]; len(all) == 0 || all[len(all)-1] != release {
		t.seen[function] = append(all, release)
	}
}

// get asks an address of the shop, and says who answered.
func get(client *http.Client, url string) (function, release string, err error) {
	answer, err := client.Get(url)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("%s answered %d %s", url, answer.StatusCode, body)
	}
	return answer.Header.Get("x-shop-function"), answer.Header.Get("x-shop-release"), nil
}

// count is how many requests were made so far.
func (t *traffic) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests
}

// releases are those that a function answered with so far, in order.
func (t *traffic) releases(function string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen[function])
}

// shows waits until a request that is made from now on was answered by each function, and fails if the releases that
// callers saw so far are any others than the expected ones. A part of them is as bad as too many.
func (t *traffic) shows(ctx context.Context, expected map[string][]string) error {
	from := time.Now()
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	ticker := time.NewTicker(betweenRequests)
	defer ticker.Stop()
	for {
		var wrong []string
		t.mu.Lock()
		for _, f := range shopFunctions {
			if !slices.Equal(t.seen[f], expected[f]) || t.asked[f].Before(from) {
				wrong = append(wrong, fmt.Sprintf("%s: %s, and not %s", f, strings.Join(t.seen[f], " → "), strings.Join(expected[f], " → ")))
			}
		}
		t.mu.Unlock()
		if len(wrong) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("callers saw other releases than were promoted: %s", strings.Join(wrong, "; "))
		case <-ticker.C:
		}
	}
}

// stop ends the requests and says how many were made, and which failed.
func (t *traffic) stop() (requests int, failures []string) {
	t.cancel()
	<-t.done
	return t.requests, t.failures
}
