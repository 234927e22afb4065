package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// aliasPoints are those on which the fence rests: the alias as a register that is changed by compare-and-set.
func aliasPoints() []Point {
	return []Point{
		{
			Name:    "alias-compare-and-set",
			Claim:   "Of 50 simultaneous UpdateAlias calls with the same RevisionId exactly one is carried out, in each of 20 rounds; the history is that of one compare-and-set register.",
			Promise: "Two runs at once never mix up versions: whoever loses the race for an alias is told so, and overwrites nothing.",
			Known:   Assumed, Within: 8 * time.Minute,
			check: compareAndSet,
		}, {
			Name:    "alias-read-after-write",
			Claim:   "GetAlias shows at once what an answered UpdateAlias wrote, also while others write and read.",
			Promise: "One read after the last write proves where the aliases stand. (A stale read could only earn a 412.)",
			Known:   Assumed,
			check:   readAfterWrite,
		}, {
			Name:    "alias-refused-write-changes-nothing",
			Claim:   "UpdateAlias with an old RevisionId is refused with 412, one with an impossible routing with 400, and neither changes anything, the revision included.",
			Promise: "A foreign change is never overwritten; a write that was refused needs no undoing.",
			Known:   Recorded,
			check:   refusedWrite,
		}, {
			Name:    "alias-touch",
			Claim:   "UpdateAlias with a RevisionId and nothing else changes the alias's revision and nothing else; a write that still carries the old one is then refused.",
			Promise: "After an unclean takeover the new holder's touch fences off every late write of the old holder, without owning the alias's description.",
			Known:   Recorded,
			check:   touch,
		}, {
			Name:    "alias-throttled-write-not-sent",
			Claim:   "An UpdateAlias that is answered 429 has no effect, then or later.",
			Promise: "A throttled write counts as not sent: it is sent again, and does not make a lock's release unclean.",
			Known:   Assumed,
			check:   throttledWrite,
		}, {
			Name:    "alias-create-if-absent",
			Claim:   "CreateAlias on an alias that exists is refused with 409 and changes nothing; of 20 simultaneous ones exactly one is carried out.",
			Promise: "The first promotion of an environment, which has no revision to be guarded by, overwrites nobody's alias.",
			Known:   Assumed,
			check:   createIfAbsent,
		}, {
			Name:    "alias-moves-during-update",
			Claim:   "UpdateAlias works while an update of the function's code is in progress.",
			Promise: "A rollback never waits for somebody's deployment.",
			Known:   Assumed,
			check:   moveDuringUpdate,
		},
	}
}

// refusedWrite is the promise that a foreign change is never overwritten.
func refusedWrite(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	old, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.set(ctx, "1", map[string]float64{"2": 0.1})
	if err != nil {
		return Result{}, err
	}
	var f findings
	_, err = s.write(ctx, write{version: aws.String("2"), description: aws.String("late"), weights: map[string]float64{}, revision: &old.revision})
	f.refused(err, 412, "PreconditionFailedException", "a write with an old revision")
	_, err = s.write(ctx, write{version: aws.String("2"), description: aws.String("impossible"), weights: map[string]float64{"2": 0.5}, revision: &before.revision})
	f.refused(err, 400, "InvalidParameterValueException", "a routing that names one version twice")
	after, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(after.same(before) && after.revision == before.revision, "refused writes changed %s into %s", before, after)
	f.saw("the alias and its revision stayed")
	return f.result()
}

// touch is the promise that a new holder can fence off the late writes of the old one.
func touch(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.set(ctx, "1", map[string]float64{"2": 0.25})
	if err != nil {
		return Result{}, err
	}
	var f findings
	touched, err := s.write(ctx, write{revision: &before.revision})
	if !f.accepted(err, "a write without a change") {
		return f.result()
	}
	f.hold(touched.revision != before.revision, "the touch left the revision as it was")
	f.hold(touched.same(before), "the touch changed %s into %s", before, touched)
	_, err = s.write(ctx, write{version: aws.String("2"), weights: map[string]float64{}, revision: &before.revision})
	f.refused(err, 412, "PreconditionFailedException", "a late write with the revision before the touch")
	after, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(after.same(before) && after.revision == touched.revision, "after the touch and a late write the alias holds %s", after)
	f.saw("the revision moved, version, weights and description stayed, the answer is the new state")
	return f.result()
}

// createIfAbsent is the promise that a first promotion overwrites nobody's alias.
func createIfAbsent(ctx context.Context, e *Env) (Result, error) {
	const rounds, creators = 3, 20
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	create := func(ctx context.Context, alias, version string) (*lambda.CreateAliasOutput, error) {
		return s.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &s.name, Name: &alias, FunctionVersion: &version})
	}
	var f findings
	before, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	err = s.try(ctx, func(ctx context.Context) error { _, err := create(ctx, live, "2"); return err })
	f.refused(err, 409, "ResourceConflictException", "the creation of an alias that exists")
	after, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(after.same(before) && after.revision == before.revision, "the refused creation changed %s into %s", before, after)
	heard := 0
	for round := range rounds {
		answers, revisions := make([]answer, creators), make([]string, creators)
		alias := fmt.Sprintf("contested-%d", round)
		err := s.burst(ctx, creators, func(ctx context.Context, i int) {
			out, err := create(ctx, alias, []string{"1", "2"}[i%2])
			if answers[i] = answered(err); err == nil {
				revisions[i] = aws.ToString(out.RevisionId)
			}
		})
		if err != nil {
			return Result{}, err
		}
		won, refused := 0, 0
		for i, a := range answers {
			switch {
			case a.done():
				won++
				heard++
			case a.status == 409:
				refused++
				heard++
			case a.unknown():
				f.doubt("round %d: a creation got no answer that tells (%s)", round, a)
			case !a.throttled():
				f.hold(false, "round %d: creation %d was answered %s", round, i, a)
			}
		}
		f.hold(won == 1 || won+refused == 0 || len(f.doubts) > 0, "round %d: %d creations were carried out", round, won)
	}
	if heard <= rounds {
		f.doubt("only %d of %d simultaneous creations were let through", heard, rounds*creators)
	}
	f.saw("one creation each time")
	f.figure("%d rounds of %d, %d let through", rounds, creators, heard)
	return f.result()
}

// moveDuringUpdate is the promise that a rollback does not wait for a deployment.
func moveDuringUpdate(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	for i := range 4 {
		if _, err := s.settled(ctx); err != nil {
			return Result{}, err
		}
		now, err := s.look(ctx)
		if err != nil {
			return Result{}, err
		}
		if _, err := s.upload(ctx, []string{"A", "B"}[i%2]); err != nil {
			return Result{}, err
		}
		version := []string{"2", "1"}[i%2]
		moved, refusal := s.write(ctx, write{version: &version, weights: map[string]float64{}, revision: &now.revision})
		c, err := s.configuration(ctx, latestName)
		if err != nil {
			return Result{}, err
		}
		if c.LastUpdateStatus != types.LastUpdateStatusInProgress && refusal == nil {
			continue // the update was faster than we: try again
		}
		if f.accepted(refusal, "a move during an update") {
			f.hold(moved.version == version, "the alias was to move to %s and is at %s", version, moved.version)
			f.saw("the alias moved while the update was in progress")
		}
		return f.result()
	}
	f.doubt("every update had settled before the alias was moved")
	return f.result()
}
