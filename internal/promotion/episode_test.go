package promotion_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
)

// An episode is one point of an enumeration: runs on a road, watched by somebody who knows what may be true.
type episode struct {
	th  *theatre
	way road
	req promotion.Request

	may      map[string][]string // by function: the values that its alias may ever hold
	elses    map[string][]string // by function: those that somebody else, or a late request, may give it
	told     time.Time           // when the signal came
	unproved bool                // the last run needs attention
}

func newEpisode(th *theatre, way road) *episode {
	e := &episode{th: th, way: way, may: map[string][]string{}, elses: map[string][]string{}}
	e.req = way.stage(th)
	for _, n := range three {
		e.may[n] = []string{"none", th.alias(n)}
	}
	return e
}

// others says what somebody else may give the alias of a function.
func (e *episode) others(function, version string) {
	if version != "none" {
		e.elses[function] = append(e.elses[function], version)
		e.may[function] = append(e.may[function], version)
	}
}

// run runs a request and asserts that what it says is true.
func (e *episode) run(ctx context.Context, req promotion.Request) promotion.Outcome {
	e.th.t.Helper()
	was, began := map[string]string{}, time.Now()
	for _, n := range three {
		was[n] = e.th.alias(n)
	}
	o := e.th.runner.Run(ctx, req)
	if !e.told.IsZero() && time.Since(e.told) > allowed {
		e.th.t.Errorf("it went on for %s after the signal", time.Since(e.told))
	}
	if time.Since(began) > 20*time.Minute { // an invocation may take fifteen
		e.th.t.Errorf("it took %s", time.Since(began))
	}
	e.told = time.Time{}
	for _, c := range o.Checks {
		if c.Verdict == promotion.Pass {
			e.may[c.Function] = append(e.may[c.Function], c.Version.String())
		}
	}
	e.unproved = o.Kind == promotion.NeedsAttention
	e.truthful(o, was)
	e.within("after a run that ended " + string(o.Kind))
	return o
}

// within asserts that no alias ever held anything but what it may hold.
func (e *episode) within(when string) {
	e.th.t.Helper()
	for _, n := range three {
		for _, v := range e.th.history(n) {
			if got := held(v); !slices.Contains(e.may[n], got) {
				e.th.t.Errorf("%s: the alias of %s has held %s (by %s), and may hold %v", when, n, got, v.Principal, e.may[n])
			}
		}
	}
}

// truthful asserts that an outcome says what the aliases hold, and that its kind says what became of them.
func (e *episode) truthful(o promotion.Outcome, was map[string]string) {
	t := e.th.t
	t.Helper()
	fates := map[promotion.Fate]int{}
	for _, f := range o.Functions {
		fates[f.Fate]++
		now := e.th.alias(f.Name)
		elses := slices.Contains(e.elses[f.Name], now)
		switch f.Fate {
		case promotion.FateMoved, promotion.FateCreated:
			if now != f.Candidate.String() && !elses {
				t.Errorf("%s is said to hold version %s, and holds %s", f.Name, f.Candidate, now)
			}
		case promotion.FateKept, promotion.FateBack:
			if now != was[f.Name] && !elses {
				t.Errorf("%s is said to be %s (%s), and holds %s", f.Name, f.Fate, was[f.Name], now)
			}
		case promotion.FateForeign:
			if !elses {
				t.Errorf("%s is said to hold somebody else's, and holds %s", f.Name, now)
			}
		}
		if (f.Fate == promotion.FateUnknown || f.Fate == promotion.FateForeign) && len(f.Commands) == 0 {
			t.Errorf("%s is %s, and nobody is told what to do", f.Name, f.Fate)
		}
	}
	moved, created, back := fates[promotion.FateMoved], fates[promotion.FateCreated], fates[promotion.FateBack]
	foreign, unknown := fates[promotion.FateForeign], fates[promotion.FateUnknown]
	fits := false
	switch o.Kind {
	case promotion.Promoted:
		fits = moved+created > 0 && back+foreign+unknown == 0
	case promotion.Unchanged:
		fits = fates[promotion.FateKept] == len(o.Functions)
	case promotion.RolledBack:
		fits = back > 0 && moved+created+foreign+unknown == 0
	case promotion.Failed, promotion.VerificationFailed, promotion.Refused:
		fits = moved+foreign+unknown == 0 && (created > 0 || back == 0)
	case promotion.ConflictFound:
		fits = unknown == 0 && (moved == 0 || o.Reason == promotion.ReasonReadBack) && (foreign > 0 || o.Reason == promotion.ReasonCodeMoved)
	case promotion.NeedsAttention:
		fits = unknown+foreign > 0 && moved == 0
	}
	if !fits {
		t.Errorf("the outcome is %s (%s), and the fates are %v: %s", o.Kind, o.Reason, fates, o.Sentence)
	}
	if o.Sentence == "" || o.Finished.IsZero() {
		t.Errorf("the outcome %s has no sentence or no end", o.Kind)
	}
	if o.Kind.ExitCode() != 0 && len(o.Faults) == 0 && o.Reason != promotion.ReasonInterrupted {
		t.Errorf("the outcome %s names no fault", o.Kind)
	}
}

