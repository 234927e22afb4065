package main_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func TestTheCommentIsFinalOnEveryRoad(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*job)
		outcome string
		code    int
		verdict string
	}{
		"promoted":             {func(*job) {}, "promoted", 0, "promoted to prod"},
		"verification failed":  {func(j *job) { j.input("verify", "[{invoke: {function: checkout, expect: .ok}}]") }, "verification-failed", 3, "verification-failed"},
		"a red job":            {func(j *job) { j.input("job-status", "failure") }, "refused", 2, "refused"},
		"no account":           {func(j *job) { j.input("allowed-account-ids", "999999999999") }, "refused", 2, "refused"},
		"a bad input":          {func(j *job) { j.input("lease", "soon") }, "refused", 2, "refused"},
		"an unknown key":       {func(j *job) { j.file("promote.yaml", []byte(officeFile+"verfy: none\n")) }, "refused", 2, "refused"},
		"no file that is YAML": {func(j *job) { j.file("promote.yaml", []byte("app: [shop\n")) }, "refused", 2, "refused"},
		"no environment":       {func(j *job) { j.input("environment", "") }, "refused", 2, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inOffice(t, func(t *testing.T, f *office) {
				j := f.job("c2", "v2").proposed(repository)
				c.change(j)
				r := j.run()
				r.ended(t, c.outcome, c.code)
				f.commented(c.verdict)
				if got := r.outputs["comment-url"].value; !strings.Contains(got, "/pull/7#issuecomment-") {
					t.Errorf("the output comment-url is %q", got)
				}
				// The next run takes the comment over, whatever was known of the one before.
				f.job("c2", "v2").proposed(repository).run()
				if name != "promoted" {
					f.commented("promoted to prod")
				}
				f.job("c2", "v2", "comment", "recreate").proposed(repository).run()
				f.commented("prod already holds")
			})
		})
	}
}

func TestAPlanIsTheComment(t *testing.T) {
	inOffice(t, func(t *testing.T, f *office) {
		j := f.job("c2", "v2", "mode", "plan").proposed(repository)
		r := j.run()
		r.ended(t, "planned", 0)
		f.commented("planned")
		f.deployed()
		// It is said in post that its end was told, and nothing is planned a second time.
		f.hub.ClearCalls()
		f.cloud.ResetCalls()
		j.post("success")
		if calls := len(f.hub.Calls()) + len(f.cloud.Calls()); calls != 0 {
			t.Errorf("post makes %d calls", calls)
		}
	})
}

func TestNobodyIsToldWhere(t *testing.T) {
	for name, change := range map[string]func(*job){
		"the pull request is a fork's":       func(j *job) { j.proposed("somebody/shop") },
		"the pull request is Dependabot's":   func(j *job) { j.proposed(repository).env["GITHUB_ACTOR"] = "dependabot[bot]" },
		"Dependabot has pushed":              func(j *job) { j.env["GITHUB_ACTOR"] = "dependabot[bot]" },
		"there is no token":                  func(j *job) { j.input("github-token", ""); j.input("order", "any"); j.input("reason", "no token") },
		"everything is switched off by name": func(j *job) { j.input("comment", "off"); j.input("deployments", "off"); j.input("release", "off") },
	} {
		t.Run(name, func(t *testing.T) {
			inOffice(t, func(t *testing.T, f *office) {
				j := f.job("c2", "v2")
				change(j)
				if r := j.run(); r.code != 0 || r.outputs["release-notes"].value == "" {
					t.Errorf("exit code %d, notes %q\n%s", r.code, r.outputs["release-notes"].value, r.log)
				} else {
					r.warned(t)
				}
				for call := range f.calls() {
					if strings.HasPrefix(call, "POST") || strings.Contains(call, "create") || strings.Contains(call, "graphql") {
						t.Errorf("GitHub is told: %s", call)
					}
				}
				if len(f.comments()) != 0 {
					t.Error("there is a comment")
				}
				f.deployed()
			})
		})
	}
}

