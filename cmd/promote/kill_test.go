package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// What becomes of the call at which a program is killed.
const (
	lost   = "lost"   // it never arrives
	landed = "landed" // it was carried out, and nobody heard the answer
	late   = "late"   // it is carried out when the next run has repaired everything
)

// A death is one program killed at one call.
type death struct {
	scene string
	nth   int // call to AWS, from 1
	fate  string
}

// The real binary, killed by SIGKILL at a sample of its calls to AWS: the next run repairs what it left, the aliases have
// only ever held versions that had passed, and all of one release. Package promotion enumerates all points in virtual time.
func TestKilledAtAnyCall(t *testing.T) {
	t.Parallel()
	var deaths []death
	for _, s := range []struct {
		scene string
		first int // of its calls to AWS that is spoilt
		last  int // about how many it makes
		step  int
	}{{"run", 2, 16, 1}, {"five", 22, 58, 3}, {"deploy", 2, 8, 3}, {"promote", 2, 14, 1}, {"rollback", 5, 15, 1}, {"reconcile", 2, 12, 1}} {
		for nth := s.first; nth <= s.last; nth += s.step {
			deaths = append(deaths, death{s.scene, nth, []string{lost, landed, late}[len(deaths)%3]})
		}
	}
	var mu sync.Mutex
	killed, at := map[string]int{}, map[string]int{}
	var playing sync.WaitGroup
	places := make(chan struct{}, 20) // they mostly wait for a lease to run out
	for _, d := range deaths {
		playing.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			call := newMorgue(t, d).play()
			mu.Lock()
			defer mu.Unlock()
			if call != "" {
				killed[d.scene+" ("+d.fate+")"]++
				at[call]++
			}
		})
	}
	playing.Wait()
	total := 0
	for _, n := range killed {
		total += n
	}
	t.Logf("%d programs were killed: %s", total, counts(killed))
	t.Logf("they were killed at: %s", counts(at))
	if total < 30 {
		t.Errorf("only %d of %d were killed before their end", total, len(deaths))
	}
}

func counts(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, m[name]))
	}
	return strings.Join(parts, ", ")
}

// A morgue is where one program dies, and where those after it make good what it left.
type morgue struct {
	world
	death
	functions []string

	mu      sync.Mutex
	victim  *exec.Cmd     // who is to die; nil while nobody is
	gone    chan struct{} // closed when it is dead
	calls   int           // of the victim
	call    string        // at which it died
	belated func()        // carries the call out that has not arrived yet
	passed  map[string]map[string]bool
}

func newMorgue(t *testing.T, d death) *morgue {
	m := &morgue{death: d, functions: []string{"a"}, passed: map[string]map[string]bool{}}
	if d.scene == "five" {
		m.functions = []string{"a", "b", "c", "d", "e"}
	} else if d.scene == "reconcile" || d.scene == "rollback" {
		m.functions = []string{"a", "b"}
	}
	m.world = *newWorld(t)
	m.do((*stage).table)
	file := "app: shop\nfunctions:\n"
	checks := "verify:\n"
	for _, f := range m.functions {
		m.do((*stage).function, f, "old")
		m.do((*stage).publish, f)
		m.do((*stage).alias, f, "prod", "1")
		m.passed[f] = map[string]bool{"1": true}
		file += fmt.Sprintf("  %s: {artifact: code.zip}\n", f)
		checks += fmt.Sprintf("  - invoke: {function: %s, expect: .ok}\n", f)
	}
	m.write("promote.yaml", []byte(file+checks+"environments: {prod: {}}\n"))
	m.build("v1")
	return m
}

// build makes the artifact of every function another code, which notes what has passed.
func (m *morgue) build(code string) {
	m.write("code.zip", m.packed(code))
	text, err := m.s.bootstrap(code)
	if err != nil {
		m.t.Error(err)
		return
	}
	answer := m.s.handler(code)
	m.s.code.Register(string(text), func(ctx context.Context, in runner.Input) (runner.Output, error) {
		m.mu.Lock()
		m.passed[in.Function][in.Version] = true
		m.mu.Unlock()
		return answer(ctx, in)
	})
}

// ServeHTTP is the way of the victim's calls to AWS.
func (m *morgue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	aws := m.s.cloud.Server()
	m.mu.Lock()
	m.calls++
	if m.victim == nil || m.calls != m.nth {
		m.mu.Unlock()
		aws.ServeHTTP(w, r)
		return
	}
	victim, gone := m.victim, m.gone
	m.call = r.Header.Get("X-Amz-Target")
	if _, operation, is := strings.Cut(m.call, "."); is {
		m.call = operation
	} else {
		m.call = r.Method + " " + filepath.Base(strings.TrimSuffix(r.URL.Path, "/prod"))
	}
	m.mu.Unlock()
	// The request is read before its sender is gone.
	call := httptest.NewRecorder()
	request, err := detached(r)
	if err != nil {
		m.t.Error(err)
	}
	if m.fate == landed {
		aws.ServeHTTP(call, request)
	}
	if err := victim.Process.Kill(); err != nil {
		m.t.Error(err)
	}
	<-gone
	if m.fate == late {
		m.mu.Lock()
		m.belated = func() { aws.ServeHTTP(call, request) }
		m.mu.Unlock()
	}
	panic(http.ErrAbortHandler)
}

