package github_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

// A deed is one method of the client, in a world where it makes all the calls that it can need.
type deed struct {
	words      string // what a fault of it begins with
	permission string
	calls      int
	prepare    func(*testing.T, *github.Client)
	do         func(context.Context, *github.Client) error
	bears      string // the calls, by number, that may fail without the deed failing; "404:2" for one way of failing
}

func deeds() map[string]deed {
	rows := &ledger{rows: []string{"prod 1"}}
	release := func(ctx context.Context, client *github.Client) error {
		_, err := client.UpsertRelease(ctx, "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
		return err
	}
	comment := func(mode github.CommentMode) func(context.Context, *github.Client) error {
		return func(ctx context.Context, client *github.Client) error {
			_, err := client.UpsertComment(ctx, 7, marker, "promoted", mode)
			return err
		}
	}
	said := func(t *testing.T, client *github.Client) { must(t, client.Comment(t.Context(), 7, "old"+marker)) }
	return map[string]deed{
		"make a comment":       {"comment on pull request #7", "pull-requests: write", 3, nil, comment(github.CommentUpdate), "3"},
		"edit a comment":       {"comment on pull request #7", "pull-requests: write", 2, said, comment(github.CommentUpdate), ""},
		"make a comment again": {"comment on pull request #7", "pull-requests: write", 4, said, comment(github.CommentRecreate), "4 404:2"},
		"read a pull request": {"read pull request #7", "pull-requests: read", 1, nil, func(ctx context.Context, client *github.Client) error {
			_, err := client.PullRequest(ctx, 7)
			return err
		}, ""},
		"find a pull request": {"find the pull request of commit", "pull-requests: read", 1, nil, func(ctx context.Context, client *github.Client) error {
			_, err := client.PullRequestsOf(ctx, c("t1"))
			return err
		}, ""},
		"read a release": {"read release v1", "contents: read", 2, nil, func(ctx context.Context, client *github.Client) error {
			_, err := client.ReleaseByTag(ctx, "v1", true)
			return err
		}, ""},
		"make a release": {"write release v1", "contents: write", 5, nil, release, ""},
		"change a release": {"write release v1", "contents: write", 4, func(t *testing.T, client *github.Client) {
			old := &ledger{rows: []string{"old"}}
			_, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, old.edit, old.settled)
			must(t, err)
		}, release, ""},
		"have notes written": {"have GitHub write the notes of v2", "contents: write", 1, nil, func(ctx context.Context, client *github.Client) error {
			_, _, err := client.GenerateNotes(ctx, "v2", "v1", c("c3"))
			return err
		}, ""},
		"find what changed": {"find what changed from", "contents: read", 4, nil, func(ctx context.Context, client *github.Client) error {
			found, err := client.Changes(ctx, c("c3"), c("d5"), github.ChangesOptions{Paths: []string{"docs"}})
			if err == nil && len(found.Commits) == 0 {
				err = fmt.Errorf("nothing was found")
			}
			return err
		}, "2 3 4"},
		"read a file": {"read .github/release.yml", "contents: read", 1, nil, func(ctx context.Context, client *github.Client) error {
			_, err := client.File(ctx, ".github/release.yml", c("c3"))
			return err
		}, "404:1"},
		"file a deployment": {"file deployment of", "deployments: write", 1, nil, func(ctx context.Context, client *github.Client) error {
			_, err := client.Deploy(ctx, github.DeploymentRequest{Environment: "prod", Commit: c("c3")})
			return err
		}, ""},
		"list deployments": {"list deployments to prod", "deployments: read", 1, nil, func(ctx context.Context, client *github.Client) error {
			_, err := client.Deployments(ctx, "prod", "")
			return err
		}, ""},
		"set a deployment's state": {"set deployment", "deployments: write", 2, nil, func(ctx context.Context, client *github.Client) error {
			id, err := client.Deploy(ctx, github.DeploymentRequest{Environment: "prod", Commit: c("c3")})
			if err != nil {
				return fmt.Errorf("set deployment: %w", err)
			}
			return client.DeploymentStatus(ctx, id, "success", "", "", "")
		}, ""},
		"end earlier deployments": {"make earlier deployments to prod|set deployment", "deployments: write", 3, func(t *testing.T, client *github.Client) {
			deploy(t, client, "c1", "success", true)
		}, func(ctx context.Context, client *github.Client) error {
			_, err := client.DeactivateOthers(ctx, "prod", 1<<40)
			return err
		}, ""},
		"settle deployments": {"settle the deployments to prod|set deployment", "deployments: write", 4, func(t *testing.T, client *github.Client) {
			job(t, client, "c3", "success", 1)
			job(t, client, "c2", "success", 2)
		}, func(ctx context.Context, client *github.Client) error {
			_, _, err := client.SettleActive(ctx, "prod", c("c3"))
			return err
		}, ""},
		"find a job's deployment": {"find the job's own deployment to prod", "deployments: read", 2, func(t *testing.T, client *github.Client) {
			job(t, client, "c3", "in_progress", 2)
		}, func(ctx context.Context, client *github.Client) error {
			_, err := client.JobDeployment(ctx, "prod", c("c3"), 2)
			return err
		}, ""},
		"set a status": {"set status promote of commit", "statuses: write", 1, nil, func(ctx context.Context, client *github.Client) error {
			return client.CommitStatus(ctx, c("c3"), "promote", "success", "", "")
		}, ""},
	}
}

