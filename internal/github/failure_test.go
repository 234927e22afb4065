package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

// Each way in which GitHub can fail: what a person reads, how often it was asked and how long it took.
func TestFailures(t *testing.T) {
	forever := func(f hub.Fault) hub.Fault { f.Count = -1; return f }
	for name, tt := range map[string]struct {
		fault      hub.Fault
		what, hint string // "" is a success
		calls      int
		least      time.Duration // of waiting
		most       time.Duration
	}{
		"401 is not asked again":         {forever(hub.Fault{Kind: hub.FaultStatus, Status: 401, Message: "Bad credentials"}), "GitHub does not know the token (401)", "expired", 1, 0, 0},
		"403 is not asked again":         {forever(hub.Fault{Kind: hub.FaultStatus, Status: 403, Message: "Resource not accessible by integration"}), "the token may not do this (403)", "permissions", 1, 0, 0},
		"404 is not asked again":         {forever(hub.Fault{Kind: hub.FaultStatus, Status: 404, Message: "Not Found"}), "GitHub does not have both", "fork", 1, 0, 0},
		"422 is not asked again":         {forever(hub.Fault{Kind: hub.FaultStatus, Status: 422, Message: "Unprocessable"}), "GitHub does not take what was sent (422)", "", 1, 0, 0},
		"451 is not asked again":         {forever(hub.Fault{Kind: hub.FaultStatus, Status: 451, Message: "DMCA"}), "GitHub refused it (451)", "", 1, 0, 0},
		"a 500 passes":                   {hub.Fault{Kind: hub.FaultStatus, Status: 500}, "", "", 2, 250 * time.Millisecond, 750 * time.Millisecond},
		"two 502 pass":                   {hub.Fault{Kind: hub.FaultStatus, Status: 502, Count: 2}, "", "", 3, 750 * time.Millisecond, 2250 * time.Millisecond},
		"503 for ever ends":              {forever(hub.Fault{Kind: hub.FaultStatus, Status: 503}), "GitHub failed (503)", "githubstatus", 3, 750 * time.Millisecond, 2250 * time.Millisecond},
		"503 with Retry-After waits":     {hub.Fault{Kind: hub.FaultStatus, Status: 503, RetryAfter: 7}, "", "", 2, 7 * time.Second, 7 * time.Second},
		"503 with too much of it ends":   {hub.Fault{Kind: hub.FaultStatus, Status: 503, RetryAfter: 100}, "GitHub failed (503)", "", 1, 0, 0},
		"a lost connection passes":       {hub.Fault{Kind: hub.FaultReset, Count: 2}, "", "", 3, 750 * time.Millisecond, 2250 * time.Millisecond},
		"lost connections for ever end":  {forever(hub.Fault{Kind: hub.FaultReset}), "was lost before the answer was there", "run it again", 3, 750 * time.Millisecond, 2250 * time.Millisecond},
		"silence passes":                 {hub.Fault{Kind: hub.FaultTimeout}, "", "", 2, 20 * time.Second, 21 * time.Second},
		"silence for ever ends":          {forever(hub.Fault{Kind: hub.FaultTimeout}), "did not answer in time", "network", 3, time.Minute, 63 * time.Second},
		"429 with Retry-After waits":     {hub.Fault{Kind: hub.FaultSecondaryLimit, Status: 429, RetryAfter: 20}, "", "", 2, 20 * time.Second, 20 * time.Second},
		"429 without waits a minute":     {hub.Fault{Kind: hub.FaultStatus, Status: 429, Message: "slow down"}, "", "", 2, time.Minute, time.Minute},
		"429 twice without ends":         {forever(hub.Fault{Kind: hub.FaultStatus, Status: 429, Message: "slow down"}), "GitHub takes no calls until", "fewer jobs", 2, time.Minute, time.Minute},
		"429 with too much of it ends":   {forever(hub.Fault{Kind: hub.FaultSecondaryLimit, Status: 429, RetryAfter: 61}), "too many in a short time", "fewer jobs", 1, 0, 0},
		"a secondary limit by 403 waits": {hub.Fault{Kind: hub.FaultSecondaryLimit, RetryAfter: 3, Count: 4}, "", "", 5, 12 * time.Second, 12 * time.Second},
		"one without a time waits too":   {hub.Fault{Kind: hub.FaultSecondaryLimit}, "", "", 2, time.Minute, time.Minute},
		"it ends when the budget does":   {forever(hub.Fault{Kind: hub.FaultSecondaryLimit, RetryAfter: 25}), "too many in a short time", "", 3, 50 * time.Second, 50 * time.Second},
		"a spent hour that ends soon":    {hub.Fault{Kind: hub.FaultPrimaryLimit, RetryAfter: 30}, "", "", 2, 29 * time.Second, 32 * time.Second},
		"a spent hour ends":              {forever(hub.Fault{Kind: hub.FaultPrimaryLimit, RetryAfter: 1800}), "limit of calls is used up until 00:30:0", "1,000 calls an hour", 1, 0, 0},
		"a spent hour by 429 ends":       {forever(hub.Fault{Kind: hub.FaultPrimaryLimit, Status: 429, RetryAfter: 1800}), "limit of calls is used up until 00:30:0", "", 1, 0, 0},
		"a detour at home is followed":   {hub.Fault{Kind: hub.FaultRedirect, Location: "/_github/api/v3{path}"}, "", "", 2, 0, 0},
		"a circle at home ends":          {forever(hub.Fault{Kind: hub.FaultRedirect, Location: "/_github/api/v3{path}"}), "was lost before the answer was there: GitHub's answers lead in a circle", "", 6, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, w world) {
				w.fault(t, tt.fault)
				begin := time.Now()
				got, err := w.open(t, nil).Compare(t.Context(), c("c1"), c("c2"))
				took := time.Since(begin)
				if tt.what == "" {
					if got != promotion.Ahead || err != nil {
						t.Errorf("got %s, %v", got, err)
					}
				} else {
					if f := promotion.FaultOf(err); !strings.Contains(f.Error(), tt.what) {
						t.Errorf("it says %q, want %q", f.Error(), tt.what)
					}
					w.tells(t, err, "compare commit", tt.hint)
					if got != promotion.Unknown {
						t.Errorf("it is %s", got)
					}
				}
				if n := len(w.Calls()); n != tt.calls || took < tt.least || took > tt.most {
					t.Errorf("%d calls in %v; want %d in %v to %v", n, took, tt.calls, tt.least, tt.most)
				}
			})
		})
	}
}