func TestTheCommentFollowsTheRun(t *testing.T) {
	inOffice(t, func(t *testing.T, f *office) {
		j := f.job("c2", "v2")
		j.file("dist/checkout.zip", f.cloud.Zip(sandboxtest.Code{Name: "slow", Handler: func(ctx context.Context, _ runner.Input) (runner.Output, error) {
			time.Sleep(20 * time.Second)
			return runner.Output{Payload: []byte(`{"ok":true}`)}, nil
		}}))
		j.input("verify", "[{invoke: {function: checkout, within: 25s}}]")
		_, err := f.cloud.Server().Fault(sandbox.Fault{Kind: sandbox.Delay, Service: "lambda", Operation: "GetAlias", Delay: 4 * time.Second})
		f.must(err)
		done := make(chan heard)
		go func() { done <- j.run() }()
		at := func(moment time.Duration, stage string) {
			time.Sleep(moment)
			f.commented("under way: " + stage)
		}
		at(3*time.Second, "plan")
		at(12*time.Second, "verify")
		f.deployed("c2 promote in_progress")
		r := <-done
		r.ended(t, "promoted", 0)
		f.commented("promoted to prod")
		f.deployed("c2 promote success")
	})
}

func TestAnInterruptionLeavesLittleTime(t *testing.T) {
	for name, at := range map[string]time.Duration{"while it verifies": 5 * time.Second, "while its end is told": 25 * time.Second} {
		t.Run(name+", with a GitHub that does not answer", func(t *testing.T) {
			inOffice(t, func(t *testing.T, f *office) {
				j := f.job("c2", "v2", "verify", "[{invoke: {function: checkout, within: 25s}}]")
				j.file("dist/checkout.zip", f.cloud.Zip(sandboxtest.Code{Name: "slow", Handler: func(ctx context.Context, _ runner.Input) (runner.Output, error) {
					select {
					case <-ctx.Done():
					case <-time.After(20 * time.Second):
					}
					return runner.Output{Payload: []byte(`{"ok":true}`)}, nil
				}}))
				ctx, interrupt := context.WithCancel(t.Context())
				j.ctx = ctx
				done := make(chan heard)
				go func() { done <- j.run() }()
				time.Sleep(3 * time.Second)
				for _, path := range []string{"/graphql", "/repos/{owner}/{repo}/deployments", "/repos/{owner}/{repo}/issues/{x...}", "/repos/{owner}/{repo}/deployments/{x...}"} {
					_, err := f.hub.AddFault(github.Fault{Kind: github.FaultTimeout, Path: path, Count: -1})
					f.must(err)
				}
				time.Sleep(at - 3*time.Second)
				interrupted := time.Now()
				interrupt()
				r := <-done
				if took := time.Since(interrupted); took > 5*time.Second {
					t.Errorf("it took %s", took)
				} else {
					t.Logf("it was over after %s: %s", took, r.outputs["outcome"].value)
				}
				if _, told := r.state["promote_told"]; told {
					t.Error("it says that its end was told")
				}
				f.hub.ClearFaults()
				j.ctx = t.Context()
				j.post("cancelled")
				if at < 20*time.Second {
					f.commented("failed")
				} else {
					f.commented("promoted")
				}
			})
		})
	}
}

// dying is a transport of which everything after a moment is lost, as of a container that was killed.
type dying struct {
	next http.RoundTripper
	dead chan struct{}
}

func (d *dying) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-d.dead:
		<-r.Context().Done()
		return nil, r.Context().Err()
	default:
		return d.next.RoundTrip(r)
	}
}