// kill runs the program until its nth call, and reports whether it came so far.
func (m *morgue) kill(args ...string) bool {
	front := httptest.NewServer(m)
	defer front.Close()
	cmd := m.command(nil, args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+front.URL)
	gone := make(chan struct{})
	m.mu.Lock()
	m.victim, m.gone, m.calls = cmd, gone, 0
	err := cmd.Start()
	m.mu.Unlock()
	if err != nil {
		m.t.Error(err)
		return false
	}
	_ = cmd.Wait() // how it ended is asked below
	close(gone)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.victim = nil
	return m.call != ""
}

// expect runs the program, which has to succeed.
func (m *morgue) expect(args ...string) { m.must(append(args, "--lease", "5s")...) }

func (m *morgue) must(args ...string) {
	if code, stdout, stderr := m.run(args...); code != 0 {
		m.t.Errorf("%v: %v exits with %d\n%s%s", m.death, args, code, stdout, stderr)
	}
}

// play tells the whole scene and returns at which call its victim died, "" if it did not.
func (m *morgue) play() string {
	var died bool
	switch m.scene {
	case "run", "five":
		died = m.kill("run", "--lease", "5s")
	case "deploy":
		died = m.kill("deploy", "--lease", "5s")
	case "promote":
		code, stdout, _ := m.run("deploy", "--json", "-q")
		release := releaseOf(stdout)
		if code != 0 || release == "" {
			m.t.Errorf("deploy: %s", stdout)
			return ""
		}
		died = m.kill("promote", "--release-id", release, "--lease", "5s")
	case "rollback":
		m.expect("run")
		m.build("v2")
		m.expect("run")
		if died = m.kill("rollback"); died { // its lease is a minute; a person need not wait for its end
			m.must("unlock", "--reason", "the runner is gone")
		}
	case "reconcile":
		m.halfDone()
		m.must("unlock", "--reason", "the runner is gone")
		died = m.kill("reconcile", "--lease", "5s")
	}
	if !died {
		return ""
	}

	// What is left is repaired by reconcile alone, or by the next run on its way.
	if m.nth%2 == 0 {
		m.expect("reconcile")
		m.rest("after reconcile", true)
	}
	m.build("v9")
	m.expect("run")
	m.rest("after the next run", false)
	for _, f := range m.functions {
		if err := m.s.answers(nil, []string{f, "prod", `"code":"v9"`}); err != nil {
			m.t.Errorf("%v: %s: %v", m.death, f, err)
		}
	}
	if m.belated != nil {
		m.belated()
		if left, err := m.s.left(sandbox.DefaultRegion); err != nil || len(left) > 0 {
			// A dead run's request for a lock, granted to nobody: that costs who needs it next a lease.
			m.expect("reconcile")
		}
		m.rest("after a late landing", false)
		for _, f := range m.functions {
			if err := m.s.answers(nil, []string{f, "prod", `"code":"v9"`}); err != nil {
				m.t.Errorf("%v: after a late landing: %s: %v", m.death, f, err)
			}
		}
	}
	return m.call
}

// halfDone leaves one of two aliases moved, by a run that dies.
func (m *morgue) halfDone() {
	id, err := m.s.cloud.Server().Fault(sandbox.Fault{Kind: sandbox.Hold, Operation: "UpdateAlias", Nth: 2})
	if err != nil {
		m.t.Error(err)
		return
	}
	cmd := m.command(nil, "run", "--lease", "5s")
	if err := cmd.Start(); err != nil {
		m.t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	if err := m.s.cloud.Server().Held(ctx, id); err != nil {
		m.t.Error(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		m.t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if err := m.s.cloud.Server().Release(id); err != nil {
		m.t.Error(err)
	}
	m.s.cloud.Server().ClearFaults()
}

// rest checks what holds whenever nobody is at work. Reconcile alone leaves a dead run's code lock, under which nothing can
// be half done, to lapse by itself.
func (m *morgue) rest(when string, alone bool) {
	wrong := func(format string, args ...any) {
		m.t.Helper()
		m.t.Errorf("%v, %s: %s", m.death, when, fmt.Sprintf(format, args...))
	}
	if left, err := m.s.left(sandbox.DefaultRegion); err != nil || len(left) > 0 && !(alone && strings.HasPrefix(left[0], "the code lock")) {
		wrong("%v, %v", left, err)
	}
	_, rows := m.s.rows(sandbox.DefaultRegion)
	scope := promotion.Scope{App: "shop", Environment: "prod"}
	book, err := ledger.New(rows).Read(m.t.Context(), scope)
	if err != nil {
		wrong("%v", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.functions {
		history := m.s.cloud.Server().Lambda().History(sandbox.DefaultAccount, sandbox.DefaultRegion, f, "prod")
		for _, value := range history {
			if !m.passed[f][value.Version] || len(value.Weights) > 0 || value.Deleted {
				wrong("alias prod of %s once held %+v, which had not passed", f, value)
			}
		}
		holds := history[len(history)-1].Version
		if recorded, known := book.Head.Functions[f]; known && recorded.Version.String() != holds {
			wrong("alias prod of %s holds %s, and recorded is %s", f, holds, recorded.Version)
		}
	}
	entries, err := ledger.New(rows).History(m.t.Context(), scope, promotion.Query{})
	if err != nil {
		wrong("%v", err)
	}
	for i, e := range entries {
		if want := book.Head.Number - uint64(i); e.Number != want {
			wrong("entry %d of the history stands where %d should", e.Number, want)
		}
	}
}

func releaseOf(document string) string {
	var o struct {
		Release string `json:"release_id"`
	}
	_ = json.Unmarshal([]byte(document), &o) // without one there is no id
	return o.Release
}

// detached is a request that can be carried out when its sender is gone.
func detached(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return again, err
}
