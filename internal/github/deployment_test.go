package github_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/github"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

const (
	runURL = "https://github.com/acme/shop/actions/runs/9001"
	site   = "https://shop.example"
)

// deploy files a deployment and sets it to a state.
func deploy(t *testing.T, client *github.Client, commit, state string, production bool) int64 {
	t.Helper()
	id, err := client.Deploy(t.Context(), github.DeploymentRequest{Environment: "prod", Commit: c(commit), Production: production})
	must(t, err)
	if state != "" {
		must(t, client.DeploymentStatus(t.Context(), id, state, site, runURL, ""))
	}
	return id
}

// job files a deployment as a job's `environment:` does, and sets it to a state.
func job(t *testing.T, client *github.Client, commit, state string, run int) int64 {
	t.Helper()
	id := client.JobDeploys(t, "prod", c(commit))
	must(t, client.DeploymentStatus(t.Context(), id, state, "", fmt.Sprintf("https://github.com/acme/shop/actions/runs/%d/job/77", run), ""))
	return id
}

// active are the commits whose deployments an environment shows as active, oldest first.
func active(t *testing.T, client *github.Client) string {
	t.Helper()
	list, err := client.StaleActive(t.Context(), "prod", "")
	must(t, err)
	var names []string
	for _, one := range list {
		for _, name := range []string{"c1", "c2", "c3"} {
			if c(name) == one.Commit {
				names = append([]string{name}, names...)
			}
		}
	}
	return strings.Join(names, " ")
}

func TestDeployments(t *testing.T) {
	t.Run("are filed from within a running job, with everything said", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			must(t, w.PutRun(repository, hub.Run{ID: 9001, SHA: c("t1"), Jobs: []hub.Job{{Name: "promote"}}})) // a pending check, behind main
			client := w.open(t, nil)
			w.ClearCalls()
			id, err := client.Deploy(t.Context(), github.DeploymentRequest{Environment: "prod", Commit: c("t1"), Description: strings.Repeat("é", 200),
				Production: true, Payload: json.RawMessage(`{"run": 9001}`)})
			must(t, err)
			for _, state := range []string{"in_progress", "success"} {
				must(t, client.DeploymentStatus(t.Context(), id, state, site, runURL, strings.Repeat("é", 141)))
			}
			if n := len(w.Calls()); n != 3 {
				t.Errorf("%d calls", n)
			}
			list, err := client.Deployments(t.Context(), "prod", c("t1"))
			must(t, err)
			if len(list) != 1 || list[0].ID != id || list[0].Task != "promote" || list[0].Creator != "github-actions[bot]" || string(list[0].Payload) != `{"run":9001}` ||
				list[0].Description != strings.Repeat("é", 139)+"…" || list[0].Environment != "prod" || list[0].Commit != c("t1") {
				t.Errorf("got %+v", list)
			}
			if list, err := client.Deployments(t.Context(), "dev", ""); err != nil || len(list) != 0 {
				t.Errorf("another environment has %+v, %v", list, err)
			}
		})
	})
	t.Run("of before are made inactive, in production too; later and unfinished ones are not", func(t *testing.T) {
		for _, production := range []bool{false, true} {
			timeless(t, func(t *testing.T, w world) {
				client := w.open(t, nil)
				deploy(t, client, "c1", "success", production)
				deploy(t, client, "c1", "failure", production)
				deploy(t, client, "t1", "in_progress", production)
				mine := deploy(t, client, "c2", "success", production)
				deploy(t, client, "c3", "success", true)
				before := active(t, client)
				w.ClearCalls()
				ended, err := client.DeactivateOthers(t.Context(), "prod", mine)
				must(t, err)
				if production != strings.HasPrefix(before, "c1") || len(ended) != map[bool]int{true: 1}[production] || len(w.Calls()) != 2+len(ended) {
					t.Errorf("production %v: before %q, ended %+v, %d calls", production, before, ended, len(w.Calls()))
				}
				if got := active(t, client); !strings.HasSuffix(got, "c3") || strings.Contains(got, "c1") {
					t.Errorf("active is %q", got)
				}
			})
		}
	})
	t.Run("of a hundred are judged by two calls", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			for range 130 {
				deploy(t, client, "c1", "inactive", true)
			}
			deploy(t, client, "c1", "success", true)
			mine := deploy(t, client, "c2", "success", true)
			w.ClearCalls()
			ended, err := client.DeactivateOthers(t.Context(), "prod", mine)
			must(t, err)
			if len(ended) != 1 || len(w.Calls()) != 3 || active(t, client) != "c2" {
				t.Errorf("ended %d by %d calls", len(ended), len(w.Calls()))
			}
		})
	})
	t.Run("of which nobody knows whether they were filed are looked for", func(t *testing.T) {
		for name, f := range map[string]hub.Fault{
			"filed":     {Kind: hub.FaultReset, After: true},
			"not filed": {Kind: hub.FaultStatus, Status: 500},
		} {
			t.Run(name, func(t *testing.T) {
				timeless(t, func(t *testing.T, w world) {
					client := w.open(t, nil)
					deploy(t, client, "c1", "success", false)
					time.Sleep(time.Hour)
					for _, path := range []string{"/repos/{o}/{r}/deployments", "/repos/{o}/{r}/deployments/{id}/statuses"} {
						f.Method, f.Path = "POST", path
						w.fault(t, f)
					}
					first := deploy(t, client, "c1", "success", false)
					list, err := client.Deployments(t.Context(), "prod", c("c1"))
					must(t, err)
					if len(list) != 2 || list[0].ID != first {
						t.Errorf("filed are %+v", list)
					}
					if n := client.Statuses(t, first); n != 1 {
						t.Errorf("it has %d statuses", n)
					}
				})
			})
		}
	})
	t.Run("that cannot be are refused", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			for what, r := range map[string]github.DeploymentRequest{
				"no commit":                   {Environment: "prod", Commit: "main"},
				"the environment has no name": {Commit: c("c1")},
				"the payload is no JSON":      {Environment: "prod", Commit: c("c1"), Payload: json.RawMessage("{")},
			} {
				_, err := client.Deploy(t.Context(), r)
				w.tells(t, err, what, "")
			}
			w.tells(t, client.DeploymentStatus(t.Context(), 1, "done", "", "", ""), "no such state", "")
			_, err := client.Deploy(t.Context(), github.DeploymentRequest{Environment: "prod", Commit: c("gone")})
			w.tells(t, err, "file deployment of "+c("gone")[:7]+" to prod of acme/shop: GitHub does not take what was sent (422)", "")
		})
	})
}

