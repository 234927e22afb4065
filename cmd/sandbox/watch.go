package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// traffic asks addresses in turn, again and again, and counts what is not a good answer.
type traffic struct {
	cancel   context.CancelFunc
	done     chan struct{}
	once     sync.Once
	requests int
	failures []string
}

const betweenRequests = 50 * time.Millisecond

// watch begins to make requests, one at a time.
func watch(ctx context.Context, urls ...string) *traffic {
	ctx, cancel := context.WithCancel(ctx)
	t := &traffic{cancel: cancel, done: make(chan struct{})}
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
	t.requests++
	answer, err := client.Get(url)
	if err != nil {
		t.failures = append(t.failures, err.Error())
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.failures = append(t.failures, fmt.Sprintf("%s answered %d %s", url, answer.StatusCode, body))
	}
}

// stop ends the requests and says how many were made, and which failed.
func (t *traffic) stop() (requests int, failures []string) {
	t.once.Do(func() {
		t.cancel()
		<-t.done
	})
	return t.requests, t.failures
}
