package promotion

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// observe reads the world. It reads on after a fault, so that a person sees all of them at once.
func (r *Runner) observe(ctx context.Context, req Request) (World, []error) {
	states := make([]State, len(req.Functions))
	work := r.work(StagePlan, len(req.Functions))
	errs := each(ctx, len(req.Functions), r.parallel(), false, func(i int) (err error) {
		work.doing(req.Functions[i].Key, "reading %s", req.Functions[i].Name)
		defer work.over(req.Functions[i].Key)
		states[i], err = r.observeFunction(ctx, req.Functions[i], req.Environment)
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
func (r *Runner) observeFunction(ctx context.Context, f Function, env Environment) (State, error) {
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
	read(&ofAlias, func() (err error) { st.Routing, st.Stable, err = r.observeAlias(ctx, f, env); return err })
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