// Without `deployment: false` a job files its own, and GitHub sets it to success after everything that the job can do.
func TestJobDeployments(t *testing.T) {
	t.Run("are found, so that no second one is filed", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			job(t, client, "c2", "success", 9000) // another run's
			mine := job(t, client, "c2", "in_progress", 9001)
			job(t, client, "c1", "in_progress", 9001) // another commit's
			deploy(t, client, "c2", "in_progress", false)
			w.ClearCalls()
			found, err := client.JobDeployment(t.Context(), "prod", c("c2"), 9001)
			must(t, err)
			if found == nil || found.ID != mine || len(w.Calls()) != 2 {
				t.Errorf("found %+v by %d calls, want %d", found, len(w.Calls()), mine)
			}
			for _, run := range []int64{900, 90010} {
				if found, err := client.JobDeployment(t.Context(), "prod", c("c2"), run); found != nil || err != nil {
					t.Errorf("run %d has %+v, %v", run, found, err)
				}
			}
		})
	})
	t.Run("are found at an older server, which does not name the run", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			mine := client.JobDeploys(t, "prod", c("c2"))
			must(t, client.DeploymentStatus(t.Context(), mine, "in_progress", "", "https://ghe.example/acme/shop/runs/55?check_suite_focus=true", ""))
			client.JobDeploys(t, "prod", c("c2")) // another tool's, which has no log
			if found, err := client.JobDeployment(t.Context(), "prod", c("c2"), 9001); err != nil || found == nil || found.ID != mine {
				t.Errorf("found %+v, %v; want %d", found, err, mine)
			}
		})
	})
	t.Run("are none with `deployment: false`", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			deploy(t, client, "c2", "in_progress", false)
			w.ClearCalls()
			if found, err := client.JobDeployment(t.Context(), "prod", c("c2"), 9001); found != nil || err != nil || len(w.Calls()) != 1 {
				t.Errorf("found %+v, %v by %d calls", found, err, len(w.Calls()))
			}
		})
	})
	t.Run("with `deployment: false`, a superseded run leaves the newer commit's as the active one", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			newer := deploy(t, client, "c3", "success", true)
			_, err := client.DeactivateOthers(t.Context(), "prod", newer)
			must(t, err)
			// The older commit's run files nothing, or has filed before it knew and withdraws.
			early := deploy(t, client, "c2", "in_progress", true)
			must(t, client.DeploymentStatus(t.Context(), early, "inactive", "", runURL, "superseded"))
			if got := active(t, client); got != "c3" {
				t.Errorf("active is %q", got)
			}
		})
	})
	t.Run("without it, the stale one is made inactive afterwards, and the live one active again", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			live := job(t, client, "c3", "success", 9001)
			job(t, client, "c2", "success", 9002) // the superseded run ended green: GitHub has made c3's inactive
			if got := active(t, client); got != "c2" {
				t.Fatalf("active is %q: the scene is not set", got)
			}
			stale, err := client.StaleActive(t.Context(), "prod", c("c3"))
			must(t, err)
			w.ClearCalls()
			ended, revived, err := client.SettleActive(t.Context(), "prod", c("c3"))
			must(t, err)
			if len(stale) != 1 || stale[0].Commit != c("c2") || len(ended) != 1 || ended[0].ID != stale[0].ID || revived == nil || revived.ID != live || len(w.Calls()) != 4 {
				t.Errorf("stale %+v, ended %+v, revived %+v, %d calls", stale, ended, revived, len(w.Calls()))
			}
			if got := active(t, client); got != "c3" {
				t.Errorf("active is %q", got)
			}
			w.ClearCalls()
			if ended, revived, err := client.SettleActive(t.Context(), "prod", c("c3")); len(ended) != 0 || revived != nil || err != nil || len(w.Calls()) != 2 {
				t.Errorf("again: %+v, %+v, %v by %d calls", ended, revived, err, len(w.Calls()))
			}
		})
	})
	t.Run("of a live commit whose deployment a person ended stay ended", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			deploy(t, client, "c3", "inactive", true)
			if ended, revived, err := client.SettleActive(t.Context(), "prod", c("c3")); len(ended) != 0 || revived != nil || err != nil {
				t.Errorf("%+v, %+v, %v", ended, revived, err)
			}
		})
	})
}

