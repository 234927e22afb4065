package conformance

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// latestPoints are about updates of $LATEST, which take time and which everybody shares.
func latestPoints() []Point {
	return []Point{
		{
			Name:    "latest-revision-moves-when-settled",
			Claim:   "The revision that UpdateFunctionCode answers with moves once more when the update settles, and then stays; with the answered one the next update is refused with 412.",
			Promise: "Revisions are read anew after an update has settled; evidence through the latest endpoint counts from then on.",
			Known:   Recorded,
			check:   settling,
		}, {
			Name:    "latest-publishing-update-settles",
			Claim:   "After UpdateFunctionCode with Publish the version keeps its revision while it becomes Active, and $LATEST's moves once more.",
			Promise: "The candidate that was published is the one that is verified; $LATEST is compared with what it was after it settled.",
			Known:   Assumed,
			check:   publishingSettles,
		}, {
			Name:    "latest-update-in-progress",
			Claim:   "During an update a second one is refused: with 409 if it carries the current revision, with 412 if it carries an old one.",
			Promise: "409 is waited for; 412 makes promote look at $LATEST again. Nobody's update is cut short or overwritten.",
			Known:   Assumed,
			check:   updateInProgress,
		}, {
			Name:    "latest-keeps-architectures",
			Claim:   "UpdateFunctionCode without Architectures leaves a function on arm64.",
			Promise: "A deployment changes code and nothing that it was not given.",
			Known:   Assumed,
			check:   keepsArchitectures,
		}, {
			Name:    "latest-revision-stays",
			Claim:   "CreateAlias, UpdateAlias, AddPermission and invocations leave the revisions of $LATEST and of versions; PublishVersion moves $LATEST's.",
			Promise: "Evidence through the latest endpoint holds while other environments are promoted; it is void only if $LATEST itself was touched.",
			Known:   Assumed,
			Most:    Usage{Invocations: 2},
			check:   revisionStays,
		},
	}
}

// update sends code under the condition of a revision, again while it is throttled.
func (s *subject) update(ctx context.Context, code, revision string, publish bool) (out *lambda.UpdateFunctionCodeOutput, err error) {
	err = s.try(ctx, func(ctx context.Context) error {
		out, err = s.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{
			FunctionName: &s.name, ZipFile: s.config.Package(code).Zip, RevisionId: &revision, Publish: publish,
		})
		return err
	})
	return out, err
}

// settling is the reason why revisions are read anew after an update.
func settling(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	out, err := s.update(ctx, "B", aws.ToString(before.RevisionId), false)
	if !f.accepted(err, "an update with the current revision") {
		return f.result()
	}
	if out.LastUpdateStatus != types.LastUpdateStatusInProgress {
		f.doubt("the update had settled when it was answered")
	}
	f.hold(aws.ToString(out.RevisionId) != aws.ToString(before.RevisionId), "the update left the revision as it was")
	after, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(after.RevisionId) != aws.ToString(out.RevisionId), "the revision did not move when the update settled")
	for range 5 {
		if err := wait(ctx, pollEvery); err != nil {
			return Result{}, err
		}
		later, err := s.configuration(ctx, latestName)
		if err != nil {
			return Result{}, err
		}
		f.hold(aws.ToString(later.RevisionId) == aws.ToString(after.RevisionId), "the revision moved again after the update had settled")
	}
	_, err = s.update(ctx, "A", aws.ToString(out.RevisionId), false)
	f.refused(err, 412, "PreconditionFailedException", "an update with the revision that the last one answered")
	f.saw("the revision moved with the update and when it settled, and stayed")
	return f.result()
}

// publishingSettles is the promise that the candidate is what is verified.
func publishingSettles(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	out, err := s.update(ctx, "B", aws.ToString(before.RevisionId), true)
	if !f.accepted(err, "an update that publishes") {
		return f.result()
	}
	version := aws.ToString(out.Version)
	if !f.hold(version != latestName, "the answer is about $LATEST and not about a version") {
		return f.result()
	}
	during, err := s.configuration(ctx, latestName)
	if err != nil {
		return Result{}, err
	}
	early := during.LastUpdateStatus == types.LastUpdateStatusInProgress && out.State == types.StatePending
	if !early {
		f.doubt("the update had settled before $LATEST was read (version %s, $LATEST %s)", out.State, during.LastUpdateStatus)
	}
	published, err := s.await(ctx, version)
	if err != nil {
		return Result{}, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(published.RevisionId) == aws.ToString(out.RevisionId), "the version's revision moved when it became active")
	f.hold(!early || aws.ToString(after.RevisionId) != aws.ToString(during.RevisionId), "the revision of $LATEST did not move when the update settled")
	f.hold(aws.ToString(published.CodeSha256) == aws.ToString(after.CodeSha256), "the version has other code than $LATEST")
	f.saw("the version kept its revision, $LATEST's moved")
	return f.result()
}

