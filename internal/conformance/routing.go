package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// routingPoints are those on which shifting traffic rests.
func routingPoints() []Point {
	return []Point{
		{
			Name:    "routing-in-one-call",
			Claim:   "UpdateAlias changes version and weights in one call, guarded by the RevisionId, and answers with the new state.",
			Promise: "A step of a shift is one conditional write; no caller ever meets half of one.",
			Known:   Documented,
			check:   routingInOneCall,
		}, {
			Name:    "routing-ends-canary-in-one-call",
			Claim:   "While an alias has weights, one UpdateAlias with the candidate as FunctionVersion, an empty map of weights and the RevisionId promotes the candidate, ten times out of ten.",
			Promise: "A promotion's last step, and a rollback, are one conditional write. (An InternalError was reported in public: https://github.com/aws/aws-sdk-js-v3/issues/7254.)",
			Known:   Assumed,
			check:   endCanary,
		}, {
			Name:    "routing-absent-stays",
			Claim:   "Weights that UpdateAlias does not name stay; an explicit empty map clears them, and leaves version and description.",
			Promise: "Weights are always sent whole, since a call without them would let a canary go on.",
			Known:   Recorded,
			check:   absentStays,
		}, {
			Name:    "routing-reaches-invocations",
			Claim:   "Within 30 s of an answered UpdateAlias ten invocations in a row run the new version.",
			Promise: "A promotion is reported when callers get the new version; gates begin to measure after that.",
			Known:   Assumed, Within: 6 * time.Minute,
			Most:  Usage{Invocations: 1000},
			check: propagation,
		}, {
			Name:    "routing-under-provisioned-concurrency",
			Claim:   "When an alias with provisioned concurrency is moved, Lambda itself sets weights for a while that name the replaced version and no other, over the new version; each such change moves the revision, and READY comes without weights.",
			Promise: "Weights of AWS's own are told from a foreign rollout: they are waited for, and not taken for a conflict.",
			Known:   Assumed, Provisioned: true, Within: 15 * time.Minute,
			// The version that is replaced keeps its environments until the new one has its own.
			Most:  Usage{Provisioned: 6},
			check: provisionedTransition,
		},
	}
}

// routingInOneCall is the promise that no caller meets half of a step.
func routingInOneCall(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	before, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	wrote, err := s.write(ctx, write{version: aws.String("2"), weights: map[string]float64{"1": 0.75}, revision: &before.revision})
	if !f.accepted(err, "version and weights in one call") {
		return f.result()
	}
	want := routing{version: "2", weights: map[string]float64{"1": 0.75}}
	f.hold(wrote.same(want), "the answer is %s, not %s", wrote, want)
	after, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(after.same(want) && after.revision == wrote.revision, "the alias holds %s, not %s", after, want)
	f.saw("%s", after)
	return f.result()
}

// endCanary is the promise that a promotion's last step is one conditional write.
func endCanary(ctx context.Context, e *Env) (Result, error) {
	const times = 10
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	for i := range times {
		stable, candidate := "1", "2"
		if i%2 == 1 {
			stable, candidate = candidate, stable
		}
		before, err := s.set(ctx, stable, map[string]float64{candidate: 0.1})
		if err != nil {
			return Result{}, err
		}
		wrote, err := s.write(ctx, write{version: &candidate, weights: map[string]float64{}, revision: &before.revision})
		if a := answered(err); a.status >= 500 {
			after, err := s.look(ctx)
			if err != nil {
				return Result{}, err
			}
			f.hold(false, "time %d was answered %s, and the alias holds %s", i+1, a, after)
			continue
		}
		if f.accepted(err, "the last step") {
			f.hold(wrote.same(routing{version: candidate}), "time %d left %s", i+1, wrote)
		}
	}
	f.saw("the candidate alone, each time")
	f.figure("%d times", times)
	return f.result()
}

// absentStays is the reason why weights are always sent whole.
func absentStays(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	if _, err := s.set(ctx, "1", map[string]float64{"2": 0.25}); err != nil {
		return Result{}, err
	}
	var f findings
	described, err := s.write(ctx, write{description: aws.String("said")})
	if f.accepted(err, "a description alone") {
		want := routing{version: "1", description: "said", weights: map[string]float64{"2": 0.25}}
		f.hold(described.same(want), "a description alone left %s", described)
	}
	cleared, err := s.write(ctx, write{weights: map[string]float64{}})
	if f.accepted(err, "an empty map alone") {
		f.hold(cleared.same(routing{version: "1", description: "said"}), "an empty map alone left %s", cleared)
	}
	f.saw("weights stayed, and went with the empty map; version and description stayed")
	return f.result()
}

