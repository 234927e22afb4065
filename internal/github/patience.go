package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	tries     = 3
	backoff   = 500 * time.Millisecond // before the second try, and twice that before the third, more or less
	maxAnswer = 32 << 20               // bytes; the largest answers, comparisons with their files, have a few million
)

// Patience makes a call again where that may help: reads, and what is [repeatable], after failures of GitHub or of the
// way there, everything after a limit, since a call that met a limit was not carried out. Once a limit is met, the
// calls after it are held back too, as GitHub asks. It reads answers to their end, so that one that breaks off is a
// failure of the way.
//
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
type patience struct {
	next   http.RoundTripper
	budget *budget

	mu   sync.Mutex
	held map[bool]*limited // by whether it is a query: no call before its end
}

type repeatableKey struct{}

// repeatable marks calls that may be made twice although they are no GET: queries, and writes of which the second
// changes nothing.
func repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

type promptKey struct{}

// promptly marks a write that is worth nothing later, since it rests on what was read just before: a limit is its end.
func promptly(ctx context.Context) context.Context {
	return context.WithValue(ctx, promptKey{}, true)
}

// isQuery tells calls of the GraphQL API from others. They have an hour's limit of their own.
// https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
func isQuery(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/graphql") }

// RoundTrip returns GitHub's last answer, a [*limited] where waiting would take too long, or what became of the way.
func (p *patience) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Context().Value(repeatableKey{}) != nil
	for try := 1; ; {
		if err := p.holdBack(r.Context(), isQuery(r)); err != nil {
			return nil, err
		}
		res, met, err := p.once(r)
		switch {
		case r.Context().Err() != nil:
			return nil, r.Context().Err()
		case met != nil:
			p.hold(met, isQuery(r))
			if met.passed { // the call itself was carried out, as the last one that was allowed
				return res, nil
			}
			if r.Context().Value(promptKey{}) != nil {
				return nil, met
			}
			continue // waits at the top, or gives up there
		case err == nil && res.StatusCode < 500, err != nil && !passing(err), !read, try == tries:
			return res, err
		}
		pause := backoff << (try - 1)
		pause = pause/2 + rand.N(pause)
		if err == nil {
			pause = max(pause, retryAfter(res.Header))
		}
		if !p.budget.take(pause) {
			return res, err
		}
		if err := sleep(r.Context(), pause); err != nil {
			return nil, err
		}
		try++
	}
}

// once makes one try, in the time that one may take.
func (p *patience) once(r *http.Request) (*http.Response, *limited, error) {
	ctx, cancel := context.WithTimeout(r.Context(), tryWithin)
	defer cancel()
	attempt := r.Clone(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return nil, nil, errors.New("the request's body cannot be sent again")
		}
		body, err := r.GetBody()
		if err != nil {
			return nil, nil, err
		}
		attempt.Body = body
	}
	res, err := p.next.RoundTrip(attempt)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
		_ = res.Body.Close() // what matters of it was read
		if len(body) > maxAnswer {
			return nil, nil, errTooLarge
		}
		if err == nil {
			res.Body, res.Request = io.NopCloser(bytes.NewReader(body)), r
			met := limitOf(res, body)
			// Of these go-github would make a judgement of its own: that every 403 with nothing left is a limit, and that the
			// next calls need not be sent, whether there is time to wait or not.
			res.Header.Del("X-Ratelimit-Remaining")
			res.Header.Del("X-Ratelimit-Reset")
			return res, met, nil
		}
	}
	if ctx.Err() != nil && r.Context().Err() == nil {
		err = errSlow
	}
	return nil, nil, err
}

var (
	errSlow     = fmt.Errorf("there was no answer within %v", tryWithin)
	errTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
)

// passing tells whether a failure on the way may be another way the next time.
func passing(err error) bool {
	var e *elsewhere
	return !errors.As(err, &e) && !untrusted(err) && !errors.Is(err, errTooLarge)
}

// hold keeps calls back until the limit's end: all of them, or, where an hour's calls are used up, those of its kind.
func (p *patience) hold(l *limited, query bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = map[bool]*limited{}
	}
	for _, kind := range []bool{true, false} {
		if old := p.held[kind]; (kind == query || !l.primary) && (old == nil || l.until.After(old.until)) {
			p.held[kind] = l
		}
	}
}

// holdBack waits until no limit stands against a call. It returns the limit that is too far away to wait for.
func (p *patience) holdBack(ctx context.Context, query bool) error {
	for {
		p.mu.Lock()
		held := p.held[query]
		p.mu.Unlock()
		if held == nil {
			return nil
		}
		wait := time.Until(held.until)
		if wait <= 0 {
			return nil
		}
		if ctx.Value(promptKey{}) != nil || !p.budget.take(wait) {
			return held
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}