func TestLimits(t *testing.T) {
	t.Run("the last call of the hour counts, and the next one waits or is not made", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			must(t, w.SetRemaining(w.env["GITHUB_TOKEN"], 1, time.Now().Add(40*time.Second)))
			if got, err := client.Compare(t.Context(), c("c1"), c("c2")); got != promotion.Ahead || err != nil {
				t.Fatalf("the last call: %s, %v", got, err)
			}
			begin := time.Now()
			if got, err := client.Compare(t.Context(), c("c1"), c("c3")); got != promotion.Ahead || err != nil {
				t.Errorf("the first of the next hour: %s, %v", got, err)
			}
			if took := time.Since(begin); took < 40*time.Second || took > 42*time.Second {
				t.Errorf("it waited %v", took)
			}
			must(t, w.SetRemaining(w.env["GITHUB_TOKEN"], 1, time.Now().Add(30*time.Second)))
			_, err := client.Compare(t.Context(), c("c1"), c("t1"))
			must(t, err)
			w.ClearCalls()
			_, err = client.Compare(t.Context(), c("c2"), c("t1"))
			w.tells(t, err, "used up until 00:01:1", "") // 30 s of the budget are gone
			if n := len(w.Calls()); n != 0 {
				t.Errorf("%d calls were made to be refused", n)
			}
			time.Sleep(time.Minute)
			if _, err = client.Compare(t.Context(), c("c2"), c("t1")); err != nil {
				t.Errorf("after its end: %v", err)
			}
		})
	})
	t.Run("calls that wait together are charged once, and hold each other back", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			w.fault(t, hub.Fault{Kind: hub.FaultSecondaryLimit, RetryAfter: 50, Count: -1})
			time.AfterFunc(49*time.Second, w.ClearFaults)
			client := w.open(t, nil)
			var wg sync.WaitGroup
			begin := time.Now()
			for _, head := range []string{"c2", "c3", "t1", "root"} {
				wg.Go(func() {
					if _, err := client.Compare(t.Context(), c("c1"), c(head)); err != nil {
						t.Errorf("%s: %v", head, err)
					}
				})
			}
			wg.Wait()
			if took := time.Since(begin); took != 50*time.Second {
				t.Errorf("they took %v", took)
			}
			if n := len(w.Calls()); n > 8 {
				t.Errorf("%d calls", n)
			}
		})
	})
	t.Run("a permission that is missing with the last call is no limit", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			must(t, w.AddToken(hub.Token{Value: "ghs_blind", Repositories: []string{repository}}))
			must(t, w.SetRemaining("ghs_blind", 1, time.Now().Add(time.Hour)))
			_, err := w.open(t, func(o *github.Options) { o.Token = "ghs_blind" }).Compare(t.Context(), c("c1"), c("c2"))
			w.tells(t, err, "the token may not do this (403)", "permissions: {contents: read}")
		})
	})
	t.Run("without a budget nothing waits", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			w.fault(t, hub.Fault{Kind: hub.FaultStatus, Status: 500})
			begin := time.Now()
			_, err := w.open(t, func(o *github.Options) { o.Budget = -1 }).Compare(t.Context(), c("c1"), c("c2"))
			w.tells(t, err, "GitHub failed (500)", "")
			if len(w.Calls()) != 1 || time.Since(begin) != 0 {
				t.Errorf("%d calls in %v", len(w.Calls()), time.Since(begin))
			}
		})
	})
	t.Run("the end of the hour is by GitHub's clock", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			calls := 0
			client := w.open(t, func(o *github.Options) {
				o.HTTPClient = &http.Client{Transport: answering(func(*http.Request) (int, http.Header, string) {
					if calls++; calls == 1 {
						theirs := time.Now().Add(-time.Hour).UTC()
						return 403, http.Header{"Date": {theirs.Format(http.TimeFormat)}, "X-Ratelimit-Remaining": {"0"},
							"X-Ratelimit-Reset": {fmt.Sprint(theirs.Add(20 * time.Second).Unix())}}, `{"message": "API rate limit exceeded for installation ID 7."}`
					}
					return 200, nil, `{"status": "ahead"}`
				})}
			})
			begin := time.Now()
			_, err := client.Compare(t.Context(), c("c1"), c("c2"))
			must(t, err)
			if took := time.Since(begin); took != 21*time.Second {
				t.Errorf("it waited %v", took)
			}
		})
	})
	t.Run("Retry-After may be a time, by GitHub's clock", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			calls := 0
			client := w.open(t, func(o *github.Options) {
				o.HTTPClient = &http.Client{Transport: answering(func(*http.Request) (int, http.Header, string) {
					if calls++; calls == 1 {
						theirs := time.Now().Add(-time.Hour).UTC() // their clock is an hour behind
						return 429, http.Header{"Date": {theirs.Format(http.TimeFormat)}, "Retry-After": {theirs.Add(9 * time.Second).Format(http.TimeFormat)}}, ""
					}
					return 200, nil, `{"status": "ahead"}`
				})}
			})
			begin := time.Now()
			_, err := client.Compare(t.Context(), c("c1"), c("c2"))
			must(t, err)
			if took := time.Since(begin); took != 9*time.Second {
				t.Errorf("it waited %v", took)
			}
		})
	})
}