// propagation measures how long an answered move takes to reach callers.
func propagation(ctx context.Context, e *Env) (Result, error) {
	const moves, inARow, within = 10, 10, 30 * time.Second
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	invoke := func(ctx context.Context, qualifier string) (string, error) {
		var out *lambda.InvokeOutput
		err := s.arrange(ctx, "invoke "+s.name, func(ctx context.Context) (err error) {
			out, err = s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.name, Qualifier: &qualifier})
			return err
		})
		if err != nil {
			return "", err
		}
		if out.FunctionError != nil {
			return "", fmt.Errorf("invoke %s: %s: %s", s.name, *out.FunctionError, out.Payload)
		}
		return aws.ToString(out.ExecutedVersion), nil
	}
	for _, version := range []string{"1", "2"} { // so that no cold start is measured
		if _, err := invoke(ctx, version); err != nil {
			return Result{}, err
		}
	}
	var f findings
	var lastOld []time.Duration
	stale, all, back := 0, 0, 0
	for i := range moves {
		version := []string{"2", "1"}[i%2]
		if _, err := s.set(ctx, version, nil); err != nil {
			return Result{}, err
		}
		answered := time.Now()
		var old time.Duration
		for row := 0; row < inARow; {
			sent := time.Since(answered)
			if sent > within || all > 990 {
				f.hold(false, "move %d: callers still met the old version after %v", i+1, sent.Round(time.Millisecond))
				break
			}
			executed, err := invoke(ctx, live)
			if err != nil {
				return Result{}, err
			}
			all++
			if executed == version {
				row++
				continue
			}
			if row > 0 {
				back++
			}
			row = 0
			stale++
			old = time.Since(answered)
		}
		lastOld = append(lastOld, old)
	}
	slices.Sort(lastOld)
	f.saw("each move reached callers")
	f.figure("%d moves, last old answer after %v (median), %v (most); %d of %d answers old, %d of them after a new one",
		moves, lastOld[moves/2].Round(time.Millisecond), lastOld[moves-1].Round(time.Millisecond), stale, all, back)
	return f.result()
}

// provisionedTransition is the promise that weights of AWS's own are no conflict.
func provisionedTransition(ctx context.Context, e *Env) (Result, error) {
	const ready = 6 * time.Minute
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	status := func(ctx context.Context) (got types.ProvisionedConcurrencyStatusEnum, err error) {
		err = s.arrange(ctx, "read provisioned concurrency of "+s.name, func(ctx context.Context) error {
			out, err := s.lambda.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &s.name, Qualifier: aws.String(live)})
			if err == nil {
				got = out.Status
			}
			if err == nil && got == types.ProvisionedConcurrencyStatusEnumFailed {
				return fmt.Errorf("it failed: %s", aws.ToString(out.StatusReason))
			}
			return err
		})
		return got, err
	}
	err = s.arrange(ctx, "provision "+s.name, func(ctx context.Context) error {
		_, err := s.lambda.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{
			FunctionName: &s.name, Qualifier: aws.String(live), ProvisionedConcurrentExecutions: aws.Int32(1),
		})
		return err
	})
	if err != nil {
		return Result{}, err
	}
	defer func() { // ends what is paid for; the function itself is removed with the point
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
		defer cancel()
		_ = s.try(ctx, func(ctx context.Context) error {
			_, err := s.lambda.DeleteProvisionedConcurrencyConfig(ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: &s.name, Qualifier: aws.String(live)})
			return err
		})
	}()
	err = until(ctx, time.Second, ready, "provisioned concurrency", func(ctx context.Context) (bool, error) {
		got, err := status(ctx)
		return got == types.ProvisionedConcurrencyStatusEnumReady, err
	})
	if err != nil {
		return Result{}, err
	}
	before, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	begin := time.Now()
	moved, err := s.write(ctx, write{version: aws.String("2"), weights: map[string]float64{}, revision: &before.revision})
	var f findings
	if !f.accepted(err, "a move under provisioned concurrency") {
		return f.result()
	}
	last, calm := moved, 0
	var course []string
	transient := false
	err = until(ctx, pollEvery, ready, "the end of the transition", func(ctx context.Context) (bool, error) {
		now, err := s.look(ctx)
		if err != nil {
			return false, err
		}
		got, err := status(ctx)
		if err != nil {
			return false, err
		}
		if now.revision != last.revision || !now.same(last) {
			course = append(course, fmt.Sprintf("%v: %s, %s", time.Since(begin).Round(100*time.Millisecond), now, got))
			f.hold(now.revision != last.revision, "%s became %s under the same revision", last, now)
		}
		f.hold(now.version == "2", "the alias went to %s", now)
		for v := range maps.Keys(now.weights) {
			transient = true
			f.hold(v == "1", "weights name version %s, which was not replaced", v)
		}
		last = now
		if calm++; got != types.ProvisionedConcurrencyStatusEnumReady || len(now.weights) > 0 {
			calm = 0
		}
		return calm > 10, nil // weights may come late
	})
	if err != nil {
		return Result{}, err
	}
	if !transient {
		f.doubt("no weights of AWS's own were seen")
	}
	f.saw("weights named the replaced version only, and went by themselves")
	f.figure("%s", strings.Join(course, "; "))
	return f.result()
}
