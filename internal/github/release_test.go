package github_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

// A ledger is the common place that the rows of a block come from.
type ledger struct {
	mu   sync.Mutex
	rows []string
}

func (l *ledger) enter(row string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, row)
	slices.Sort(l.rows)
}

const from, to = "<!-- rows -->\n", "<!-- /rows -->"

// block is what stands between the markers.
func block(body string) string {
	_, rest, _ := strings.Cut(body, from)
	inner, _, _ := strings.Cut(rest, to)
	return inner
}

func (l *ledger) edit(body string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return replace(body, strings.Join(l.rows, "\n")+"\n")
}

func (l *ledger) settled(body string) bool { return body == l.edit(body) }

func replace(body, inner string) string {
	before, rest, has := strings.Cut(body, from)
	_, after, _ := strings.Cut(rest, to)
	if !has && before != "" {
		before += "\n\n"
	}
	return before + from + inner + to + after
}

// own writes one row and knows of no ledger.
func own(row string) (edit func(string) string, settled func(string) bool) {
	settled = func(body string) bool { return slices.Contains(strings.Split(block(body), "\n"), row) }
	return func(body string) string {
		if settled(body) {
			return body
		}
		return replace(body, block(body)+row+"\n")
	}, settled
}

func TestRelease(t *testing.T) {
	one := &ledger{rows: []string{"prod 1"}}
	t.Run("is made, then left alone, then changed, and other text stays", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			rows := &ledger{rows: []string{"prod 1"}}
			upsert := func(want int) github.Release {
				t.Helper()
				w.ClearCalls()
				r, err := client.UpsertRelease(t.Context(), "deploy/prod/20260301.1", github.ReleaseOptions{Name: "prod", Target: c("c2"), Prerelease: true}, rows.edit, rows.settled)
				must(t, err)
				if n := len(w.Calls()); n != want {
					t.Errorf("%d calls, want %d", n, want)
				}
				return r
			}
			r := upsert(5)
			if r.Name != "prod" || !r.Prerelease || r.Draft || r.Tag != "deploy/prod/20260301.1" || !strings.HasSuffix(r.URL, "/releases/tag/deploy/prod/20260301.1") || block(r.Body) != "prod 1\n" {
				t.Errorf("made %+v", r)
			}
			upsert(1)
			must(t, client.WriteRelease(t.Context(), r.ID, "# By hand\r\n\n"+r.Body+"\nand after"))
			rows.enter("prod 2")
			if r := upsert(4); r.Body != "# By hand\r\n\n"+from+"prod 1\nprod 2\n"+to+"\nand after" {
				t.Errorf("it says %q", r.Body)
			}
		})
	})
	t.Run("is not the latest unless GitHub would say so", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			for tag, latest := range map[string]string{"v1": "legacy", "deploy/prod/1": ""} {
				_, err := client.UpsertRelease(t.Context(), tag, github.ReleaseOptions{Target: c("c3"), MakeLatest: latest}, one.edit, one.settled)
				must(t, err)
			}
			made := 0
			for _, call := range w.Calls() {
				if call.Method == "POST" {
					made++
				}
			}
			if made != 2 {
				t.Errorf("%d were made", made)
			}
		})
	})
	t.Run("may be a draft, which is found when asked", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			made, err := client.UpsertRelease(t.Context(), "v2", github.ReleaseOptions{Draft: true}, one.edit, one.settled)
			must(t, err)
			if r, err := client.ReleaseByTag(t.Context(), "v2", false); r != nil || err != nil {
				t.Errorf("a draft has the tag: %+v, %v", r, err)
			}
			if r, err := client.ReleaseByTag(t.Context(), "v2", true); r == nil || err != nil || r.ID != made.ID || !r.Draft {
				t.Errorf("found %+v, %v", r, err)
			}
			again, err := client.UpsertRelease(t.Context(), "v2", github.ReleaseOptions{}, one.edit, one.settled)
			if must(t, err); again.ID != made.ID || !again.Draft {
				t.Errorf("the draft was not used: %+v", again)
			}
		})
	})
	t.Run("is made once though the answer is lost", func(t *testing.T) {
		for name, f := range map[string]hub.Fault{
			"after": {Kind: hub.FaultReset, After: true}, "before": {Kind: hub.FaultReset}, "with an error": {Kind: hub.FaultStatus, Status: 500},
		} {
			for _, draft := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " draft ", draft), func(t *testing.T) {
					timeless(t, func(t *testing.T, w world) {
						f.Method, f.Path = "POST", "/repos/{o}/{r}/releases"
						w.fault(t, f)
						client := w.open(t, nil)
						r, err := client.UpsertRelease(t.Context(), "v3", github.ReleaseOptions{Draft: draft}, one.edit, one.settled)
						must(t, err)
						if n := client.Releases(t); n != 1 || block(r.Body) != "prod 1\n" {
							t.Errorf("%d releases; %q", n, r.Body)
						}
					})
				})
			}
		}
	})
	t.Run("is written through lost answers and limits, and given up after some", func(t *testing.T) {
		for name, tt := range map[string]struct {
			fault hub.Fault
			what  string
		}{
			"a lost answer":       {hub.Fault{Kind: hub.FaultReset, After: true}, ""},
			"a lost call":         {hub.Fault{Kind: hub.FaultReset}, ""},
			"a limit":             {hub.Fault{Kind: hub.FaultSecondaryLimit, RetryAfter: 5}, ""},
			"errors without end":  {hub.Fault{Kind: hub.FaultStatus, Status: 503, Count: -1}, "GitHub failed (503)"},
			"a release that goes": {hub.Fault{Kind: hub.FaultStatus, Status: 404, Count: -1}, "changed by others"},
		} {
			t.Run(name, func(t *testing.T) {
				timeless(t, func(t *testing.T, w world) {
					client := w.open(t, nil)
					first, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, one.edit, one.settled)
					must(t, err)
					tt.fault.Method, tt.fault.Path = "PATCH", "/repos/{o}/{r}/releases/{id}"
					w.fault(t, tt.fault)
					rows := &ledger{rows: []string{"prod 2"}}
					r, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
					if tt.what != "" {
						w.tells(t, err, tt.what, "run it again")
					} else if must(t, err); r.ID != first.ID || block(r.Body) != "prod 2\n" {
						t.Errorf("it is %+v", r)
					}
				})
			})
		}
	})
	t.Run("cannot have every name and every length", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			for _, tag := range []string{"", "../../issues", "a b", "a..b", "/a", "a/", ".a", "a~1", "a//b", "a.lock", "a\x01"} {
				_, err := client.UpsertRelease(t.Context(), tag, github.ReleaseOptions{}, one.edit, one.settled)
				w.tells(t, err, "a tag cannot have that name", "")
				_, err = client.ReleaseByTag(t.Context(), tag, true)
				w.tells(t, err, "a tag cannot have that name", "")
			}
			_, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{MakeLatest: "true"}, one.edit, one.settled)
			w.tells(t, err, "no such way to make it the latest", "")
			if n := len(w.Calls()); n != 0 {
				t.Errorf("%d calls", n)
			}
			_, err = client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, func(string) string { return strings.Repeat("é", 125_001) }, one.settled)
			w.tells(t, err, "its text would have 125001 characters, and GitHub takes 125000", "")
			if client.Releases(t) != 0 {
				t.Error("it was made all the same")
			}
			for _, tag := range []string{"v1#2", "100%", "ünïcode/é"} {
				r, err := client.UpsertRelease(t.Context(), tag, github.ReleaseOptions{}, one.edit, one.settled)
				must(t, err)
				if found, err := client.ReleaseByTag(t.Context(), tag, false); err != nil || found == nil || found.ID != r.ID {
					t.Errorf("%s: found %+v, %v", tag, found, err)
				}
			}
		})
	})
	t.Run("that others change each time is given up", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			_, err := w.open(t, nil).UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, one.edit, func(string) bool { return false })
			w.tells(t, err, "write release v1 of acme/shop: its text was changed by others each of the 8 times", "run it again")
		})
	})
}

