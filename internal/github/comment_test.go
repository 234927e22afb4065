package github_test

import (
	"context"
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

const marker = "<!-- promote shop/prod -->"

// proposed puts an open pull request, 7, into the world.
func proposed(t *testing.T, w world) {
	t.Helper()
	must(t, w.PutPull(repository, hub.PullRequest{Number: 7, Title: "Topic", Author: "ada", Head: "topic", HeadSHA: c("t1")}))
	must(t, w.AddToken(hub.Token{Value: "ghp_ada", Login: "ada", Kind: hub.Personal, Permissions: hub.ReadWrite()}))
	must(t, w.AddToken(hub.Token{Value: "ghs_app", Login: "releases[bot]", Permissions: hub.ReadWrite()}))
	must(t, w.AddToken(hub.Token{Value: "ghp_likebot", Login: "releases", Kind: hub.Personal, Permissions: hub.ReadWrite()}))
	w.ClearCalls()
}

func upsert(t *testing.T, client *github.Client, body string, mode github.CommentMode) string {
	t.Helper()
	url, err := client.UpsertComment(t.Context(), 7, marker, body, mode)
	must(t, err)
	return url
}

// said is everything that stands in the pull request.
func (w world) said(t *testing.T) []string {
	t.Helper()
	list, err := w.open(t, nil).Comments(t.Context(), 7)
	must(t, err)
	return list
}

func TestStickyComment(t *testing.T) {
	t.Run("is made, edited in place by this run, and by the next", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			proposed(t, w)
			client := w.open(t, nil)
			var urls []string
			for _, step := range []struct {
				client *github.Client
				body   string
				calls  int
			}{{client, "deploying", 3}, {client, "promoted", 1}, {w.open(t, nil), "promoted again", 2}, {w.open(t, nil), "promoted again", 1}} {
				w.ClearCalls()
				urls = append(urls, upsert(t, step.client, step.body, github.CommentUpdate))
				if n := len(w.Calls()); n != step.calls {
					t.Errorf("%q took %d calls, want %d", step.body, n, step.calls)
				}
				if got := w.said(t); len(got) != 1 || got[0] != step.body+"\n\n"+marker {
					t.Errorf("it says %q", got)
				}
			}
			if urls[0] != urls[3] || !strings.Contains(urls[0], "/acme/shop/pull/7#issuecomment-") {
				t.Errorf("addresses %q", urls)
			}
		})
	})
	t.Run("is made again at the end when asked, by this run once", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			proposed(t, w)
			old := upsert(t, w.open(t, nil), "old", github.CommentUpdate)
			must(t, w.open(t, nil).Comment(t.Context(), 7, "talk"))
			client := w.open(t, nil)
			if fresh := upsert(t, client, "new", github.CommentRecreate); fresh == old {
				t.Error("it is the old one")
			}
			upsert(t, client, "newer", github.CommentRecreate)
			if got := w.said(t); len(got) != 2 || got[0] != "talk" || !strings.HasPrefix(got[1], "newer") {
				t.Errorf("it says %q", got)
			}
		})
	})
	t.Run("is made again when somebody deletes it", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			proposed(t, w)
			client := w.open(t, nil)
			upsert(t, client, "one", github.CommentUpdate)
			must(t, client.DeleteComments(t.Context(), 7))
			upsert(t, client, "two", github.CommentUpdate)
			if got := w.said(t); len(got) != 1 || !strings.HasPrefix(got[0], "two") {
				t.Errorf("it says %q", got)
			}
		})
	})
	t.Run("is told from what others say with its marker, and from other markers", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			proposed(t, w)
			for _, token := range []string{"ghp_ada", "ghp_likebot", "ghs_app"} {
				upsert(t, w.open(t, nil, "GITHUB_TOKEN", token), "by "+token, github.CommentUpdate)
			}
			mine := w.open(t, nil)
			upsert(t, mine, "mine", github.CommentUpdate)
			_, err := mine.UpsertComment(t.Context(), 7, "<!-- promote shop/preprod -->", "other", github.CommentUpdate)
			must(t, err)
			for _, token := range []string{"ghp_ada", "ghp_likebot", "ghs_app"} {
				upsert(t, w.open(t, nil, "GITHUB_TOKEN", token), "again by "+token, github.CommentRecreate)
			}
			upsert(t, w.open(t, nil), "mine again", github.CommentUpdate)
			if got := strings.Join(w.said(t), " "); len(w.said(t)) != 5 || strings.Count(got, "again by") != 3 || !strings.Contains(got, "mine again") || !strings.Contains(got, "other") {
				t.Errorf("it says %q", w.said(t))
			}
		})
	})
	t.Run("is found behind any number of others", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			proposed(t, w)
			client := w.open(t, nil)
			for i := range 230 {
				must(t, client.Comment(t.Context(), 7, fmt.Sprint("talk ", i)))
			}
			upsert(t, client, "one", github.CommentUpdate)
			w.ClearCalls()
			upsert(t, w.open(t, nil), "two", github.CommentUpdate)
			if n := len(w.Calls()); n != 4 {
				t.Errorf("%d calls, want 3 pages and an edit", n)
			}
			if got := w.said(t); len(got) != 231 || !strings.HasPrefix(got[230], "two") {
				t.Errorf("%d comments, the last is %q", len(got), got[len(got)-1])
			}
		})
	})
	t.Run("is one, the oldest, though two were made", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			proposed(t, w)
			for i := range 3 {
				must(t, w.open(t, nil).Comment(t.Context(), 7, fmt.Sprint("duplicate ", i, marker)))
			}
			upsert(t, w.open(t, nil), "one", github.CommentUpdate)
			if got := w.said(t); len(got) != 1 || !strings.HasPrefix(got[0], "one") {
				t.Errorf("it says %q", got)
			}
		})
	})
	t.Run("is one, whichever runs write at the same time", func(t *testing.T) {
		for round := range 30 {
			timeless(t, func(t *testing.T, w world) {
				proposed(t, w)
				mode := []github.CommentMode{github.CommentUpdate, github.CommentRecreate}[round%2]
				if round%3 == 0 {
					upsert(t, w.open(t, nil), "an earlier run's", github.CommentUpdate)
				}
				var runs sync.WaitGroup
				for run := range 2 + round%2 {
					client := w.open(t, func(o *github.Options) { o.HTTPClient = w.slow(int64(round*10 + run)) })
					runs.Go(func() {
						for _, state := range []string{"deploying", "promoted"} {
							if _, err := client.UpsertComment(t.Context(), 7, marker, fmt.Sprint(state, " by ", run), mode); err != nil {
								t.Error(err)
							}
						}
					})
				}
				runs.Wait()
				if got := w.said(t); len(got) != 1 || !strings.HasPrefix(got[0], "promoted by") {
					t.Errorf("round %d: it says %q", round, got)
				}
			})
		}
	})
	t.Run("is not made twice when the answer is lost", func(t *testing.T) {
		for name, f := range map[string]hub.Fault{
			"after it was made":  {Kind: hub.FaultReset, After: true},
			"before it was made": {Kind: hub.FaultReset},
			"with an error":      {Kind: hub.FaultStatus, Status: 502, After: true},
			"or late":            {Kind: hub.FaultTimeout, After: true},
		} {
			t.Run(name, func(t *testing.T) {
				timeless(t, func(t *testing.T, w world) {
					proposed(t, w)
					f.Method, f.Path = "POST", "/repos/{o}/{r}/issues/{n}/comments"
					w.fault(t, f)
					upsert(t, w.open(t, nil), "one", github.CommentUpdate)
					if got := w.said(t); len(got) != 1 {
						t.Errorf("it says %q", got)
					}
				})
			})
		}
	})
}

