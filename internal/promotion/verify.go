package promotion

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// verify asks every check that concerns a function which changes, and returns why the candidates are fit to be
// promoted, or why not. Checks run concurrently; each of them is reported.
func (r *Runner) verify(ctx context.Context, o *Outcome, plan Plan, candidates map[string]Candidate) Reason {
	req := o.Request
	if req.VerifyNone {
		return ReasonUnverified
	}

	// What goes through the latest endpoint sees $LATEST and not the candidate. It is evidence for the candidate only if
	// $LATEST is settled, is the same code and configuration, and has not moved when the last answer is in.
	through := throughLatest(req.Checks)
	var before map[string]Snapshot
	if through {
		var errs []error
		if before, errs = r.latest(ctx, candidates); len(errs) > 0 {
			o.fault(errs...)
			return ReasonReadFailed
		}
		if moved := movedFrom(candidates, before); len(moved) > 0 {
			o.Faults = append(o.Faults, moved...)
			o.Checks = voided(req.Checks, moved[0].What)
			return ReasonEvidenceVoid
		}
	}

	set := releaseSet(o, plan, candidates)
	o.Checks = make([]CheckResult, len(req.Checks))
	work := r.work(StageVerify, len(req.Checks))
	each(ctx, len(req.Checks), r.parallel(), false, func(i int) error {
		work.doing(req.Checks[i].Name, "%s", req.Checks[i].Name)
		defer work.over(req.Checks[i].Name)
		o.Checks[i] = r.ask(ctx, req.Checks[i], req, plan, set)
		return nil
	})

	if through {
		after, errs := r.latest(ctx, candidates)
		if len(errs) > 0 {
			o.fault(errs...)
			return ReasonReadFailed
		}
		if moved := movedBetween(candidates, before, after); len(moved) > 0 {
			o.Faults = append(o.Faults, moved...)
			for i, c := range req.Checks {
				if c.ThroughLatest() {
					o.Checks[i].Verdict, o.Checks[i].Reason = Inconclusive, "void: "+moved[0].What
				}
			}
			return ReasonEvidenceVoid
		}
	}
	return judge(o)
}

// releaseSet decides which versions the checks are put to. Where each function that changes has a check that concerns
// it, only those functions are asked: the others were verified when they were promoted. Otherwise what no check names
// can only be vouched for by the rest, so the whole suite is put to the whole set, unchanged functions included.
func releaseSet(o *Outcome, plan Plan, candidates map[string]Candidate) map[string]Candidate {
	concerned := map[string]bool{}
	for _, c := range o.Request.Checks {
		if c.JUnit == nil || o.Request.Mode == ModePromote {
			concerned[c.Function()] = true // "" stands for every function: a check by URL, or reports of tests
		}
	}
	set := maps.Clone(candidates)
	var uncovered []string
	for _, s := range plan.Promoting() {
		if key := s.Function.Key; !concerned[key] && !concerned[""] {
			uncovered = append(uncovered, key)
		}
	}
	if len(uncovered) == 0 {
		return set
	}
	o.Warnings = append(o.Warnings, Fault{
		Where: Where{Input: "verify"},
		What:  fmt.Sprintf("no check names %s: only the checks of other functions vouch for what changes there", someOf(uncovered)),
		Hint:  fmt.Sprintf("the smallest check is `- invoke: {function: %s}`: the candidate has to answer without an error", uncovered[0]),
	})
	for _, s := range plan.Steps {
		if _, changes := set[s.Function.Key]; !changes && s.State.Stable != nil {
			set[s.Function.Key] = Candidate{Function: s.Function.Key, Name: s.Function.Name, Snapshot: *s.State.Stable}
		}
	}
	return set
}

// ask puts one check to the version that it names.
func (r *Runner) ask(ctx context.Context, c Check, req Request, plan Plan, set map[string]Candidate) CheckResult {
	key := c.Function()
	if c.JUnit != nil && req.Mode != ModePromote {
		return CheckResult{Check: c.Name, Where: c.Where, Skipped: "it reads reports of tests that run between deploy and promote"}
	}
	candidate, known := set[key]
	if key != "" && !known {
		return CheckResult{Check: c.Name, Function: key, Where: c.Where, Skipped: "the function is unchanged: it was verified when it was promoted"}
	}
	say := r.say(StageVerify, key)
	began := time.Now()
	named := values(req, plan, candidate)
	if name, err := Template(c.Name).Expand(named); err == nil { // one without a name of its own is named after its URL
		c.Name = name
	}
	result := r.Checks.Ask(ctx, c, Subject{Candidate: candidate, Values: named})
	result.Check, result.Where, result.Function = c.Name, c.Where, key
	if result.Duration == 0 {
		result.Duration = time.Since(began)
	}
	switch {
	case result.Err != nil:
		say("%s: could not be asked", c.Name)
	case result.Verdict == Pass:
		say("%s: passed in %s", c.Name, result.Duration.Round(time.Millisecond))
	default:
		say("%s: did not pass: %s", c.Name, result.Reason)
	}
	return result
}

