package promotion_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// The pace of runs that are cut: a short lease, and work that takes longer than a sign of life keeps, so that there are
// such calls to be cut at too.
const (
	crashLease = 5 * time.Second
	crashWork  = 1300 * time.Millisecond
)

// A scene is an account in which a run is cut, and the memory of what was allowed in it.
type scene struct {
	*company
	names []string
	lease time.Duration // of the run that is cut

	reader   *promotion.Runner          // looks on
	codes    map[string]int             // digest of a code: its place in the order of commits
	places   map[string]int             // the same of a function's version
	verified map[string]map[string]bool // by function: versions that passed
	asked    []time.Time                // when rollbacks began
	was      map[string]string          // what the aliases held before anything was left half done
	left     *party                     // who was killed before
	mode     promotion.Mode             // of the newest step of the job that is cut
	owner    promotion.Secret           // of the code lock that it took
	next     int                        // names parties
}

// newScene opens one in which a call takes a moment, so that no two writes are made at the same time.
func newScene(t *testing.T, names []string) *scene {
	return newSceneIn(t, sandbox.Options{Latency: time.Millisecond}, names)
}

func newSceneIn(t *testing.T, o sandbox.Options, names []string) *scene {
	s := &scene{company: newCompany(t, o), names: names, lease: crashLease, codes: map[string]int{}, places: map[string]int{}, verified: map[string]map[string]bool{}}
	s.reader = s.enter("reader").runner
	for _, n := range names {
		s.verified[n] = map[string]bool{}
	}
	return s
}

// codeNames are the codes in the order of the commits whose they are; the first is there before anybody promotes.
var codeNames = []string{"old", "one", "two", "three", "four", "five", "six"}

// commit is the nth commit's hash.
func commit(n int) string { return sha(strconv.Itoa(n)) }

// code is the code of the nth commit. Slow code takes its time to answer.
func (s *scene) code(n int, slow bool) sandboxtest.Code {
	c := sandboxtest.Code{Name: codeNames[n]}
	if slow {
		c.Name += ", slowly"
		c.Handler = func(ctx context.Context, _ runner.Input) (runner.Output, error) {
			select {
			case <-time.After(crashWork):
			case <-ctx.Done():
			}
			return runner.Output{Payload: []byte(`{}`)}, nil
		}
	}
	sum := sha256.Sum256(s.cloud.Zip(c))
	s.codes[base64.StdEncoding.EncodeToString(sum[:])] = n
	return c
}

// found creates functions that run the code of commit 0, with aliases where that is said.
func (s *scene) found(aliases bool, names ...string) {
	s.t.Helper()
	for _, n := range names {
		s.cloud.Function(n, s.code(0, false))
		if aliases {
			v := s.cloud.Publish(n)
			s.cloud.Alias(n, "prod", v)
			s.verified[n][v] = true // the baseline
		}
	}
}

// ask is a request for the code of the nth commit in the named functions.
func (s *scene) ask(p *party, n int, slow bool, names ...string) promotion.Request {
	s.t.Helper()
	req := s.requestFor(promotion.Artifact{Kind: promotion.ArtifactZip, Path: s.build(s.code(n, slow))}, names...)
	return p.at(commit(n), req)
}

// party enters under a name of its own. Its calls come one after the other, so that they are the same every time.
func (s *scene) party(what string) *party {
	s.next++
	p := s.enter(what + "-" + strconv.Itoa(s.next))
	p.runner.Parallel = 1
	return p
}

// heed takes in what a run has verified. What it says beside that is another matter.
func (s *scene) heed(o promotion.Outcome) promotion.Outcome {
	for _, c := range o.Checks {
		if c.Verdict == promotion.Pass && s.verified[c.Function] != nil {
			s.verified[c.Function][c.Version.String()] = true
		}
	}
	return o
}

// promoted plays a whole run of the nth commit, as what stands before.
func (s *scene) promoted(n int, names ...string) {
	s.t.Helper()
	p := s.party("before")
	expect(s.t, s.heed(p.run(s.ask(p, n, false, names...))), promotion.Promoted, promotion.ReasonVerified)
}

// place is where the code of a function's alias stands in the order of commits; -1 without an alias.
func (s *scene) place(function, version string) int {
	s.t.Helper()
	if version == "none" {
		return -1
	}
	if place, known := s.places[function+":"+version]; known {
		return place
	}
	out, err := s.cloud.Lambda().GetFunction(context.Background(), &lambda.GetFunctionInput{FunctionName: &function, Qualifier: &version})
	if err != nil {
		s.t.Fatalf("read version %s of %s: %v", version, function, err)
	}
	place, known := s.codes[aws.ToString(out.Configuration.CodeSha256)]
	if !known {
		s.t.Fatalf("version %s of %s has code that nobody has built", version, function)
	}
	s.places[function+":"+version] = place
	return place
}

// fence is the fence of the environment's lock as its row has it.
func (s *scene) fence() uint64 {
	s.t.Helper()
	row, err := table.New(dynamodb.NewFromConfig(s.cloud.AWS()), lockTable, table.Current()).Get(context.Background(), table.LockKey(promotion.Lock{App: "shop", Environment: "prod"}))
	if err != nil {
		s.t.Fatal(err)
	}
	return row.Uint(table.FenceAttribute)
}