func TestCommentsThatCannotBe(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		proposed(t, w)
		client := w.open(t, nil)
		for name, tt := range map[string]struct {
			pull         int
			marker, body string
			mode         github.CommentMode
			what         string
		}{
			"no number":          {0, marker, "x", github.CommentUpdate, "no pull request of that number"},
			"a visible marker":   {7, "promote", "x", github.CommentUpdate, "the marker is not hidden"},
			"a marker that ends": {7, "<!-- a --> b -->", "x", github.CommentUpdate, "the marker is not hidden"},
			"half a marker":      {7, "<!-->", "x", github.CommentUpdate, "the marker is not hidden"},
			"an open marker":     {7, "<!--xx", "x", github.CommentUpdate, "the marker is not hidden"},
			"another mode":       {7, marker, "x", "hide", "no such mode"},
			"too much":           {7, marker, strings.Repeat("é", github.MaxComment), github.CommentUpdate, "it has 65564 characters, and GitHub takes 65536"},
		} {
			_, err := client.UpsertComment(t.Context(), tt.pull, tt.marker, tt.body, tt.mode)
			if f := promotion.FaultOf(err); err == nil || !strings.Contains(f.Error(), tt.what) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if n := len(w.Calls()); n != 0 {
			t.Errorf("%d calls", n)
		}
		upsert(t, client, strings.Repeat("é", github.MaxComment-len("\n\n"+marker)), github.CommentUpdate)

		_, err := client.UpsertComment(t.Context(), 99, marker, "x", github.CommentUpdate)
		w.tells(t, err, "comment on pull request #99 of acme/shop: GitHub has no such thing", "pull-requests: write")
		must(t, w.PutPull(repository, hub.PullRequest{Number: 8, Title: "Locked", Locked: true, Head: "topic", HeadSHA: c("t1")}))
		_, err = client.UpsertComment(t.Context(), 8, marker, "x", github.CommentUpdate)
		w.tells(t, err, "the conversation is locked (403)", "unlock it")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = client.UpsertComment(ctx, 7, marker, "x", github.CommentUpdate)
		w.tells(t, err, "interrupted", "")
	})
}

// slow is a way to GitHub on which each call takes its own time, there and back, up to a third of a second.
func (w world) slow(seed int64) *http.Client {
	return &http.Client{Transport: &slowly{w.client.Transport, seed, sync.Mutex{}}}
}

type slowly struct {
	next http.RoundTripper
	seed int64
	mu   sync.Mutex
}

func (s *slowly) pause() {
	s.mu.Lock()
	s.seed = (s.seed*6364136223846793005 + 1442695040888963407) & (1<<62 - 1)
	wait := time.Duration(s.seed>>20) % (300 * time.Millisecond)
	s.mu.Unlock()
	time.Sleep(wait)
}

func (s *slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	s.pause()
	res, err := s.next.RoundTrip(r)
	s.pause()
	return res, err
}