// foreignStands asserts that what somebody else gave to an alias was written over only by a run that had read it.
func (e *episode) foreignStands(o promotion.Outcome) {
	e.th.t.Helper()
	for _, f := range o.Functions {
		values := e.th.history(f.Name)
		for i, v := range values[:max(0, len(values)-1)] {
			if v.Principal == sandbox.ForeignPrincipal(sandbox.DefaultAccount) && values[i+1].Principal != v.Principal && f.Previous.String() != held(v) {
				e.th.t.Errorf("%s held somebody else's %s, and the run wrote %s over it, having read %s", f.Name, held(v), held(values[i+1]), f.Previous)
			}
		}
	}
}

// converge asserts that the next run, undisturbed, brings everything to where it was to be.
func (e *episode) converge() {
	e.th.t.Helper()
	e.th.network.calm()
	o := e.run(e.th.t.Context(), e.req)
	if o.Kind != promotion.Promoted && o.Kind != promotion.Unchanged {
		e.th.t.Errorf("the next run ended %s: %s %v", o.Kind, o.Sentence, o.Faults)
	}
	answers := map[string]bool{}
	for _, n := range three {
		_, code, _ := strings.Cut(e.th.answer(n), `"code":"`)
		code, _, _ = strings.Cut(code, `"`)
		answers[code] = true
	}
	if len(answers) != 1 || answers["old"] {
		e.th.t.Errorf("in the end the aliases answer with %v", answers)
	}
}

// hold keeps the nth request back past its run, until it is let go. then happens when it is held.
func (e *episode) hold(nth int, then func()) (letGo func()) {
	gate, done := make(chan struct{}), make(chan struct{})
	struck := false
	e.th.network.disturb(&disturbance{nth: nth, do: func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		struck = true
		go func() {
			defer close(done)
			<-gate
			if answer, err := send(r.WithContext(context.WithoutCancel(r.Context()))); err == nil {
				answer.Body.Close()
			}
		}()
		then()
		return swallowed(r, send)
	}})
	var once sync.Once
	return func() {
		if !struck {
			e.th.t.Fatal("nothing was held")
		}
		once.Do(func() { close(gate) })
		<-done
	}
}

// foreign publishes a version that somebody else may point an alias to, and leaves $LATEST as it was.
func (th *theatre) foreign(name string) string {
	th.t.Helper()
	api := th.cloud.Lambda()
	out, err := api.GetFunction(th.t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)})
	if err != nil {
		th.t.Fatal(err)
	}
	th.upload(name, "foreign")
	v := th.cloud.Publish(name)
	for _, code := range []string{"old", "new"} {
		th.upload(name, code)
		if again, err := api.GetFunction(th.t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)}); err == nil &&
			aws.ToString(again.Configuration.CodeSha256) == aws.ToString(out.Configuration.CodeSha256) {
			return v
		}
	}
	th.t.Fatalf("$LATEST of %s was neither old nor new", name)
	return ""
}