// Runs that write to one release at the same time: whatever the order in which their calls arrive, all their rows
// stand there at the end, and everything else.
func TestReleaseWithManyWriters(t *testing.T) {
	const rounds = 50
	type writer struct {
		edit    func(string) string
		settled func(string) bool
	}
	for name, writers := range map[string]func(n int) []func() writer{
		"rows from a ledger": func(n int) []func() writer {
			rows := &ledger{}
			var list []func() writer
			for i := range n {
				list = append(list, func() writer {
					rows.enter(fmt.Sprint("environment ", i))
					return writer{rows.edit, rows.settled}
				})
			}
			return list
		},
		"rows of their own": func(n int) []func() writer {
			var list []func() writer
			for i := range n {
				edit, settled := own(fmt.Sprint("environment ", i))
				list = append(list, func() writer { return writer{edit, settled} })
			}
			return list
		},
	} {
		for _, n := range []int{2, 3} {
			for _, exists := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d with %s, release exists: %v", n, name, exists), func(t *testing.T) {
					clashes, longest := 0, time.Duration(0)
					for round := range rounds {
						timeless(t, func(t *testing.T, w world) {
							if exists {
								_, err := w.open(t, nil).UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, func(string) string { return "by hand" }, func(s string) bool { return s == "by hand" })
								must(t, err)
								w.ClearCalls()
							}
							var runs sync.WaitGroup
							begin := time.Now()
							for i, start := range writers(n) {
								client := w.open(t, func(o *github.Options) { o.HTTPClient = w.slow(int64(round*100 + i + 1)) })
								runs.Go(func() {
									time.Sleep(time.Duration(round*i%7) * 150 * time.Millisecond)
									one := start()
									if _, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, one.edit, one.settled); err != nil {
										t.Errorf("round %d: %v", round, err)
									}
								})
							}
							runs.Wait()
							longest = max(longest, time.Since(begin))
							writes := 0
							for _, call := range w.Calls() {
								if call.Method == "PATCH" && call.Status == 200 {
									writes++
								}
							}
							if clean := n - 1; writes > clean || exists && writes > n {
								clashes++
							}
							r, err := w.open(t, nil).ReleaseByTag(t.Context(), "v1", false)
							must(t, err)
							for i := range n {
								if row := fmt.Sprint("environment ", i, "\n"); strings.Count(block(r.Body), row) != 1 {
									t.Errorf("round %d: %q is missing in %q", round, row, r.Body)
								}
							}
							if exists != strings.HasPrefix(r.Body, "by hand") || strings.Count(r.Body, from) != 1 {
								t.Errorf("round %d: it says %q", round, r.Body)
							}
						})
					}
					t.Logf("%d of %d rounds wrote again what was lost; the longest took %v", clashes, rounds, longest)
				})
			}
		}
	}
}

