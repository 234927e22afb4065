package lambda_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox/lambda"
)

func weights(pairs map[string]float64) *types.AliasRoutingConfiguration {
	return &types.AliasRoutingConfiguration{AdditionalVersionWeights: pairs}
}

func TestAliasesMove(t *testing.T) {
	inWorld(t, "only with the newest revision", func(w *world) {
		w.versions()
		a := w.alias("live", "1")
		moved, err := w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("2"), RevisionId: a.RevisionId})
		w.must(err)
		_, err = w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("1"), RevisionId: a.RevisionId})
		refused(w.t, err, 412, "PreconditionFailedException")
		if now := w.live(); *now.FunctionVersion != "2" || *now.RevisionId != *moved.RevisionId {
			w.t.Errorf("the alias is at %s under %s", *now.FunctionVersion, *now.RevisionId)
		}
	})
	inWorld(t, "and keep what an update does not name", func(w *world) {
		w.versions()
		w.alias("live", "1")
		_, err := w.move(sdk.UpdateAliasInput{RoutingConfig: weights(map[string]float64{"2": 0.25}), Description: aws.String("canary")})
		w.must(err)
		_, err = w.move(sdk.UpdateAliasInput{})
		w.must(err)
		if now := w.live(); now.RoutingConfig == nil || now.RoutingConfig.AdditionalVersionWeights["2"] != 0.25 || *now.Description != "canary" {
			w.t.Errorf("a touch changed the value: %+v", now)
		}
		_, err = w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("2"), RoutingConfig: weights(map[string]float64{})})
		w.must(err)
		if now := w.live(); now.RoutingConfig != nil || *now.FunctionVersion != "2" {
			w.t.Errorf("an explicit empty map left %+v", now.RoutingConfig)
		}
	})
	inWorld(t, "and remember every value they had", func(w *world) {
		w.versions()
		made := w.alias("live", "1")
		w.settle()
		moved, err := w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("2")})
		w.must(err)
		_, err = w.api.DeleteAlias(w.t.Context(), &sdk.DeleteAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live")})
		w.must(err)
		values := w.History(account, region, "orders", "live")
		if len(values) != 3 {
			w.t.Fatalf("the history has %d values: %+v", len(values), values)
		}
		if v := values[0]; v.Version != "1" || v.Revision != *made.RevisionId || v.Principal != me {
			w.t.Errorf("first %+v", v)
		}
		if v := values[1]; v.Version != "2" || v.Revision != *moved.RevisionId || v.Time.Sub(values[0].Time) != updateTime {
			w.t.Errorf("second %+v", v)
		}
		if !values[2].Deleted {
			w.t.Errorf("third %+v", values[2])
		}
	})
}

