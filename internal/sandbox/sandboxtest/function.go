package sandboxtest

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// Role is the execution role of the functions that Function creates.
const Role = "arn:aws:iam::123456789012:role/fn"

// Code is a function in Go. Name tells two codes apart and goes into the zip's bytes, so equal names
// are equal digests.
//
// Without a Handler the code echoes {"code": Name, "version": ..., "env": {...}, "event": ...}; an event
// of an HTTP API or a function URL gets a response with status 200 whose body is
// {"code": Name, "version": ..., "rawPath": ..., "env": {...}}.
type Code struct {
	Name    string
	Handler runner.Handler
}

// Zip returns a deployment package that makes the sandbox's runner run this code.
func (c *Cloud) Zip(code Code) []byte {
	c.t.Helper()
	if c.code == nil {
		c.t.Fatal("the options brought a runner of their own: it does not know functions in Go")
	}
	text := "sandboxtest " + code.Name + "\n"
	handler := code.Handler
	if handler == nil {
		handler = echo(code.Name)
	}
	c.code.Register(text, handler)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		c.t.Fatalf("zip code %s: %v", code.Name, err)
	}
	return b.Bytes()
}

// echo answers with what the code sees.
func echo(name string) runner.Handler {
	return func(_ context.Context, in runner.Input) (runner.Output, error) {
		seen := map[string]any{"code": name, "version": in.Version, "env": in.Environment}
		if in.Environment == nil {
			seen["env"] = map[string]string{}
		}
		var event struct {
			Version string `json:"version"`
			RawPath string `json:"rawPath"`
		}
		if json.Unmarshal(in.Payload, &event) != nil || event.Version != "2.0" {
			seen["event"] = json.RawMessage(in.Payload)
			if len(in.Payload) == 0 {
				seen["event"] = nil
			}
			return output(seen)
		}
		seen["rawPath"] = event.RawPath
		body, err := json.Marshal(seen)
		if err != nil {
			return runner.Output{}, err
		}
		return output(map[string]any{
			"statusCode": 200,
			"headers":    map[string]string{"content-type": "application/json"},
			"body":       string(body),
		})
	}
}

func output(v any) (runner.Output, error) {
	payload, err := json.Marshal(v)
	return runner.Output{Payload: payload}, err
}

// Function creates a function with this code in the default account and region, waits until it is
// active, and returns its deployment package. Like Publish and Alias it has the patience that quotas need.
func (c *Cloud) Function(name string, code Code) []byte {
	c.t.Helper()
	pack := c.Zip(code)
	api := c.Lambda()
	c.patiently("create function "+name, func() (err error) {
		_, err = api.CreateFunction(c.t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String(name),
			Role:         aws.String(Role),
			Runtime:      types.RuntimeProvidedal2023,
			Handler:      aws.String("bootstrap"),
			Code:         &types.FunctionCode{ZipFile: pack},
		})
		return err
	})
	for {
		var got *lambda.GetFunctionOutput
		c.patiently("wait for function "+name, func() (err error) {
			got, err = api.GetFunction(c.t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)})
			return err
		})
		switch got.Configuration.State {
		case types.StateActive:
			return pack
		case types.StatePending:
			pause(c.t.Context())
		default:
			c.t.Fatalf("function %s is %s: %s", name, got.Configuration.State, aws.ToString(got.Configuration.StateReason))
		}
	}
}

// Publish publishes a version of what $LATEST holds, and returns its number.
func (c *Cloud) Publish(function string) string {
	c.t.Helper()
	var out *lambda.PublishVersionOutput
	c.patiently("publish version of "+function, func() (err error) {
		out, err = c.Lambda().PublishVersion(c.t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String(function)})
		return err
	})
	return aws.ToString(out.Version)
}

// Alias creates an alias that points to a version.
func (c *Cloud) Alias(function, alias, version string) {
	c.t.Helper()
	c.patiently("create alias "+alias+" of "+function, func() (err error) {
		_, err = c.Lambda().CreateAlias(c.t.Context(), &lambda.CreateAliasInput{
			FunctionName: aws.String(function), Name: aws.String(alias), FunctionVersion: aws.String(version),
		})
		return err
	})
}

// patiently makes a call again for as long as it is throttled.
func (c *Cloud) patiently(deed string, call func() error) {
	c.t.Helper()
	for {
		err := call()
		var throttled *types.TooManyRequestsException
		switch {
		case err == nil:
			return
		case !errors.As(err, &throttled):
			c.t.Fatalf("%s: %v", deed, err)
		}
		pause(c.t.Context())
	}
}

// pause waits a little, in the bubble's time if there is one.
func pause(ctx context.Context) {
	timer := time.NewTimer(10 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
