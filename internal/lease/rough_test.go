//go:build dynamodblocal

package lease_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rs/zerolog"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A road is a TCP proxy between one run and DynamoDB Local, on which connections suffer.
type road struct {
	*testing.T

	proxy *toxiproxy.Proxy
}

func newRoad(t *testing.T, to string) *road {
	t.Helper()
	upstream, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r := &road{t, toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream.Host)}
	if err := r.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.proxy.Stop)
	return r
}

// A toxic is what a road does to the bytes of one direction.
type toxic struct {
	Name       string           `json:"name"`
	Type       string           `json:"type"`
	Stream     string           `json:"stream"`
	Toxicity   float32          `json:"toxicity"` // the share of connections
	Attributes map[string]int64 `json:"attributes"`
}

// suffer puts a toxic on the road, until heal.
func (r *road) suffer(x toxic) {
	text, err := json.Marshal(x)
	if err == nil {
		_, err = r.proxy.Toxics.AddToxicJson(strings.NewReader(string(text)))
	}
	if err != nil {
		r.Errorf("%s: %v", x.Name, err)
	}
}

func (r *road) heal(x toxic) {
	if err := r.proxy.Toxics.RemoveToxic(context.Background(), x.Name); err != nil {
		r.Errorf("%s: %v", x.Name, err)
	}
}

// troubles are what roads go through, one after the other. A request that a connection breaks over, or whose answer stops
// in the middle, has an unknown effect: so has a cut in either direction.
var troubles = []toxic{
	{Name: "latency", Type: "latency", Stream: "downstream", Toxicity: 1, Attributes: map[string]int64{"latency": 300, "jitter": 250}},
	{Name: "answers reset", Type: "reset_peer", Stream: "downstream", Toxicity: 0.5, Attributes: map[string]int64{"timeout": 0}},
	{Name: "requests reset", Type: "reset_peer", Stream: "upstream", Toxicity: 0.5, Attributes: map[string]int64{"timeout": 0}},
	{Name: "answers cut", Type: "limit_data", Stream: "downstream", Toxicity: 0.7, Attributes: map[string]int64{"bytes": 150}},
	{Name: "answers swallowed", Type: "timeout", Stream: "downstream", Toxicity: 0.7, Attributes: map[string]int64{"timeout": 0}},
	{Name: "requests swallowed", Type: "timeout", Stream: "upstream", Toxicity: 0.7, Attributes: map[string]int64{"timeout": 0}},
}

// travel lets a run's road suffer for so long: each trouble for a second and a half, then half a second of peace.
func (r *road) travel(until <-chan struct{}, first int) {
	for n := first; ; n++ {
		x := troubles[n%len(troubles)]
		r.suffer(x)
		stop := !lasts(until, 1500*time.Millisecond)
		r.heal(x)
		if stop || !lasts(until, 500*time.Millisecond) {
			return
		}
	}
}

func lasts(until <-chan struct{}, d time.Duration) bool {
	select {
	case <-until:
		return false
	case <-time.After(d):
		return true
	}
}

// bumpy counts what a run's calls come to on their road.
type bumpy struct {
	h    *history
	over *http.Transport
}

func (b *bumpy) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.over.RoundTrip(r)
	if err != nil {
		b.h.count("broken calls")
	} else {
		b.h.count("answers")
	}
	return answer, err
}

// Runs whose connections are slow, break and fall silent, again and again, on one lock: what they are told has to fit a
// lock with a fence all the same.
func TestDynamoDBLocalOverARoughRoad(t *testing.T) {
	const histories = 3
	var (
		mu  sync.Mutex
		sum = map[string]int{}
	)
	t.Run("histories", func(t *testing.T) {
		for n := range histories {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				local(t, fmt.Sprintf("rough-%d", n), func(f *fixture) {
					h := travellers(f)
					if fault := h.fault(); fault != "" {
						t.Error(fault)
					}
					mu.Lock()
					defer mu.Unlock()
					h.tally(sum)
				})
			})
		}
	})
	if sum["acquired"] == 0 || sum["broken calls"] == 0 {
		t.Errorf("too little happened: %s", tell(sum))
	}
	t.Logf("%d histories on DynamoDB Local behind toxiproxy, with latency, resets, cuts and silence: %s", histories, tell(sum))
}

// travellers lets runs compete for one lock, each over a road of its own.
func travellers(f *fixture) *history {
	const runs, grants = 6, 3
	f.lease = 5 * time.Second
	h, done := newHistory(f), make(chan struct{})
	var all, roads sync.WaitGroup
	for i := range runs {
		r := newRoad(f.T, *f.config.BaseEndpoint)
		g, over := *f, transport().(*http.Transport).Clone()
		f.Cleanup(over.CloseIdleConnections)
		g.config.BaseEndpoint, g.inner = aws.String("http://"+r.proxy.Listen), &bumpy{h, over}
		p := g.party(fmt.Sprintf("run-%d", i))
		roads.Go(func() { r.travel(done, i) })
		all.Go(func() {
			for range grants {
				h.visit(p)
			}
		})
	}
	all.Wait()
	close(done)
	roads.Wait()
	return h
}

// visit is one grant: wait for the lock, act a few times, give it back.
func (h *history) visit(p *party) {
	ctx, cancel := context.WithTimeout(h.ctx, 45*time.Second)
	defer cancel()
	held := h.acquire(p, func() (promotion.Held, error) { return p.locks.Acquire(ctx, p.lock, p.contender(), nil) })
	if held == nil {
		return
	}
	for range 3 {
		time.Sleep(200 * time.Millisecond)
		h.act(p, held.Grant())
	}
	h.release(p, held, true)
}