func TestRoutingRules(t *testing.T) {
	for _, c := range []struct {
		name    string
		version string
		weights map[string]float64
		status  int
		code    string
		message string
	}{
		{"three versions", "1", map[string]float64{"2": 0.1, "3": 0.1}, 400, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1"},
		{"the same version twice", "1", map[string]float64{"1": 0.1}, 400, "InvalidParameterValueException", "Invalid function version 1. Function version 1 is already included in routing configuration."},
		{"$LATEST with weights", "$LATEST", map[string]float64{"1": 0.1}, 400, "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"$LATEST as a weight", "1", map[string]float64{"$LATEST": 0.5}, 400, "ValidationException", "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"},
		{"more than all", "1", map[string]float64{"2": 1.5}, 400, "ValidationException", "1 validation error detected: Value '{2=1.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"},
		{"a version that is not there", "9", nil, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:orders:9"},
		{"a weight for a version that is not there", "1", map[string]float64{"9": 0.1}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:orders:9"},
		{"another alias", "live", nil, 400, "ValidationException", "1 validation error detected: Value 'live' at 'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\$LATEST(\\.PUBLISHED)?|[0-9]+)"},
	} {
		inWorld(t, c.name+" is refused", func(w *world) {
			w.versions()
			w.alias("live", "1")
			before := *w.live().RevisionId
			in := sdk.UpdateAliasInput{FunctionVersion: &c.version}
			if c.weights != nil {
				in.RoutingConfig = weights(c.weights)
			}
			_, err := w.move(in)
			refused(w.t, err, c.status, c.code)
			if message(err) != c.message {
				w.t.Errorf("the message is\n%s, want\n%s", message(err), c.message)
			}
			create := sdk.CreateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("new"), FunctionVersion: in.FunctionVersion, RoutingConfig: in.RoutingConfig}
			_, err = w.api.CreateAlias(w.t.Context(), &create)
			refused(w.t, err, c.status, c.code)
			if *w.live().RevisionId != before {
				w.t.Error("the refused update moved the revision")
			}
		})
	}
	inWorld(t, "$LATEST alone is accepted", func(w *world) {
		w.alias("live", "$LATEST")
		if got := w.invoke("live"); got.Version != "$LATEST" {
			w.t.Errorf("the alias ran %s", got.Version)
		}
	})
	inWorld(t, "what exists, and what does not, is said", func(w *world) {
		w.publish()
		w.alias("live", "1")
		_, err := w.api.CreateAlias(w.t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
		refused(w.t, err, 409, "ResourceConflictException")
		_, err = w.api.GetAlias(w.t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod")})
		refused(w.t, err, 404, "ResourceNotFoundException")
		_, err = w.api.UpdateAlias(w.t.Context(), &sdk.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod")})
		refused(w.t, err, 404, "ResourceNotFoundException")
		_, err = w.api.DeleteFunction(w.t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("orders"), Qualifier: aws.String("1")})
		refused(w.t, err, 409, "ResourceConflictException")
		if want := "Unable to delete version because the following aliases reference it: [live]"; message(err) != want {
			w.t.Errorf("the message is %q", message(err))
		}
	})
}

func TestWeightsAreHonouredByChance(t *testing.T) {
	inWorld(t, "a fifth of the calls", func(w *world) {
		w.versions()
		w.alias("live", "1")
		_, err := w.move(sdk.UpdateAliasInput{RoutingConfig: weights(map[string]float64{"2": 0.2})})
		w.must(err)
		counts := map[string]int{}
		const calls = 500
		for range calls {
			got := w.invoke("live")
			counts[got.Code+got.Version]++
		}
		if share := float64(counts["B2"]) / calls; math.Abs(share-0.2) > 0.06 || counts["A1"]+counts["B2"] != calls {
			w.t.Errorf("the candidate got %.3f of the calls: %v", share, counts)
		}
	})
	inWorld(t, "all of them", func(w *world) {
		w.versions()
		w.alias("live", "1")
		_, err := w.move(sdk.UpdateAliasInput{RoutingConfig: weights(map[string]float64{"2": 1})})
		w.must(err)
		for range 20 {
			if got := w.invoke("live"); got.Version != "2" {
				w.t.Fatalf("version %s ran", got.Version)
			}
		}
	})
}

// story is a history in short: version, weight of the other, and whether AWS wrote it.
func story(values []lambda.AliasValue) []string {
	var told []string
	for _, v := range values {
		line := v.Version
		for version, weight := range v.Weights {
			if weight == 1 {
				line += " all at " + version
			}
		}
		if v.Principal == "lambda.amazonaws.com" {
			line += " by AWS"
		}
		told = append(told, line)
	}
	return told
}

func TestAWSEditsAliasesWithProvisionedConcurrency(t *testing.T) {
	provision := func(w *world, qualifier string) error {
		_, err := w.api.PutProvisionedConcurrencyConfig(w.t.Context(), &sdk.PutProvisionedConcurrencyConfigInput{
			FunctionName: aws.String("orders"), Qualifier: &qualifier, ProvisionedConcurrentExecutions: aws.Int32(2),
		})
		return err
	}
	inWorld(t, "the old version keeps the traffic until the new one is ready", func(w *world) {
		w.versions()
		w.alias("live", "1")
		w.must(provision(w, "live"))
		w.settle()
		moved, err := w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("2"), RoutingConfig: weights(map[string]float64{})})
		w.must(err)
		if moved.RoutingConfig != nil {
			w.t.Errorf("the answer to the move already has weights: %v", moved.RoutingConfig)
		}
		during := w.live()
		if during.RoutingConfig == nil || during.RoutingConfig.AdditionalVersionWeights["1"] != 1 || *during.RevisionId == *moved.RevisionId {
			w.t.Errorf("during the move: %+v", during)
		}
		if got := w.invoke("live"); got.Version != "1" {
			w.t.Errorf("during the move version %s serves", got.Version)
		}
		config, err := w.api.GetProvisionedConcurrencyConfig(w.t.Context(), &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("orders"), Qualifier: aws.String("live")})
		w.must(err)
		if config.Status != types.ProvisionedConcurrencyStatusEnumInProgress {
			w.t.Errorf("during the move the capacity is %s", config.Status)
		}
		w.settle()
		if after := w.live(); after.RoutingConfig != nil || *after.RevisionId == *during.RevisionId {
			w.t.Errorf("after the move: %+v", after)
		}
		if got, want := story(w.History(account, region, "orders", "live")), []string{"1", "2", "2 all at 1 by AWS", "2 by AWS"}; !slices.Equal(got, want) {
			w.t.Errorf("the history is %q, want %q", got, want)
		}
	})
	inWorld(t, "weights and capacity exclude each other, and so do alias and version", func(w *world) {
		w.versions()
		w.alias("live", "1")
		w.must(provision(w, "live"))
		_, err := w.move(sdk.UpdateAliasInput{RoutingConfig: weights(map[string]float64{"2": 0.1})})
		refused(w.t, err, 400, "InvalidParameterValueException")
		refused(w.t, provision(w, "1"), 409, "ResourceConflictException")
		w.must(provision(w, "2"))
		w.alias("next", "2")
		refused(w.t, provision(w, "next"), 409, "ResourceConflictException")
	})
	inWorld(t, "on command, for as long as said", func(w *world) {
		w.versions()
		w.alias("live", "1")
		w.WeighNext(lambda.Target{Function: "orders", Qualifier: "live"}, time.Minute)
		_, err := w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("2")})
		w.must(err)
		time.Sleep(59 * time.Second)
		if w.live().RoutingConfig == nil {
			w.t.Error("the weights went too early")
		}
		time.Sleep(time.Second)
		if w.live().RoutingConfig != nil {
			w.t.Error("the weights stayed")
		}
	})
	inWorld(t, "on command, stuck until somebody clears them", func(w *world) {
		w.versions()
		w.alias("live", "1")
		w.WeighNext(lambda.Target{}, -1)
		_, err := w.move(sdk.UpdateAliasInput{FunctionVersion: aws.String("2")})
		w.must(err)
		time.Sleep(time.Hour)
		if w.live().RoutingConfig == nil {
			w.t.Error("the weights went by themselves")
		}
		_, err = w.move(sdk.UpdateAliasInput{RoutingConfig: weights(map[string]float64{})})
		w.must(err)
		if now := w.live(); now.RoutingConfig != nil || *now.FunctionVersion != "2" {
			w.t.Errorf("cleared by hand, the alias is %+v", now)
		}
	})
}