func TestCommitStatus(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		client := w.open(t, nil)
		must(t, client.CommitStatus(t.Context(), c("c3"), "promote/prod", "pending", strings.Repeat("x", 141), runURL))
		must(t, client.CommitStatus(t.Context(), c("c3"), "promote/prod", "success", "3 functions promoted", ""))
		if got := client.StatusesOf(t, c("c3")); got != "promote/prod success 3 functions promoted; promote/prod pending "+strings.Repeat("x", 139)+"…" {
			t.Errorf("got %q", got)
		}
		w.fault(t, hub.Fault{Kind: hub.FaultReset, After: true, Method: "POST"})
		must(t, client.CommitStatus(t.Context(), c("c2"), "promote/prod", "success", "once", runURL))
		if got := client.StatusesOf(t, c("c2")); got != "promote/prod success once" {
			t.Errorf("got %q", got)
		}
		w.tells(t, client.CommitStatus(t.Context(), "main", "x", "success", "", ""), "no commit", "")
		w.tells(t, client.CommitStatus(t.Context(), c("c1"), "x", "green", "", ""), "no such state", "")
		w.tells(t, client.CommitStatus(t.Context(), c("gone"), "x", "success", "", ""), "set status x of commit "+c("gone")[:7]+" of acme/shop: GitHub does not take", "")
	})
}

func TestFilesAndNotes(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		text := "changelog:\n  categories:\n    - title: Größer\n      labels: [feature]\n    - title: Rest\n      labels: ['*']\n"
		_, err := w.AddCommit(repository, hub.Commit{SHA: c("f1"), Parents: []string{c("c3")}, Branch: "main", Message: "configure", Author: "ada",
			Files: []hub.File{{Path: ".github/release.yml", Content: &text}}})
		must(t, err)
		client := w.open(t, nil)
		if got, err := client.File(t.Context(), ".github/release.yml", c("f1")); string(got) != text || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		for _, where := range [][2]string{{".github/release.yml", c("c3")}, {"none.yml", c("f1")}, {".github/release.yml", c("gone")}} {
			if got, err := client.File(t.Context(), where[0], where[1]); got != nil || err != nil {
				t.Errorf("%v: got %q, %v", where, got, err)
			}
		}
		_, err = client.File(t.Context(), ".github", c("f1"))
		w.tells(t, err, "read .github of acme/shop: it is no file", "")
		for _, path := range []string{"", "/etc/passwd", "../x", "a/../../x"} {
			_, err = client.File(t.Context(), path, "main")
			w.tells(t, err, "no path within the repository", "")
		}
		name, body, err := client.GenerateNotes(t.Context(), "v2", "v1", c("f1"))
		if must(t, err); name != "v2" || !strings.Contains(body, "compare/v1...v2") {
			t.Errorf("%s: %q", name, body)
		}
		_, _, err = client.GenerateNotes(t.Context(), "v2", "a..b", "")
		w.tells(t, err, "a tag cannot have that name", "")
		_, _, err = client.GenerateNotes(t.Context(), "v2", "v0", "")
		w.tells(t, err, "have GitHub write the notes of v2 of acme/shop: GitHub refused it (400)", "")
	})
}