// updateInProgress is the promise that nobody's update is cut short.
func updateInProgress(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	for i := range 4 {
		before, err := s.settled(ctx)
		if err != nil {
			return Result{}, err
		}
		out, err := s.upload(ctx, []string{"B", "A"}[i%2])
		if err != nil {
			return Result{}, err
		}
		_, old := s.update(ctx, "C", aws.ToString(before.RevisionId), false)
		_, current := s.update(ctx, "C", aws.ToString(out.RevisionId), false)
		now, err := s.configuration(ctx, latestName)
		if err != nil {
			return Result{}, err
		}
		if now.LastUpdateStatus != types.LastUpdateStatusInProgress {
			continue // it settled somewhere in between: try again
		}
		f.refused(old, 412, "PreconditionFailedException", "with an old revision")
		f.refused(current, 409, "ResourceConflictException", "with the current one")
		f.hold(aws.ToString(now.CodeSha256) == aws.ToString(out.CodeSha256), "a refused update changed the code")
		return f.result()
	}
	f.doubt("every update had settled before two others were refused")
	return f.result()
}

// keepsArchitectures is the promise that nothing is changed that was not given.
func keepsArchitectures(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx, func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{types.ArchitectureArm64} })
	if err != nil {
		return Result{}, err
	}
	if _, err := s.upload(ctx, "B"); err != nil {
		return Result{}, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	f.hold(len(after.Architectures) == 1 && after.Architectures[0] == types.ArchitectureArm64, "the architectures became %v", after.Architectures)
	f.saw("still %v", after.Architectures)
	return f.result()
}

// revisionStays is the promise that evidence through the latest endpoint is void only if $LATEST was touched.
func revisionStays(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	latest, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	version, err := s.configuration(ctx, "1")
	if err != nil {
		return Result{}, err
	}
	var f findings
	deeds := []struct {
		name string
		do   func(context.Context) error
	}{
		{"CreateAlias", func(ctx context.Context) error {
			_, err := s.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &s.name, Name: aws.String("other"), FunctionVersion: aws.String("1")})
			return err
		}},
		{"UpdateAlias", func(ctx context.Context) error {
			_, err := s.send(ctx, write{version: aws.String("2"), weights: map[string]float64{"1": 0.5}})
			return err
		}},
		{"AddPermission on the function", func(ctx context.Context) error { return s.permit(ctx, nil) }},
		{"AddPermission on an alias", func(ctx context.Context) error { return s.permit(ctx, aws.String(live)) }},
		{"Invoke", func(ctx context.Context) error {
			_, err := s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.name})
			return err
		}},
		{"Invoke of the alias", func(ctx context.Context) error {
			_, err := s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.name, Qualifier: aws.String(live)})
			return err
		}},
	}
	for _, deed := range deeds {
		if !f.accepted(s.try(ctx, deed.do), deed.name) {
			return f.result()
		}
		now, err := s.configuration(ctx, latestName)
		if err != nil {
			return Result{}, err
		}
		f.hold(aws.ToString(now.RevisionId) == aws.ToString(latest.RevisionId), "%s moved the revision of $LATEST", deed.name)
		latest = now
		if now, err = s.configuration(ctx, "1"); err != nil {
			return Result{}, err
		}
		f.hold(aws.ToString(now.RevisionId) == aws.ToString(version.RevisionId), "%s moved the revision of a version", deed.name)
		version = now
	}
	if _, err := s.upload(ctx, "C"); err != nil {
		return Result{}, err
	}
	if latest, err = s.settled(ctx); err != nil {
		return Result{}, err
	}
	if _, err := s.publish(ctx); err != nil {
		return Result{}, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(after.RevisionId) != aws.ToString(latest.RevisionId), "PublishVersion left the revision of $LATEST")
	f.saw("only the publication moved it")
	return f.result()
}
