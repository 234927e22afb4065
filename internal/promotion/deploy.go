package promotion

import (
	"context"
	"fmt"
)

// deploy brings every candidate into being and waits until it is active. What it leaves when it fails are versions
// that nobody points to.
func (r *Runner) deploy(ctx context.Context, plan Plan) (map[string]Candidate, []error) {
	steps := plan.Promoting()
	found := make([]Snapshot, len(steps))
	work := r.work(StageDeploy, len(steps))
	errs := each(ctx, len(steps), r.parallel(), true, func(i int) (err error) {
		defer work.over(steps[i].Function.Key)
		found[i], err = r.deployFunction(ctx, steps[i], work)
		return err
	})
	candidates := map[string]Candidate{}
	for i, s := range steps {
		if found[i].Version != 0 {
			candidates[s.Function.Key] = Candidate{Function: s.Function.Key, Name: s.Function.Name, Snapshot: found[i]}
		}
	}
	errs = compact(errs)
	if len(errs) == 0 && len(candidates) < len(steps) {
		errs = append(errs, context.Cause(ctx)) // interrupted before all were started
	}
	return candidates, errs
}

func (r *Runner) deployFunction(ctx context.Context, s Step, work *work) (Snapshot, error) {
	say := r.say(StageDeploy, s.Function.Key)
	ctx, cancel := context.WithTimeoutCause(ctx, r.limits().Update, Fault{
		What: fmt.Sprintf("the update did not settle within %s", r.limits().Update),
		Hint: "what keeps the function busy is stated on its page in the console; update-timeout gives it more time",
	})
	defer cancel()

	name, version, err := s.Function.Name, Version(0), error(nil)
	switch s.Method {
	case MethodUpload:
		say("uploading %s (%s)", s.State.Package.Origin, s.Wanted.Short())
		work.doing(s.Function.Key, "uploading %s", s.State.Package.Origin)
		version, err = r.Functions.Upload(ctx, name, s.State.Package, s.State.Latest, say)
	case MethodPublish:
		say("publishing $LATEST (%s)", s.Wanted.Short())
		work.doing(s.Function.Key, "publishing $LATEST of %s", name)
		version, err = r.Functions.Publish(ctx, name, s.State.Latest, say)
	case MethodAdopt:
		version = s.State.Chosen.Version
	}
	if err != nil {
		return Snapshot{}, err
	}
	work.doing(s.Function.Key, "waiting for version %s of %s", version, name)
	candidate, err := r.Functions.Await(ctx, name, version, say)
	if err != nil {
		return Snapshot{}, err
	}
	// Trust nothing that can be compared: the version that will be verified has to be the code that was decided on.
	if candidate.Digest != s.Wanted {
		return Snapshot{}, &Conflict{Thing: fmt.Sprintf("version %s of %s", version, name), Expected: "code " + string(s.Wanted), Found: "code " + string(candidate.Digest)}
	}
	say("version %s is ready", version)
	return candidate, nil
}
