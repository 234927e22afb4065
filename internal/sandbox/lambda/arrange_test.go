package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/sandbox/lambda"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

const updateTime = 2 * time.Second

// world is a Lambda in virtual time with one function, orders, whose updates take two seconds.
type world struct {
	*endpoint
	t   *testing.T
	api *sdk.Client
}

// inWorld runs a test in a bubble of its own.
func inWorld(t *testing.T, name string, test func(w *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := open(t, lambda.Options{UpdateTime: updateTime, Seed: 3, BaseURL: "http://sandbox"})
			w := &world{endpoint: e, t: t, api: e.client()}
			w.create("orders")
			test(w)
		})
	})
}

// zip packs code that answers its name and the version that ran.
func (w *world) zip(name string) []byte {
	w.t.Helper()
	w.code.Register(name, func(_ context.Context, in runner.Input) (runner.Output, error) {
		doc, err := json.Marshal(map[string]any{"code": name, "version": in.Version, "arn": in.InvokedARN, "env": in.Environment, "event": json.RawMessage(in.Payload)})
		return runner.Output{Payload: doc, Log: []byte("ran " + name + "\n")}, err
	})
	return packed(w.t, name)
}

// packed is a deployment package whose bootstrap holds the text.
func packed(t testing.TB, bootstrap string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	f, err := z.Create("bootstrap")
	if err == nil {
		_, err = f.Write([]byte(bootstrap))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func (w *world) create(name string) {
	w.t.Helper()
	_, err := w.api.CreateFunction(w.t.Context(), &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: w.zip("A")},
	})
	w.must(err)
	w.settle()
}

// settle lets the time pass that an update takes.
func (w *world) settle() { time.Sleep(updateTime) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// upload puts other code on $LATEST, unsettled.
func (w *world) upload(name string) *sdk.UpdateFunctionCodeOutput {
	w.t.Helper()
	out, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: w.zip(name)})
	w.must(err)
	return out
}

func (w *world) publish() *sdk.PublishVersionOutput {
	w.t.Helper()
	out, err := w.api.PublishVersion(w.t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("orders")})
	w.must(err)
	return out
}

// versions publishes 1 with code A and 2 with code B.
func (w *world) versions() {
	w.t.Helper()
	w.publish()
	w.upload("B")
	w.settle()
	w.publish()
}

func (w *world) alias(name, version string) *sdk.CreateAliasOutput {
	w.t.Helper()
	out, err := w.api.CreateAlias(w.t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("orders"), Name: &name, FunctionVersion: &version})
	w.must(err)
	return out
}

func (w *world) live() *sdk.GetAliasOutput {
	w.t.Helper()
	out, err := w.api.GetAlias(w.t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("live")})
	w.must(err)
	return out
}

func (w *world) move(in sdk.UpdateAliasInput) (*sdk.UpdateAliasOutput, error) {
	in.FunctionName, in.Name = aws.String("orders"), aws.String("live")
	return w.api.UpdateAlias(w.t.Context(), &in)
}

// get reads the configuration of a qualifier.
func (w *world) get(qualifier string) *types.FunctionConfiguration {
	w.t.Helper()
	in := sdk.GetFunctionInput{FunctionName: aws.String("orders")}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := w.api.GetFunction(w.t.Context(), &in)
	w.must(err)
	return out.Configuration
}

// answer is what the code said.
type answer struct {
	Code, Version, ARN string
	Env                map[string]string
}

func (w *world) invoke(qualifier string) answer {
	w.t.Helper()
	in := sdk.InvokeInput{FunctionName: aws.String("orders"), Payload: []byte(`{}`)}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := w.api.Invoke(w.t.Context(), &in)
	w.must(err)
	var said answer
	w.must(json.Unmarshal(out.Payload, &said))
	if said.Version != aws.ToString(out.ExecutedVersion) {
		w.t.Errorf("ExecutedVersion is %s, the code saw %s", aws.ToString(out.ExecutedVersion), said.Version)
	}
	return said
}

// refused holds an error against status and code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Errorf("got %v, want %d %s", err, status, code)
		return
	}
	if api.ErrorCode() != code || response.HTTPStatusCode() != status {
		t.Errorf("got %d %s: %s, want %d %s", response.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), status, code)
	}
}

func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}
