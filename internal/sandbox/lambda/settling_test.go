package lambda_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox/lambda"
)

func TestUpdatesTakeTime(t *testing.T) {
	inWorld(t, "the old code serves until the update has settled", func(w *world) {
		w.upload("B")
		if got := w.invoke(""); got.Code != "A" {
			w.t.Errorf("during the update %s served, want A", got.Code)
		}
		w.settle()
		if got := w.invoke(""); got.Code != "B" {
			w.t.Errorf("after the update %s served, want B", got.Code)
		}
	})
	inWorld(t, "the revision moves when the update is taken and again when it settles", func(w *world) {
		before := *w.get("").RevisionId
		taken := *w.upload("B").RevisionId
		if during := *w.get("").RevisionId; during != taken || taken == before {
			w.t.Errorf("before %s, taken %s, read %s", before, taken, during)
		}
		w.settle()
		settled := *w.get("").RevisionId
		if settled == taken || *w.get("").RevisionId != settled {
			w.t.Errorf("taken %s, settled %s, want it to move once", taken, settled)
		}
	})
	inWorld(t, "other changes are refused meanwhile, alias calls are not", func(w *world) {
		w.publish()
		w.upload("B")
		fn := aws.String("orders")
		_, err := w.api.UpdateFunctionConfiguration(w.t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: fn, Timeout: aws.Int32(9)})
		refused(w.t, err, 409, "ResourceConflictException")
		_, err = w.api.PublishVersion(w.t.Context(), &sdk.PublishVersionInput{FunctionName: fn})
		refused(w.t, err, 409, "ResourceConflictException")
		_, err = w.api.TagResource(w.t.Context(), &sdk.TagResourceInput{Resource: w.get("").FunctionArn, Tags: map[string]string{"a": "b"}})
		refused(w.t, err, 409, "ResourceConflictException")
		w.alias("live", "1")
	})
	inWorld(t, "a function that is being created runs nothing", func(w *world) {
		name := "fresh"
		_, err := w.api.CreateFunction(w.t.Context(), &sdk.CreateFunctionInput{
			FunctionName: &name, Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
			Code: &types.FunctionCode{ZipFile: w.zip("A")},
		})
		w.must(err)
		_, err = w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: &name})
		refused(w.t, err, 409, "ResourceConflictException")
		_, err = w.api.PublishVersion(w.t.Context(), &sdk.PublishVersionInput{FunctionName: &name})
		refused(w.t, err, 409, "ResourceConflictException")
	})
}

func TestPublishingInOneCall(t *testing.T) {
	inWorld(t, "the answer is the version, pending until the update has settled", func(w *world) {
		out, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{
			FunctionName: aws.String("orders"), ZipFile: w.zip("B"), Publish: true, RevisionId: w.get("").RevisionId,
		})
		w.must(err)
		if *out.Version != "1" || out.State != types.StatePending || *out.FunctionArn != *w.get("").FunctionArn+":1" {
			w.t.Errorf("got version %s, state %s, %s", *out.Version, out.State, *out.FunctionArn)
		}
		if latest := w.get(""); latest.LastUpdateStatus != types.LastUpdateStatusInProgress || *latest.CodeSha256 != *out.CodeSha256 {
			w.t.Errorf("$LATEST is %s with %s", latest.LastUpdateStatus, *latest.CodeSha256)
		}
		_, err = w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), Qualifier: aws.String("1")})
		refused(w.t, err, 409, "ResourceConflictException")
		w.settle()
		if v := w.get("1"); v.State != types.StateActive || *v.RevisionId != *out.RevisionId {
			w.t.Errorf("the version is %s under revision %s, want Active under %s", v.State, *v.RevisionId, *out.RevisionId)
		}
		if got := w.invoke("1"); got.Code != "B" {
			w.t.Errorf("version 1 runs %s, want B", got.Code)
		}
	})
	inWorld(t, "a stale revision uploads nothing and publishes nothing", func(w *world) {
		before := w.get("")
		_, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{
			FunctionName: aws.String("orders"), ZipFile: w.zip("B"), Publish: true, RevisionId: aws.String("stale"),
		})
		refused(w.t, err, 412, "PreconditionFailedException")
		if after := w.get(""); *after.RevisionId != *before.RevisionId {
			w.t.Error("the refused call moved the revision")
		}
	})
	inWorld(t, "a dry run shows the digest and changes nothing", func(w *world) {
		before := w.get("")
		out, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: w.zip("B"), DryRun: true})
		w.must(err)
		if after := w.get(""); *out.CodeSha256 == *before.CodeSha256 || *after.RevisionId != *before.RevisionId {
			w.t.Errorf("digest %s before %s, revision %s before %s", *out.CodeSha256, *before.CodeSha256, *after.RevisionId, *before.RevisionId)
		}
	})
	inWorld(t, "the same bytes again make a new version", func(w *world) {
		w.publish()
		w.upload("A")
		w.settle()
		if v := w.publish(); *v.Version != "2" || *v.CodeSha256 != *w.get("1").CodeSha256 {
			w.t.Errorf("got version %s", *v.Version)
		}
	})
	inWorld(t, "numbers are not used again", func(w *world) {
		w.versions()
		_, err := w.api.DeleteFunction(w.t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("orders"), Qualifier: aws.String("2")})
		w.must(err)
		if v := w.publish(); *v.Version != "3" {
			w.t.Errorf("got version %s, want 3", *v.Version)
		}
	})
}

