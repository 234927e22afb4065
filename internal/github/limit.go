package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A limited is a limit that GitHub sets to calls.
type limited struct {
	primary bool      // of calls an hour; otherwise of calls in a short time
	until   time.Time // by this machine's clock
	passed  bool      // the call that told of it was carried out
}

func (l *limited) Error() string {
	return fmt.Sprintf("GitHub takes no calls before %s", l.until.UTC().Format("15:04:05 UTC"))
}

// unspecified is how long to wait where GitHub does not say: at least a minute, by its documentation.
const unspecified = time.Minute

// limitOf reads from an answer which limit it met, or left nothing of; nil if none. GitHub refuses with 403 or 429.
func limitOf(res *http.Response, body []byte) *limited {
	now := time.Now()
	refused := res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusTooManyRequests
	var said struct {
		Message          string `json:"message"`
		DocumentationURL string `json:"documentation_url"`
	}
	if refused {
		_ = json.Unmarshal(body, &said) // what is no JSON says nothing about limits
	}
	message := strings.ToLower(said.Message)
	secondary := strings.Contains(message, "secondary rate limit") || strings.Contains(message, "abuse") ||
		strings.HasSuffix(said.DocumentationURL, "secondary-rate-limits") || strings.HasSuffix(said.DocumentationURL, "#abuse-rate-limits")

	reset, err := strconv.ParseInt(res.Header.Get("X-Ratelimit-Reset"), 10, 64)
	if used := err == nil && res.Header.Get("X-Ratelimit-Remaining") == "0"; used && !secondary {
		// The end of the hour is by GitHub's clock; one second more, since both are cut to whole ones.
		wait := time.Unix(reset, 0).Sub(clock(res.Header, now)) + time.Second
		limit := &limited{primary: true, until: now.Add(max(wait, time.Second))}
		switch {
		case refused && (strings.Contains(message, "rate limit") || res.StatusCode == http.StatusTooManyRequests):
			return limit
		case !refused && wait > time.Second:
			limit.passed = true
			return limit
		}
	}
	wait := retryAfter(res.Header)
	if !refused || wait == 0 && !secondary && res.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	if wait == 0 {
		wait = unspecified
	}
	return &limited{until: now.Add(wait)}
}

// clock is GitHub's time.
func clock(h http.Header, now time.Time) time.Time {
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		return theirs
	}
	return now
}

// retryAfter is how long the answer asks to wait, in seconds or up to a time; 0 if it does not.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(time.Duration(seconds)*time.Second, time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(clock(h, time.Now())), time.Second)
	}
	return 0
}
