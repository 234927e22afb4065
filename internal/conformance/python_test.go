package conformance_test

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// TestPython holds that the package for the real account is code that runs, and that its name decides its bytes.
func TestPython(t *testing.T) {
	pack := conformance.Python("A")
	if !bytes.Equal(pack.Zip, conformance.Python("A").Zip) || bytes.Equal(pack.Zip, conformance.Python("B").Zip) {
		t.Error("the name is to decide the bytes")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the code is Python and there is no python3 on this machine")
	}
	run := runner.NewProcess()
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	api := sandboxtest.Start(t, sandbox.Options{Runner: run}).Lambda()
	_, err := api.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("python"), Role: aws.String(sandboxtest.Role), Runtime: pack.Runtime, Handler: &pack.Handler,
		Code: &types.FunctionCode{ZipFile: pack.Zip},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("python")}); err != nil { // settles it
		t.Fatal(err)
	}
	out, err := api.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("python")})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"code": "A", "version": "$LATEST"}`; out.FunctionError != nil || string(out.Payload) != want {
		t.Errorf("got %s, want %s", out.Payload, want)
	}
}