func TestWhatEndsBadly(t *testing.T) {
	fails := lambda.Failure{Reason: "no such layer", ReasonCode: "InvalidConfiguration"}
	inWorld(t, "a failed update leaves the old code serving and cannot be published", func(w *world) {
		w.FailNext(lambda.Target{Function: "orders"}, fails)
		w.upload("B")
		w.settle()
		got := w.get("")
		if got.State != types.StateActive || got.LastUpdateStatus != types.LastUpdateStatusFailed || *got.LastUpdateStatusReason != "no such layer" || got.LastUpdateStatusReasonCode != "InvalidConfiguration" {
			w.t.Errorf("got %s, %s, %s", got.State, got.LastUpdateStatus, aws.ToString(got.LastUpdateStatusReason))
		}
		if said := w.invoke(""); said.Code != "A" {
			w.t.Errorf("%s serves, want A", said.Code)
		}
		_, err := w.api.PublishVersion(w.t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("orders")})
		refused(w.t, err, 409, "ResourceConflictException")
		w.upload("B")
		w.settle()
		if said := w.invoke(""); said.Code != "B" {
			w.t.Errorf("after another update %s serves, want B", said.Code)
		}
	})
	inWorld(t, "a failed version never runs", func(w *world) {
		w.FailNext(lambda.Target{Function: "orders", Qualifier: lambda.AnyVersion}, fails)
		if v := w.publish(); v.State != types.StatePending {
			w.t.Errorf("the version is %s, want Pending", v.State)
		}
		w.settle()
		if v := w.get("1"); v.State != types.StateFailed || *v.StateReason != "no such layer" {
			w.t.Errorf("the version is %s: %s", v.State, aws.ToString(v.StateReason))
		}
		_, err := w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), Qualifier: aws.String("1")})
		refused(w.t, err, 409, "ResourceConflictException")
	})
	inWorld(t, "the version of a failed update fails with it", func(w *world) {
		w.FailNext(lambda.Target{Qualifier: "$LATEST"}, fails)
		_, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: w.zip("B"), Publish: true})
		w.must(err)
		w.settle()
		if v := w.get("1"); v.State != types.StateFailed {
			w.t.Errorf("the version is %s, want Failed", v.State)
		}
	})
	inWorld(t, "a stalled update settles when it is released", func(w *world) {
		release := w.StallNext(lambda.Target{Function: "orders"})
		w.upload("B")
		time.Sleep(time.Hour)
		if got := w.get(""); got.LastUpdateStatus != types.LastUpdateStatusInProgress {
			w.t.Errorf("after an hour the update is %s", got.LastUpdateStatus)
		}
		release()
		if got := w.get(""); got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
			w.t.Errorf("released, the update is %s", got.LastUpdateStatus)
		}
	})
	inWorld(t, "a fault that was withdrawn or is for another function does nothing", func(w *world) {
		w.FailNext(lambda.Target{Function: "orders"}, fails)()
		w.FailNext(lambda.Target{Function: "payments"}, fails)
		w.FailNext(lambda.Target{Region: "us-east-1"}, fails)
		w.upload("B")
		w.settle()
		if got := w.get(""); got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
			w.t.Errorf("the update is %s", got.LastUpdateStatus)
		}
	})
}

func TestSnapshotsTakeTime(t *testing.T) {
	inWorld(t, "a SnapStart version is not ready until its snapshot is made", func(w *world) {
		fn := aws.String("orders")
		_, err := w.api.UpdateFunctionConfiguration(w.t.Context(), &sdk.UpdateFunctionConfigurationInput{
			FunctionName: fn, Runtime: types.RuntimePython312, SnapStart: &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions},
		})
		w.must(err)
		w.settle()
		v := w.publish()
		if v.State != types.StatePending || v.SnapStart.OptimizationStatus != types.SnapStartOptimizationStatusOff {
			w.t.Errorf("published: %s, %s", v.State, v.SnapStart.OptimizationStatus)
		}
		_, err = w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: fn, Qualifier: v.Version})
		refused(w.t, err, 409, "SnapStartNotReadyException")
		w.settle()
		if got := w.get("1"); got.State != types.StateActive || got.SnapStart.OptimizationStatus != types.SnapStartOptimizationStatusOn || *got.RevisionId != *v.RevisionId {
			w.t.Errorf("settled: %s, %s", got.State, got.SnapStart.OptimizationStatus)
		}
	})
	inWorld(t, "a runtime without SnapStart is refused", func(w *world) {
		_, err := w.api.UpdateFunctionConfiguration(w.t.Context(), &sdk.UpdateFunctionConfigurationInput{
			FunctionName: aws.String("orders"), SnapStart: &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions},
		})
		refused(w.t, err, 400, "InvalidParameterValueException")
	})
}
