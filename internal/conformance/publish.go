package conformance

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// publishPoints are those on which the identity of a candidate rests.
func publishPoints() []Point {
	return []Point{
		{
			Name:    "publish-guards",
			Claim:   "PublishVersion is refused with 412 for an old RevisionId and with 400 for a CodeSha256 that is not $LATEST's; refused, it publishes nothing.",
			Promise: "The published version is the code that this run uploaded, or that the plan read.",
			Known:   Recorded,
			check:   publishGuards,
		}, {
			Name:    "publish-dedupes",
			Claim:   "PublishVersion without a change since the last published version answers with that version and its old description.",
			Promise: "Publishing again after a lost answer is harmless; the version's description is not used as a mark.",
			Known:   Recorded,
			check:   publishDedupes,
		}, {
			Name:    "publish-after-identical-update",
			Claim:   "After UpdateFunctionCode with the bytes that are there already, PublishVersion makes a new version.",
			Promise: "Code that is there already is not uploaded again: it would cost a version.",
			Known:   Recorded,
			check:   publishAfterIdenticalUpdate,
		}, {
			Name:    "publish-with-identical-update",
			Claim:   "UpdateFunctionCode with Publish, the RevisionId and the bytes that are there already makes a new version; the revision of $LATEST moves; an old RevisionId is refused with 412 and publishes nothing.",
			Promise: "Upload and publish are one guarded call, also where another run has just put the same code there.",
			Known:   Assumed,
			check:   publishWithIdenticalUpdate,
		}, {
			Name:    "publish-numbers-grow",
			Claim:   "The number of a deleted version is not used again, not even that of the newest.",
			Promise: "A version number in the ledger, or in a rollback, means the same code for ever.",
			Known:   Assumed,
			check:   numbersGrow,
		},
	}
}

// publishIf publishes under conditions, again while it is throttled.
func (s *subject) publishIf(ctx context.Context, in lambda.PublishVersionInput) (out *lambda.PublishVersionOutput, err error) {
	in.FunctionName = &s.name
	err = s.try(ctx, func(ctx context.Context) error {
		out, err = s.lambda.PublishVersion(ctx, &in)
		return err
	})
	return out, err
}

// publishGuards is the promise that the published version is the code that was meant.
func publishGuards(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	if _, err := s.upload(ctx, "B"); err != nil {
		return Result{}, err
	}
	now, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	_, err = s.publishIf(ctx, lambda.PublishVersionInput{RevisionId: before.RevisionId, CodeSha256: now.CodeSha256})
	f.refused(err, 412, "PreconditionFailedException", "an old revision")
	_, err = s.publishIf(ctx, lambda.PublishVersionInput{RevisionId: now.RevisionId, CodeSha256: before.CodeSha256})
	f.refused(err, 400, "InvalidParameterValueException", "another digest")
	n, err := s.versions(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(n == 0, "refused publications made %d versions", n)
	out, err := s.publishIf(ctx, lambda.PublishVersionInput{RevisionId: now.RevisionId, CodeSha256: now.CodeSha256})
	if f.accepted(err, "the current revision and digest") {
		f.hold(aws.ToString(out.CodeSha256) == aws.ToString(now.CodeSha256), "the version has other code than $LATEST")
		f.saw("with both right version %s", aws.ToString(out.Version))
	}
	return f.result()
}

// publishDedupes is the promise that publishing again is harmless.
func publishDedupes(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	first, err := s.publishIf(ctx, lambda.PublishVersionInput{Description: aws.String("first")})
	if !f.accepted(err, "the first publication") {
		return f.result()
	}
	between, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	again, err := s.publishIf(ctx, lambda.PublishVersionInput{Description: aws.String("second"), RevisionId: between.RevisionId})
	if !f.accepted(err, "the second publication") {
		return f.result()
	}
	after, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	n, err := s.versions(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(again.Version) == aws.ToString(first.Version) && n == 1, "the second publication made version %s", aws.ToString(again.Version))
	f.hold(aws.ToString(again.Description) == "first", "the second publication's description is %q", aws.ToString(again.Description))
	f.saw("the version that exists, with its description")
	f.figure("$LATEST's revision moved with it: %t", aws.ToString(after.RevisionId) != aws.ToString(between.RevisionId))
	return f.result()
}

// publishAfterIdenticalUpdate is the reason why code that is there is not uploaded again.
func publishAfterIdenticalUpdate(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	first, err := s.publish(ctx)
	if err != nil {
		return Result{}, err
	}
	if _, err := s.upload(ctx, "A"); err != nil {
		return Result{}, err
	}
	if _, err := s.settled(ctx); err != nil {
		return Result{}, err
	}
	again, err := s.publish(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	f.hold(aws.ToString(again.CodeSha256) == aws.ToString(first.CodeSha256), "the same bytes have another digest")
	f.hold(aws.ToString(again.Version) != aws.ToString(first.Version), "the publication answered with version %s, which was there", aws.ToString(again.Version))
	f.saw("version %s with the digest of version %s", aws.ToString(again.Version), aws.ToString(first.Version))
	return f.result()
}

// publishWithIdenticalUpdate is the promise that upload and publish are one guarded call.
func publishWithIdenticalUpdate(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	first, err := s.publish(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	out, err := s.update(ctx, "A", aws.ToString(before.RevisionId), true)
	if !f.accepted(err, "an update to the same bytes that publishes") {
		return f.result()
	}
	f.hold(aws.ToString(out.CodeSha256) == aws.ToString(first.CodeSha256), "the answer has another digest")
	f.hold(aws.ToString(out.Version) != aws.ToString(first.Version), "the answer is version %s, which was there", aws.ToString(out.Version))
	if _, err := s.await(ctx, aws.ToString(out.Version)); err != nil {
		return Result{}, err
	}
	after, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(after.RevisionId) != aws.ToString(before.RevisionId), "$LATEST's revision stayed")
	n, err := s.versions(ctx)
	if err != nil {
		return Result{}, err
	}
	_, err = s.update(ctx, "A", aws.ToString(before.RevisionId), true)
	f.refused(err, 412, "PreconditionFailedException", "with an old revision")
	m, err := s.versions(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(m == n, "the refused call published a version")
	f.saw("a new version (%s), $LATEST's revision moved", aws.ToString(out.Version))
	return f.result()
}

// numbersGrow is the promise that a version number means the same code for ever.
func numbersGrow(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	if _, err := s.publish(ctx); err != nil {
		return Result{}, err
	}
	var numbers []int
	for i := range 2 {
		if _, err := s.upload(ctx, []string{"B", "C"}[i]); err != nil {
			return Result{}, err
		}
		if _, err := s.settled(ctx); err != nil {
			return Result{}, err
		}
		v, err := s.publish(ctx)
		if err != nil {
			return Result{}, err
		}
		n, err := strconv.Atoi(aws.ToString(v.Version))
		if err != nil {
			return Result{}, err
		}
		numbers = append(numbers, n)
		err = s.arrange(ctx, "delete version of "+s.name, func(ctx context.Context) error {
			_, err := s.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &s.name, Qualifier: v.Version})
			return err
		})
		if err != nil {
			return Result{}, err
		}
	}
	var f findings
	f.hold(numbers[1] > numbers[0], "version %d was published and deleted, and the next one was %d", numbers[0], numbers[1])
	f.saw("version %d after version %d was deleted", numbers[1], numbers[0])
	return f.result()
}