func TestARunThatDiedGetsItsEndInPost(t *testing.T) {
	for name, c := range map[string]struct {
		dies    sandbox.Fault
		verdict string
		words   string
		state   string
	}{
		"while it verified":     {sandbox.Fault{Kind: sandbox.Hold, Service: "lambda", Operation: "Invoke"}, "failed", "without a word", "c2 promote failure"},
		"after it was recorded": {sandbox.Fault{}, "promoted", "before it could say so", "c2 promote success"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newOffice(t, sandbox.Options{})
				j := f.job("c2", "v2", "lease", "5s")
				d := &dying{f.cloud.HTTPClient().Transport, make(chan struct{})}
				j.web = d
				ctx, kill := context.WithCancel(t.Context())
				j.ctx = ctx
				if c.dies.Kind != "" {
					_, err := f.cloud.Server().Fault(c.dies)
					f.must(err)
				} else { // it gets as far as its own end, of which nobody hears
					for _, method := range []string{http.MethodPatch, http.MethodPost} {
						_, err := f.hub.AddFault(github.Fault{Kind: github.FaultTimeout, Method: method, Path: "/repos/{owner}/{repo}/{x...}", Nth: 3, Count: -1})
						f.must(err)
					}
				}
				done := make(chan heard)
				go func() { done <- j.run() }()
				time.Sleep(12 * time.Second)
				if c.dies.Kind != "" {
					f.commented("under way")
				}
				close(d.dead)
				kill()
				<-done
				f.hub.ClearFaults()
				f.cloud.Server().ClearFaults()

				state := strings.Split(j.read("state"), "promote_told")[0]
				f.steps-- // the same run
				after := f.job("c2", "v2", "lease", "5s")
				after.file("state", []byte(state))
				r := after.post("cancelled")
				f.commented(c.verdict)
				if body := f.comments()[0]; !strings.Contains(body, c.words) {
					t.Errorf("the comment does not say %q:\n%s", c.words, body)
				}
				f.deployed(c.state)
				r.warned(t)
			})
		})
	}
}

// A trap is a transport that panics at some requests.
type trap struct {
	next http.RoundTripper
	at   func(*http.Request) bool
}

func (tr trap) RoundTrip(r *http.Request) (*http.Response, error) {
	if tr.at(r) {
		panic("trapped")
	}
	return tr.next.RoundTrip(r)
}

func TestADefect(t *testing.T) {
	t.Run("in telling people is a warning", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			j := f.job("c2", "v2")
			j.web = trap{j.web, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/deployments") }}
			j.run().ended(t, "promoted", 0, "defect of promote")
			f.commented("promoted to prod")
		})
	})
	t.Run("in the run is told before it ends it", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			j := f.job("c2", "v2")
			j.web = trap{j.web, func(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") }}
			func() {
				defer func() {
					if recover() == nil {
						t.Error("it went on")
					}
				}()
				j.run()
			}()
			f.commented("defect of promote")
		})
	})
}

func TestTheCommentTellsWhoIsWaitedFor(t *testing.T) {
	inOffice(t, func(t *testing.T, f *office) {
		slow := func(ctx context.Context, _ runner.Input) (runner.Output, error) {
			time.Sleep(40 * time.Second)
			return runner.Output{Payload: []byte(`{"ok":true}`)}, nil
		}
		first := f.job("c1", "v1", "comment", "off", "verify", "[{invoke: {function: checkout, within: 50s}}]")
		first.file("dist/checkout.zip", f.cloud.Zip(sandboxtest.Code{Name: "slow", Handler: slow}))
		second := f.job("c2", "v2")
		done := make(chan heard, 2)
		go func() { done <- first.run() }()
		time.Sleep(5 * time.Second)
		go func() { done <- second.run() }()
		time.Sleep(20 * time.Second)
		f.commented("under way: lock")
		if body := f.comments()[0]; !strings.Contains(body, "waiting for the lock, which is held by") || !strings.Contains(body, first.env["GITHUB_RUN_ID"]) {
			t.Errorf("it does not say whom the run waits for:\n%s", body)
		}
		for range 2 {
			r := <-done
			r.ended(t, "promoted", 0)
		}
		f.commented("promoted to prod")
	})
}