// read is what is recorded.
func (s *scene) read() promotion.Book {
	s.t.Helper()
	b, err := s.reader.Ledger.Read(context.Background(), promotion.Scope{App: "shop", Environment: "prod"})
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// free asserts that nobody holds a lock.
func (s *scene) free(when string) {
	s.t.Helper()
	for _, l := range []promotion.Lock{{App: "shop"}, {App: "shop", Environment: "prod"}} {
		if holder, err := s.reader.Locks.Look(context.Background(), l); err != nil || holder != nil {
			s.t.Errorf("%s: %s is held by %v (%v)", when, l, holder, err)
		}
	}
}

// audit asserts what holds always: over the whole history of every alias, of the ledger and of the fence.
func (s *scene) audit(when string) {
	t := s.t
	t.Helper()
	scope := promotion.Scope{App: "shop", Environment: "prod"}
	entries, err := s.reader.Ledger.History(context.Background(), scope, promotion.Query{})
	if err != nil {
		t.Fatal(err)
	}
	head := s.read().Head
	for i, e := range entries {
		if want := head.Number - uint64(i); e.Number != want {
			t.Errorf("%s: the history has entry %d where %d should be", when, e.Number, want)
		}
		if i > 0 && e.Fence > entries[i-1].Fence {
			t.Errorf("%s: entry %d was written under fence %d, and the one after it under %d", when, e.Number, e.Fence, entries[i-1].Fence)
		}
	}
	if len(entries) != int(head.Number) {
		t.Errorf("%s: the history has %d entries, and the head says %d", when, len(entries), head.Number)
	}
	releases, commits := map[string]int{}, map[string]int{}
	for _, e := range entries {
		if e.Kind != promotion.EntryPromotion {
			continue
		}
		if releases[e.Release]++; releases[e.Release] > 1 {
			t.Errorf("%s: release %s was promoted twice", when, e.Release)
		}
		if commits[e.Source.Commit]++; commits[e.Source.Commit] > 1 && len(s.asked) == 0 {
			t.Errorf("%s: commit %s was promoted twice", when, e.Source.Commit)
		}
	}
	for _, n := range s.names {
		s.auditAlias(when, n, entries)
	}
}

// auditAlias asserts that an alias has only ever held what it may, and never went behind what was recorded as promoted
// unless somebody asked for that.
func (s *scene) auditAlias(when, function string, entries []promotion.Entry) {
	t := s.t
	t.Helper()
	values := s.history(function)
	for _, v := range values {
		if len(v.Weights) > 0 || v.Deleted {
			t.Errorf("%s: the alias of %s has held %s", when, function, held(v))
		}
		if !s.verified[function][v.Version] {
			t.Errorf("%s: the alias of %s has held version %s, which nobody has verified", when, function, v.Version)
		}
	}
	for _, e := range entries {
		i := slices.IndexFunc(e.Moves, func(m promotion.Recording) bool { return m.Function == function })
		if e.Kind != promotion.EntryPromotion || i < 0 {
			continue
		}
		reached := false
		for _, v := range values {
			if v.Time.Before(e.At) || slices.ContainsFunc(s.asked, func(at time.Time) bool { return !at.Before(e.At) && !v.Time.Before(at) }) {
				continue
			}
			reached = reached || v.Version == e.Moves[i].To.String()
			if reached && s.place(function, v.Version) < s.place(function, e.Moves[i].To.String()) {
				t.Errorf("%s: entry %d has promoted version %s of %s, and then its alias went back to %s", when, e.Number, e.Moves[i].To, function, v.Version)
			}
		}
	}
}

// agrees asserts that the aliases hold what the ledger says of them, and that nothing is open.
func (s *scene) agrees(when string) {
	t := s.t
	t.Helper()
	b := s.read()
	if b.Open != nil {
		t.Errorf("%s: the intent %s is open", when, b.Open.ID)
	}
	for _, n := range s.names {
		rec, known := b.Head.Functions[n]
		if known && rec.Version.String() != s.alias(n) {
			t.Errorf("%s: the alias of %s holds %s, and %s is recorded", when, n, s.alias(n), rec.Version)
		}
	}
}

// together asserts that the functions that had an alias before stand at one release, and that one that had none stands
// there too, or at the verified candidate that it was created at.
func (s *scene) together(when string, release []string) {
	s.t.Helper()
	stayed, moved := 0, 0
	for _, n := range release {
		switch now := s.alias(n); {
		case s.was[n] == "none":
		case now == s.was[n]:
			stayed++
		default:
			moved++
		}
	}
	if stayed > 0 && moved > 0 {
		now := map[string]string{}
		for _, n := range release {
			now[n] = s.alias(n)
		}
		s.t.Errorf("%s: the aliases of one release are torn apart: %v, and before %v", when, now, s.was)
	}
}

// holds is what every alias holds.
func (s *scene) holds() map[string]string {
	now := map[string]string{}
	for _, n := range s.names {
		now[n] = s.alias(n)
	}
	return now
}
