package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

func TestCompare(t *testing.T) {
	w := online(t)
	for name, tt := range map[string]struct {
		base, head string
		want       promotion.Relation
	}{
		"a descendant is ahead":                {c("c1"), c("c3"), promotion.Ahead},
		"an ancestor is behind":                {c("c3"), c("c1"), promotion.Behind},
		"a sibling has diverged":               {c("c3"), c("t1"), promotion.Diverged},
		"the same commit is identical":         {c("c2"), c("c2"), promotion.Identical},
		"what has nothing in common, diverged": {c("c3"), c("root"), promotion.Diverged},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := w.open(t, nil).Compare(t.Context(), tt.base, tt.head)
			must(t, err)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	t.Run("no commit is sent that is none", func(t *testing.T) {
		w := online(t)
		for _, bad := range []string{"", "main", "../../../user", c("c1") + "?x=y", strings.ToUpper(c("c1")), strings.Repeat("0", 40)} {
			got, err := w.open(t, nil).Compare(t.Context(), c("c1"), bad)
			w.tells(t, err, "no commit", "")
			if got != promotion.Unknown {
				t.Errorf("%q is %s", bad, got)
			}
		}
		if calls := w.Calls(); len(calls) != 0 {
			t.Errorf("called %+v", calls)
		}
	})
	t.Run("a commit that GitHub does not have is unknown, and what that may mean is told", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			for range 3 {
				got, err := client.Compare(t.Context(), c("gone"), c("c3"))
				w.tells(t, err, "compare commit "+c("c3")[:7]+" with "+c("gone")[:7]+" of acme/shop: GitHub does not have both, or hides them from the token (404)", "force-push")
				if got != promotion.Unknown {
					t.Errorf("it is %s", got)
				}
			}
			if n := len(w.Calls()); n != 1 {
				t.Errorf("%d calls for the same question at once", n)
			}
			time.Sleep(time.Minute)
			_, err := w.AddCommit(repository, hub.Commit{SHA: c("gone"), Message: "pushed since", Parents: []string{c("c3")}})
			must(t, err)
			if got, err := client.Compare(t.Context(), c("gone"), c("c3")); got != promotion.Behind || err != nil {
				t.Errorf("after it was pushed: %s, %v", got, err)
			}
		})
	})
	t.Run("an interrupted question is unknown and says so", func(t *testing.T) {
		w := online(t)
		w.fault(t, hub.Fault{Kind: hub.FaultTimeout})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		got, err := w.open(t, nil).Compare(ctx, c("c1"), c("c2"))
		w.tells(t, err, "interrupted", "")
		if got != promotion.Unknown || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %s, %v", got, err)
		}
	})
	for name, body := range map[string]string{
		"half an answer":               `{"status": "ahe`,
		"a page of HTML":               "<html>captive portal</html>",
		"another form":                 `["ahead"]`,
		"another type":                 `{"status": 3}`,
		"an empty answer":              "",
		"an answer without the status": `{"ahead_by": 3}`,
		"a status that nobody knows":   `{"status": "sideways"}`,
	} {
		t.Run(name+" is unknown", func(t *testing.T) {
			client, err := github.Open(github.Options{Repository: repository, HTTPClient: &http.Client{Transport: answering(
				func(*http.Request) (int, http.Header, string) { return 200, nil, body })}})
			must(t, err)
			got, err := client.Compare(t.Context(), c("c1"), c("c2"))
			if f := promotion.FaultOf(err); got != promotion.Unknown || !strings.Contains(f.Hint, "not GitHub") {
				t.Errorf("got %s, %+v", got, f)
			}
		})
	}
}

// What an order check costs: one call for each commit that is promoted, however many functions there are and however
// often it is asked.
func TestCallsOfAnOrderCheck(t *testing.T) {
	w := online(t)
	client := w.open(t, nil)
	candidate := promotion.Source{Repository: "77", Commit: c("c3")}
	for _, tt := range []struct {
		name     string
		promoted []string
		want     int
	}{
		{"120 functions at one commit", []string{"c2"}, 1},
		{"120 functions, asked again while waiting", []string{"c2"}, 0},
		{"120 functions at three commits, one of them the candidate's", []string{"c1", "t1", "c3"}, 2},
	} {
		w.ClearCalls()
		var standings []promotion.Standing
		for i := range 120 {
			standings = append(standings, promotion.Standing{Function: fmt.Sprint("f", i),
				Promoted: promotion.Source{Repository: "77", Commit: c(tt.promoted[i%len(tt.promoted)])}})
		}
		promotion.AskOrder(t.Context(), client, candidate, standings)
		calls := w.Calls()
		t.Logf("%s: %d API calls", tt.name, len(calls))
		if len(calls) != tt.want {
			t.Errorf("%s: %d calls, want %d", tt.name, len(calls), tt.want)
		}
		for _, call := range calls {
			if call.Operation != "repos/compare-commits-with-basehead" || !strings.HasSuffix(call.Path, "?per_page=1") {
				t.Errorf("%s %s", call.Operation, call.Path)
			}
		}
	}
}

func TestCommitOfATag(t *testing.T) {
	w := online(t)
	client := w.open(t, nil)
	object := hub.SHA("tag " + repository + " v1 " + c("c2"))
	for name, hash := range map[string]string{"of an annotated tag's object is the commit": object, "of a commit is itself": c("c2")} {
		t.Run(name, func(t *testing.T) {
			w.ClearCalls()
			got, err := client.Commit(t.Context(), hash)
			must(t, err)
			if got != c("c2") || len(w.Calls()) != 1 {
				t.Errorf("got %s by %d calls", got, len(w.Calls()))
			}
		})
	}
	t.Run("of nonsense is none", func(t *testing.T) {
		_, err := client.Commit(t.Context(), "v1")
		w.tells(t, err, "no commit", "")
	})
	t.Run("is not guessed when GitHub fails", func(t *testing.T) {
		w.fault(t, hub.Fault{Kind: hub.FaultStatus, Status: 403, Message: "Resource not accessible by integration"})
		got, err := client.Commit(t.Context(), object)
		w.tells(t, err, "find the commit of "+object[:7]+" in acme/shop: the token may not do this (403)", "")
		if got != "" {
			t.Errorf("got %s", got)
		}
	})
	for name, tt := range map[string]struct{ body, want string }{
		"of a tower of tags is none":                  {`{"object": {"type": "tag", "sha": "` + c("inner") + `"}}`, "more than 5 tags"},
		"of a tag of a tree is none":                  {`{"object": {"type": "tree", "sha": "` + c("tree") + `"}}`, "not of a commit"},
		"is not taken from an answer that has none":   {`{"object": {"type": "commit", "sha": "main"}}`, "GitHub's answer has none"},
		"is not taken from an answer of another form": {`{}`, "not of a commit"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := github.Open(github.Options{Repository: repository, HTTPClient: &http.Client{Transport: answering(func(r *http.Request) (int, http.Header, string) {
				return 200, nil, tt.body
			})}})
			must(t, err)
			if _, err := client.Commit(t.Context(), object); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("of a tag of a tag is the commit below", func(t *testing.T) {
		client, err := github.Open(github.Options{Repository: repository, HTTPClient: &http.Client{Transport: answering(func(r *http.Request) (int, http.Header, string) {
			if strings.HasSuffix(r.URL.Path, object) {
				return 200, nil, `{"object": {"type": "tag", "sha": "` + c("inner") + `"}}`
			}
			return 200, nil, `{"object": {"type": "commit", "sha": "` + c("c2") + `"}}`
		})}})
		must(t, err)
		if got, err := client.Commit(t.Context(), object); got != c("c2") || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
	})
}
