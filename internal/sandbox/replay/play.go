package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Caller sends one call, with blobs as bytes.
type Caller interface {
	Call(ctx context.Context, service, operation string, params map[string]any) (Answer, error)
}

// An Answer is what came back. Doc is the answer's document with what travels in headers put into it; for
// an error it is the error's document.
type Answer struct {
	Status         int
	Error, Message string
	Doc            map[string]any
}

// A Player plays cases against one endpoint.
type Player struct {
	Book   *Book
	Caller Caller
	// Account, Region and Role are the endpoint's.
	Account, Region, Role string
	// Fresh makes a name that was not used before out of a short one.
	Fresh func(kind string) string
	// Skip gives the reason why a step cannot be played here, "" if it can.
	Skip func(c Case, step int) string
	// Patience is how long a wait may take, and PollEvery how often it looks.
	Patience, PollEvery time.Duration
}

// A Result is what became of one step.
type Result struct {
	Step    int    // from 1
	Name    string // the operation or the wait
	Skipped string // the reason
	Faults  []string
	// Recorded and Agreed count messages and details; Differences words those that do not agree.
	Recorded, Agreed int
	Differences      []string
}

// Passed says that the step was played and nothing that matters differed.
func (r Result) Passed() bool { return r.Skipped == "" && len(r.Faults) == 0 }

// Play plays one case. A fault does not end it: later steps show what else differs.
func (p *Player) Play(ctx context.Context, c Case) []Result {
	v := vars{book: p.Book, known: map[string]any{
		"fn": p.Fresh("fn"), "table": p.Fresh("table"), "table2": p.Fresh("table"),
		"role": p.Role, "account": p.Account, "region": p.Region,
	}}
	var results []Result
	for i, step := range c.Steps {
		r := Result{Step: i + 1, Name: step.Op + step.Wait}
		if p.Skip != nil {
			r.Skipped = p.Skip(c, i)
		}
		if r.Skipped == "" {
			if err := p.step(ctx, step, v, &r); err != nil {
				r.Faults = append(r.Faults, err.Error())
			}
		}
		results = append(results, r)
	}
	return results
}

func (p *Player) step(ctx context.Context, step Step, v vars, r *Result) error {
	filled, err := v.fill(map[string]any(step.Params))
	if err != nil {
		return err
	}
	params := filled.(map[string]any)
	if step.Wait != "" {
		return p.wait(ctx, step.Wait, params)
	}
	service, operation, err := splitOp(step.Op)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for n := 1; ; n++ {
		answer, err := p.Caller.Call(ctx, service, operation, params)
		if err != nil {
			return err
		}
		faults := v.compare(step.Expect, answer)
		if again(step.RepeatUntil, answer, len(faults) == 0, seen, n) {
			time.Sleep(time.Duration(step.RepeatUntil.EachMS) * time.Millisecond)
			continue
		}
		r.Faults = faults
		if step.RepeatUntil != nil {
			for _, value := range step.RepeatUntil.Values {
				if !seen[fmt.Sprint(value)] {
					r.Faults = append(r.Faults, fmt.Sprintf("%s was never %v in %d calls", step.RepeatUntil.Path, value, n))
				}
			}
		}
		v.details(step.Expect, answer, r)
		return v.save(step.Save, answer)
	}
}

// again says whether a repeated call has to be made once more.
func again(until *Repeat, a Answer, passed bool, seen map[string]bool, n int) bool {
	if until == nil || n >= until.Max {
		return false
	}
	if until.Path == "" {
		return !passed
	}
	value, _ := at(a.Doc, until.Path)
	seen[fmt.Sprint(value)] = true
	return slices.ContainsFunc(until.Values, func(want any) bool { return !seen[fmt.Sprint(want)] })
}

// compare lists what differs in what matters.
func (s vars) compare(e *Expect, a Answer) []string {
	if e == nil {
		e = &Expect{}
	}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if a.Error != e.Error {
		fault("error is %q (%d %s), want %q", a.Error, a.Status, a.Message, e.Error)
	}
	if e.Status != 0 && a.Status != e.Status {
		fault("status is %d, want %d", a.Status, e.Status)
	}
	for _, path := range slices.Sorted(maps.Keys(e.Fields)) {
		got, there := at(a.Doc, path)
		if d := s.differs(e.Fields[path], got, there); d != "" {
			fault("%s %s", path, d)
		}
	}
	for _, path := range e.Absent {
		if got, there := at(a.Doc, path); there {
			fault("%s is %s, want it absent", path, show(got))
		}
	}
	if e.MessageMatters {
		if d := s.unmatched(e.Message, a.Message); d != "" {
			fault("message %s", d)
		}
	}
	return faults
}

// details counts what is recorded for information.
func (s vars) details(e *Expect, a Answer, r *Result) {
	if e == nil {
		return
	}
	note := func(what, difference string) {
		r.Recorded++
		if difference == "" {
			r.Agreed++
		} else {
			r.Differences = append(r.Differences, what+" "+difference)
		}
	}
	if e.Message != "" {
		note("message", s.unmatched(e.Message, a.Message))
	}
	for _, path := range slices.Sorted(maps.Keys(e.Detail)) {
		got, there := at(a.Doc, path)
		note(path, s.differs(e.Detail[path], got, there))
	}
}

func (s vars) save(names map[string]string, a Answer) error {
	for name, path := range names {
		value, there := at(a.Doc, path)
		if !there {
			return fmt.Errorf("%s is absent, and later steps need it", path)
		}
		s.known[name] = value
	}
	return nil
}

// waits says for each wait what is polled, and what has to be seen.
var waits = map[string]struct {
	op   string
	want map[string]string
}{
	"function_active":   {"lambda:GetFunction", map[string]string{"Configuration.State": "Active"}},
	"function_updated":  {"lambda:GetFunction", map[string]string{"Configuration.State": "Active", "Configuration.LastUpdateStatus": "Successful"}},
	"provisioned_ready": {"lambda:GetProvisionedConcurrencyConfig", map[string]string{"Status": "READY"}},
	"table_active":      {"dynamodb:DescribeTable", map[string]string{"Table.TableStatus": "ACTIVE"}},
}

func (p *Player) wait(ctx context.Context, name string, params map[string]any) error {
	w, ok := waits[name]
	if !ok {
		return fmt.Errorf("there is no wait called %q", name)
	}
	service, operation, err := splitOp(w.op)
	if err != nil {
		return err
	}
	until := time.Now().Add(p.Patience)
	for {
		answer, err := p.Caller.Call(ctx, service, operation, params)
		if err != nil {
			return err
		}
		done := answer.Error == ""
		for path, want := range w.want {
			got, _ := at(answer.Doc, path)
			done = done && got == want
		}
		if done {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("waited %s for %s: last answer %s", p.Patience, name, show(answer.Doc))
		}
		time.Sleep(p.PollEvery)
	}
}