// judge sums the checks up. A red one outweighs a broken one: it is an answer.
func judge(o *Outcome) Reason {
	verdict := ReasonVerified
	for _, c := range o.Checks {
		switch {
		case c.Skipped != "":
		case c.Err != nil:
			o.Faults = append(o.Faults, checkFault(c, c.Err))
			if verdict == ReasonVerified {
				verdict = ReasonCheckBroken
			}
		case c.Verdict != Pass:
			o.Faults = append(o.Faults, Fault{Where: c.Where, What: fmt.Sprintf("check %q: %s", c.Check, c.Reason), Hint: c.Hint})
			verdict = ReasonCheckFailed
		}
	}
	return verdict
}

// checkFault is the fault of a check that could not be asked. Who asked has said which check it is.
func checkFault(c CheckResult, err error) Fault {
	f := FaultOf(err)
	if f.Where == (Where{}) {
		f.Where = c.Where
	}
	return f
}

func throughLatest(checks []Check) bool {
	for _, c := range checks {
		if c.ThroughLatest() {
			return true
		}
	}
	return false
}

// latest reads $LATEST of every function that changes, settled.
func (r *Runner) latest(ctx context.Context, candidates map[string]Candidate) (map[string]Snapshot, []error) {
	keys := sortedKeys(candidates)
	found := make([]Snapshot, len(keys))
	errs := each(ctx, len(keys), r.parallel(), false, func(i int) (err error) {
		found[i], err = r.Functions.Latest(ctx, candidates[keys[i]].Name, r.say(StageVerify, keys[i]))
		return err
	})
	byKey := map[string]Snapshot{}
	for i, k := range keys {
		byKey[k] = found[i]
	}
	return byKey, compact(errs)
}

// movedFrom lists the functions whose $LATEST is not their candidate.
func movedFrom(candidates map[string]Candidate, latest map[string]Snapshot) []Fault {
	var faults []Fault
	for _, k := range sortedKeys(candidates) {
		if c := candidates[k]; !c.Same(latest[k]) {
			faults = append(faults, Fault{
				What: fmt.Sprintf("$LATEST of %s is not version %s, so a check by URL would not see the candidate", c.Name, c.Version),
				Hint: "another pipeline may be deploying the same function: run again; or ask the candidate by its number, with `via: invoke`",
			})
		}
	}
	return faults
}

// movedBetween lists the functions whose $LATEST did not stand still while the checks ran. A revision that moved and
// came back to the same code counts: the answers in between may have been another code's.
func movedBetween(candidates map[string]Candidate, before, after map[string]Snapshot) []Fault {
	var faults []Fault
	for _, k := range sortedKeys(candidates) {
		if before[k].Revision != after[k].Revision || !before[k].Same(after[k]) {
			faults = append(faults, Fault{
				What: fmt.Sprintf("$LATEST of %s moved while checks went through it", candidates[k].Name),
				Hint: "another pipeline may be deploying the same function: run again; or ask the candidate by its number, with `via: invoke`",
			})
		}
	}
	return faults
}

func voided(checks []Check, why string) []CheckResult {
	results := make([]CheckResult, len(checks))
	for i, c := range checks {
		results[i] = CheckResult{Check: c.Name, Function: c.Function(), Where: c.Where, Skipped: "not asked: " + why}
	}
	return results
}

// values are what the templates of a check may name.
func values(req Request, plan Plan, c Candidate) map[string]string {
	v := map[string]string{
		"App":         req.App,
		"Environment": req.Environment.Name,
		"Commit":      req.Commit,
		"Release":     req.Release,
	}
	if c.Function != "" {
		v["Function"], v["Version"] = c.Function, c.Version.String()
	}
	if st := plan.Endpoints.State; st != nil {
		v["Endpoint.latest"] = st.LatestURL
	}
	return v
}
