package promotion

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// observe reads the world. It reads on after a fault, so that a person sees all of them at once. vouched are aliases, by
// function, of which it is recorded what they hold: see [Runner.observeVouched].
func (r *Runner) observe(ctx context.Context, req Request, vouched map[string]Version) (World, []error) {
	states := make([]State, len(req.Functions))
	work := r.work(StagePlan, len(req.Functions))
	errs := each(ctx, len(req.Functions), r.parallel(), false, func(i int) (err error) {
		work.doing(req.Functions[i].Key, "reading %s", req.Functions[i].Name)
		defer work.over(req.Functions[i].Key)
		states[i], err = r.observeFunction(ctx, req.Functions[i], req.Environment, vouched[req.Functions[i].Key])
		return err
	})
	w := World{Functions: map[string]State{}}
	for i, f := range req.Functions {
		w.Functions[f.Key] = states[i]
	}
	if req.Endpoints != nil {
		st, err := r.Routes.Observe(ctx, req)
		w.Endpoints = &st
		errs = append(errs, err)
	}
	return w, compact(errs)
}

// observeFunction reads one function: its artifact, $LATEST and its alias at once, since the wall time of a small release
// is little more than that of its reads.
func (r *Runner) observeFunction(ctx context.Context, f Function, env Environment, vouched Version) (State, error) {
	var (
		st                             State
		packageErr, latestErr, ofAlias error
		reads                          sync.WaitGroup
	)
	read := func(err *error, do func() error) {
		reads.Go(func() { *err = guarded(do) })
	}
	if f.Artifact.Kind != ArtifactNone {
		read(&packageErr, func() (err error) { st.Package, err = r.Packages.Package(ctx, f); return err })
	}
	read(&latestErr, func() (err error) {
		st.Latest, err = r.Functions.Latest(ctx, f.Name, r.say(StagePlan, f.Key))
		return err
	})
	read(&ofAlias, func() (err error) {
		if vouched != 0 {
			st.Routing, st.Stable, err = r.observeVouched(ctx, f, env, vouched)
		} else {
			st.Routing, st.Stable, err = r.observeAlias(ctx, f, env)
		}
		return err
	})
	reads.Wait()

	var errs several
	if packageErr != nil {
		errs = append(errs, packageErr)
	}
	if latestErr != nil {
		return st, append(errs, latestErr) // what follows would only repeat it
	}
	if packageErr == nil && st.Package.Digest != "" {
		if err := r.Packages.Fits(ctx, f.Name, st.Package, st.Latest); err != nil {
			errs = append(errs, configuredAt(f.Where, err))
		}
	}
	if ofAlias != nil {
		errs = append(errs, ofAlias)
	}
	if f.Artifact.Kind == ArtifactNone && f.Artifact.Candidate.Existing() {
		if err := r.observeChosen(ctx, f, &st); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return st, errs
	}
	return st, nil
}

// configuredAt says where the thing that is at fault was configured, unless that is known.
func configuredAt(where Where, err error) error {
	if f, is := err.(Fault); is && f.Where == (Where{}) {
		f.Where = where
		return f
	}
	return err
}

// observeAlias reads what the alias holds now: the baseline, whoever put it there. There is none if it does not exist.
func (r *Runner) observeAlias(ctx context.Context, f Function, env Environment) (*Routing, *Snapshot, error) {
	routing, err := r.Aliases.Read(ctx, f.Name, env.Alias)
	if errors.Is(err, ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	stable, err := r.Functions.Version(ctx, f.Name, routing.Version)
	if err != nil {
		return &routing, nil, err
	}
	return &routing, &stable, nil
}

// vouchedFrom is from how many functions on reading every alias would take seconds of a quota that the whole account
// shares. The ledger knows what most of them hold then, and it is only looked whether they still lead there.
const vouchedFrom = 25

// vouched are the aliases of which it is recorded what they hold, where there are many.
func (s *story) vouched() map[string]Version {
	if len(s.req.Functions) < vouchedFrom || s.req.Mode == ModePlan {
		return nil
	}
	list := map[string]Version{}
	for _, f := range s.req.Functions {
		if rec, known := s.record(f); known {
			list[f.Key] = rec.Version
		}
	}
	return list
}

// observeVouched looks whether an alias still leads to the version that is recorded. Its revision and its weights are not
// known then; who moves it reads them, see [story.known].
func (r *Runner) observeVouched(ctx context.Context, f Function, env Environment, recorded Version) (*Routing, *Snapshot, error) {
	stable, err := r.Functions.Behind(ctx, f.Name, env.Alias)
	if err != nil || stable.Version != recorded {
		return r.observeAlias(ctx, f, env)
	}
	return &Routing{Version: recorded}, &stable, nil
}

// known reads the aliases that are to be moved and were only vouched for, and plans with them.
func (s *story) known(ctx context.Context, plan Plan, world World) (Plan, []error) {
	var steps []Step
	for _, step := range plan.Promoting() {
		if step.State.Routing != nil && step.State.Routing.Revision == "" {
			steps = append(steps, step)
		}
	}
	if len(steps) == 0 {
		return plan, nil
	}
	states := make([]State, len(steps))
	errs := each(ctx, len(steps), s.parallel(), false, func(i int) (err error) {
		states[i] = steps[i].State
		states[i].Routing, states[i].Stable, err = s.observeAlias(ctx, steps[i].Function, s.req.Environment)
		return err
	})
	for i, step := range steps {
		world.Functions[step.Function.Key] = states[i]
	}
	return NewPlan(s.req, world), compact(errs)
}

// observeChosen reads the existing version that is to be the candidate.
func (r *Runner) observeChosen(ctx context.Context, f Function, st *State) error {
	number := f.Artifact.Candidate.Number
	if number == 0 {
		newest, err := r.Functions.Newest(ctx, f.Name)
		if err != nil {
			return err
		}
		if newest == 0 {
			return Fault{Where: f.Where, What: fmt.Sprintf("%s has no published version, and its newest version was to be promoted", f.Name),
				Hint: "publish one, or let `candidate: latest-code` publish $LATEST"}
		}
		number = newest
	}
	if st.Stable != nil && st.Stable.Version == number {
		st.Chosen = st.Stable
		return nil
	}
	chosen, err := r.Functions.Version(ctx, f.Name, number)
	if errors.Is(err, ErrNotFound) {
		return Fault{Where: f.Where, What: fmt.Sprintf("%s has no version %s", f.Name, number), Hint: "name a version that exists"}
	}
	if err != nil {
		return err
	}
	st.Chosen = &chosen
	return nil
}

// Several errors of one function, each of which is told by itself.
type several []error

func (s several) Error() string { return errors.Join(s...).Error() }

// compact drops the nils and takes several errors apart.
func compact(errs []error) []error {
	var flat []error
	for _, err := range errs {
		if many, ok := err.(several); ok {
			flat = append(flat, many...)
		} else if err != nil {
			flat = append(flat, err)
		}
	}
	return flat
}