// A change is made again only where it is certain that it was not made.
func TestChangesAreNotMadeTwice(t *testing.T) {
	for name, tt := range map[string]struct {
		fault    hub.Fault
		what     string
		comments int
	}{
		"a limit is waited for":                 {hub.Fault{Kind: hub.FaultSecondaryLimit, RetryAfter: 5}, "", 1},
		"a failure is told":                     {hub.Fault{Kind: hub.FaultStatus, Status: 502}, "GitHub failed (502)", 0},
		"a lost answer is told":                 {hub.Fault{Kind: hub.FaultReset, After: true}, "was lost", 1},
		"values that are refused are told":      {hub.Fault{Kind: hub.FaultValidation, Errors: []hub.FaultDetail{{Resource: "IssueComment", Field: "body", Code: "too_long"}}}, "(422)", 0},
		"a detour that keeps it is followed":    {hub.Fault{Kind: hub.FaultRedirect, Status: 307, Location: "/_github/api/v3{path}"}, "", 1},
		"one that makes it a read is not":       {hub.Fault{Kind: hub.FaultRedirect, Status: 302, Location: "/_github/api/v3{path}"}, "lost", 0},
		"a token that can only read is told so": {hub.Fault{}, "the token may not do this (403)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, w world) {
				reader := w.open(t, nil)
				client := reader
				if tt.fault.Kind == "" {
					must(t, w.AddToken(hub.Token{Value: "ghs_fork", Permissions: hub.ReadOnly(), Repositories: []string{repository}}))
					client = w.open(t, nil, "GITHUB_TOKEN", "ghs_fork")
				} else {
					w.fault(t, tt.fault)
				}
				err := client.Comment(t.Context(), 1, "hello")
				var f promotion.Fault
				if tt.what == "" {
					must(t, err)
				} else {
					w.tells(t, err, tt.what, "")
					f = promotion.FaultOf(err)
				}
				if tt.fault.Kind == "" && !strings.Contains(f.Hint, "`permissions: {issues: write}` or `permissions: {pull-requests: write}` of the job; pull requests from forks") ||
					tt.fault.Kind == hub.FaultValidation && !strings.Contains(f.Detail, "body is too long") {
					t.Errorf("it tells %+v", f)
				}
				got, err := reader.Comments(t.Context(), 1)
				must(t, err)
				if len(got) != tt.comments {
					t.Errorf("%d comments, want %d", len(got), tt.comments)
				}
			})
		})
	}
}