// refusing is a way to GitHub that is closed from the n-th call on.
type refusing struct {
	next http.RoundTripper
	open atomic.Int64
}

func (r *refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	if r.open.Add(-1) < 0 {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return r.next.RoundTrip(q)
}

// Each call of each deed fails in turn, in each way: what is told names the deed, and the permission where that may be
// missing.
func TestEachCallOfEachDeedFails(t *testing.T) {
	ways := map[string]struct {
		fault      hub.Fault
		what, hint string // hint "permission" is the deed's
	}{
		"403":     {hub.Fault{Kind: hub.FaultStatus, Status: 403, Message: "Resource not accessible by integration"}, "the token may not do this (403)", "permission"},
		"404":     {hub.Fault{Kind: hub.FaultStatus, Status: 404, Message: "Not Found"}, "GitHub has no such thing, or hides it from the token (404)", "permission"},
		"422":     {hub.Fault{Kind: hub.FaultStatus, Status: 422, Message: "Validation Failed"}, "GitHub does not take what was sent (422)", ""},
		"429":     {hub.Fault{Kind: hub.FaultSecondaryLimit, Status: 429, RetryAfter: 100}, "GitHub takes no calls until", "fewer jobs"},
		"500":     {hub.Fault{Kind: hub.FaultStatus, Status: 500}, "GitHub failed (500)", "githubstatus"},
		"timeout": {hub.Fault{Kind: hub.FaultTimeout}, "did not answer in time", "network"},
		"refused": {hub.Fault{}, "nothing listens", "firewall"},
	}
	for name, d := range deeds() {
		t.Run(name, func(t *testing.T) {
			scene := func(t *testing.T, w world) {
				proposed(t, w)
				grown(t, w)
				if d.prepare != nil {
					d.prepare(t, w.open(t, nil))
				}
				w.ClearCalls()
			}
			timeless(t, func(t *testing.T, w world) {
				scene(t, w)
				must(t, d.do(t.Context(), w.open(t, nil)))
				if n := len(w.Calls()); n != d.calls {
					t.Fatalf("it takes %d calls, want %d: %v", n, d.calls, w.Calls())
				}
			})
			for way, tt := range ways {
				for n := 1; n <= d.calls; n++ {
					timeless(t, func(t *testing.T, w world) {
						scene(t, w)
						closed := &refusing{next: w.client.Transport}
						closed.open.Store(1 << 40)
						if way == "refused" {
							closed.open.Store(int64(n - 1))
						} else {
							f := tt.fault
							f.Nth, f.Count = n, -1
							w.fault(t, f)
						}
						begin := time.Now()
						err := d.do(t.Context(), w.open(t, func(o *github.Options) { o.HTTPClient = &http.Client{Transport: closed} }))
						if took := time.Since(begin); took > 5*time.Minute {
							t.Errorf("%s of call %d takes %v", way, n, took)
						}
						bears := " " + d.bears + " "
						if strings.Contains(bears, fmt.Sprintf(" %d ", n)) {
							must(t, err)
							return
						}
						if strings.Contains(bears, fmt.Sprintf(" %s:%d ", way, n)) && err == nil {
							return
						}
						hint := tt.hint
						if hint == "permission" {
							hint = d.permission
							if strings.Contains(d.words, "find what changed") && way == "404" {
								hint = "force-push"
							}
						}
						w.tells(t, err, tt.what, hint)
						f := promotion.FaultOf(err)
						first, second, _ := strings.Cut(d.words, "|")
						if !strings.HasPrefix(f.What, first) && (second == "" || !strings.HasPrefix(f.What, second)) {
							t.Errorf("%s of call %d: it does not begin with the deed: %q", way, n, f.What)
						}
						if n == 1 {
							t.Logf("%-8s%s\n        hint: %s", way, f, f.Hint)
						}
					})
				}
			}
		})
	}
}

// What a run's reports cost.
func TestFigures(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		proposed(t, w)
		client := w.open(t, nil)
		w.ClearCalls()
		total, spent := 0, time.Duration(0)
		step := func(name string, do func() error) {
			t.Helper()
			before, begin := len(w.Calls()), time.Now()
			must(t, do())
			n := len(w.Calls()) - before
			total, spent = total+n, spent+time.Since(begin)
			t.Logf("%-58s %2d calls, %5.1f s of waiting", name, n, time.Since(begin).Seconds())
		}
		rows := &ledger{rows: []string{"prod 1"}}
		deploy(t, client, "c1", "success", true)
		w.ClearCalls()
		var id int64
		step("comment, made at the start", func() error {
			_, err := client.UpsertComment(t.Context(), 7, marker, "deploying", github.CommentUpdate)
			return err
		})
		step("comment, edited", func() error {
			_, err := client.UpsertComment(t.Context(), 7, marker, "promoting", github.CommentUpdate)
			return err
		})
		step("the job's own deployment, not found", func() error {
			_, err := client.JobDeployment(t.Context(), "prod", c("c2"), 9001)
			return err
		})
		step("deployment, filed and in progress", func() (err error) {
			if id, err = client.Deploy(t.Context(), github.DeploymentRequest{Environment: "prod", Commit: c("c2"), Production: true, Payload: json.RawMessage(`{"run":1}`)}); err != nil {
				return err
			}
			return client.DeploymentStatus(t.Context(), id, "in_progress", site, runURL, "")
		})
		step("deployment, success, and the one before inactive", func() error {
			if err := client.DeploymentStatus(t.Context(), id, "success", site, runURL, ""); err != nil {
				return err
			}
			_, err := client.DeactivateOthers(t.Context(), "prod", id)
			return err
		})
		step("what changed: 1 commit", func() error {
			_, err := client.Changes(t.Context(), c("c1"), c("c2"), github.ChangesOptions{})
			return err
		})
		step("release, made", func() error {
			_, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
			return err
		})
		step("comment, final", func() error {
			_, err := client.UpsertComment(t.Context(), 7, marker, "promoted", github.CommentUpdate)
			return err
		})
		if t.Logf("%-58s %2d calls, %5.1f s of waiting", "in all", total, spent.Seconds()); total > 22 || spent > 4*time.Second {
			t.Errorf("%d calls and %v are more than they were", total, spent)
		}
		rows.enter("preprod 1")
		step("besides: release, changed", func() error {
			_, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
			return err
		})
		step("besides: release, as it should be", func() error {
			_, err := client.UpsertRelease(t.Context(), "v1", github.ReleaseOptions{}, rows.edit, rows.settled)
			return err
		})
		step("besides: commit status", func() error {
			return client.CommitStatus(t.Context(), c("c2"), "promote/prod", "success", "", "")
		})
		head := long(t, w, 250, 200)
		step("besides: what changed: 250 commits, 200 pull requests", func() error {
			found, err := client.Changes(t.Context(), c("c3"), head, github.ChangesOptions{})
			if err == nil && (len(found.Commits) != 250 || len(found.PullRequests) != 200) {
				err = fmt.Errorf("only %d commits and %d pull requests", len(found.Commits), len(found.PullRequests))
			}
			return err
		})
		w.ClearCalls()
		step("besides: the same, by paths", func() error {
			_, err := client.Changes(t.Context(), c("c3"), head, github.ChangesOptions{Paths: []string{"services/checkout"}})
			return err
		})
	})
}