// Drafts may share a tag, and nothing refuses the second one of two that are made at once.
func TestDraftsWithTwoWriters(t *testing.T) {
	for round := range 30 {
		timeless(t, func(t *testing.T, w world) {
			rows := &ledger{}
			var runs sync.WaitGroup
			for i := range 2 {
				client := w.open(t, func(o *github.Options) { o.HTTPClient = w.slow(int64(round*100 + i + 1)) })
				runs.Go(func() {
					rows.enter(fmt.Sprint("environment ", i))
					if _, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{Draft: true}, rows.edit, rows.settled); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			runs.Wait()
			client := w.open(t, nil)
			r, err := client.ReleaseByTag(t.Context(), "v1", true)
			must(t, err)
			if n := client.Releases(t); n != 1 || block(r.Body) != "environment 0\nenvironment 1\n" {
				t.Errorf("round %d: %d drafts; %q", round, n, r.Body)
			}
		})
	}
}

// A run that is held up between reading and writing undoes what another has finished in the meantime, and sees to it
// itself.
func TestReleaseWithAHeldUpWriter(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		rows := &ledger{}
		_, err := w.open(t, nil).UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, func(string) string { return "by hand" }, func(string) bool { return true })
		must(t, err)
		must(t, w.AddToken(hub.Token{Value: "ghs_slow", Login: "slow[bot]", Permissions: hub.ReadWrite()}))
		w.fault(t, hub.Fault{Kind: hub.FaultDelay, Delay: hub.Duration(15 * time.Second), Method: "PATCH", Login: "slow[bot]"})
		slow := w.open(t, nil, "GITHUB_TOKEN", "ghs_slow")
		var runs sync.WaitGroup
		runs.Go(func() {
			rows.enter("slow")
			_, err := slow.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
			if err != nil {
				t.Error(promotion.FaultOf(err))
			}
		})
		time.Sleep(time.Second)
		rows.enter("quick")
		r, err := w.open(t, nil).UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
		must(t, err)
		if block(r.Body) != "quick\nslow\n" {
			t.Errorf("the quick one leaves %q", r.Body)
		}
		runs.Wait()
		now, err := slow.ReleaseByTag(t.Context(), "v1", false)
		must(t, err)
		if block(now.Body) != "quick\nslow\n" {
			t.Errorf("in the end it says %q", now.Body)
		}
	})
}