func TestPages(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		client := w.open(t, nil)
		for i := range 205 {
			must(t, client.Comment(t.Context(), 1, fmt.Sprint(i)))
		}
		w.ClearCalls()
		got, err := client.Comments(t.Context(), 1)
		must(t, err)
		if len(got) != 205 || got[204] != "204" || len(w.Calls()) != 3 {
			t.Errorf("%d entries by %d calls", len(got), len(w.Calls()))
		}
		w.fault(t, hub.Fault{Kind: hub.FaultStatus, Status: 404, Nth: 2})
		if got, err := client.Comments(t.Context(), 1); err == nil || len(got) != 0 {
			t.Errorf("half a list passes for one: %d entries, %v", len(got), err)
		}
	})
	for name, tt := range map[string]struct {
		next func(page int) int
		want string
	}{
		"a list without an end is given up":      {func(page int) int { return page + 1 }, "more than 10000 entries"},
		"pages that lead backwards are given up": {func(int) int { return 1 }, "lead backwards"},
	} {
		t.Run(name, func(t *testing.T) {
			page := 0
			client, err := github.Open(github.Options{Repository: repository, HTTPClient: &http.Client{Transport: answering(func(*http.Request) (int, http.Header, string) {
				page++
				return 200, http.Header{"Link": {fmt.Sprintf(`<https://api.github.com/x?page=%d>; rel="next"`, tt.next(page))}}, `[{"body": "x"}]`
			})}})
			must(t, err)
			if _, err := client.Comments(t.Context(), 1); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v after %d pages", err, page)
			}
		})
	}
}
