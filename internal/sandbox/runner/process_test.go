package runner_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// TestMain lets the test's own binary be a function's bootstrap: see bootstrap.
func TestMain(m *testing.M) {
	if mode := os.Getenv("TEST_BOOTSTRAP"); mode != "" {
		serveAsRuntime(mode)
	}
	os.Exit(m.Run())
}

type file struct {
	name, text string
	mode       fs.FileMode
}

func pack(t testing.TB, files ...file) runner.Code {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		body, err := w.CreateHeader(h)
		if err == nil {
			_, err = body.Write([]byte(f.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(buf.Bytes())
	return runner.Code{Digest: base64.StdEncoding.EncodeToString(sum[:]), Zip: buf.Bytes()}
}

// bootstrap is a provided.al2023 function whose runtime is this test's binary in the mode.
func bootstrap(t testing.TB, mode string) runner.Input {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code := pack(t, file{"bootstrap", "#!/bin/sh\nexec '" + self + "'\n", 0o755})
	code.Runtime, code.Handler = "provided.al2023", "bootstrap"
	return invocation(code, map[string]string{"TEST_BOOTSTRAP": mode, "GREETING": "hello"})
}

func invocation(code runner.Code, env map[string]string) runner.Input {
	return runner.Input{
		Code: code, Instance: code.Digest + env["TEST_BOOTSTRAP"], Account: "123456789012", Region: "eu-west-1",
		Function: "orders", Version: "7", InvokedARN: "arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
		Environment: env, Timeout: 5 * time.Second, MemoryMB: 128, LogGroup: "/aws/lambda/orders",
		RequestID: "8f507cfc-0000-4697-b07a-ac58fc914c95", Payload: []byte(`{"n":1}`),
	}
}

func processes(t testing.TB) *runner.Process {
	t.Helper()
	p := runner.NewProcess()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func invoke(t testing.TB, r runner.Runner, in runner.Input) (map[string]any, runner.Output) {
	t.Helper()
	out, err := r.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(out.Payload, &doc); err != nil {
		t.Fatalf("the answer is no JSON object: %s", out.Payload)
	}
	return doc, out
}

// expectError holds an error document against its type and a part of its message.
func expectError(t testing.TB, doc map[string]any, out runner.Output, kind, message string) {
	t.Helper()
	if out.FunctionError != "Unhandled" || doc["errorType"] != kind || !strings.Contains(fmt.Sprint(doc["errorMessage"]), message) {
		t.Errorf("FunctionError %q, document %s; want Unhandled, %s, %q", out.FunctionError, out.Payload, kind, message)
	}
}

func TestBootstrapGetsWhatLambdaGives(t *testing.T) {
	doc, out := invoke(t, processes(t), bootstrap(t, "echo"))
	for name, want := range map[string]string{
		"payload": `{"n":1}`, "arn": "arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
		"GREETING": "hello", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "orders",
		"AWS_LAMBDA_FUNCTION_VERSION": "7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "_HANDLER": "bootstrap", "HOME": "",
	} {
		if doc[name] != want {
			t.Errorf("%s is %v, want %q", name, doc[name], want)
		}
	}
	if left, _ := doc["left"].(float64); left < 3000 || left > 5000 {
		t.Errorf("the deadline leaves %v ms, want nearly 5000", doc["left"])
	}
	log := string(out.Log)
	for _, want := range []string{"START RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Version: 7\n", "to stdout\n", "to stderr\n", "\nEND RequestId: 8f507cfc", "Init Duration: "} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

func TestInstancesStayWarm(t *testing.T) {
	p, in := processes(t), bootstrap(t, "echo")
	first, _ := invoke(t, p, in)
	second, out := invoke(t, p, in)
	if first["pid"] != second["pid"] {
		t.Error("the second invocation started a process")
	}
	if strings.Count(string(out.Log), "to stdout") != 1 {
		t.Errorf("the second log holds the first one's lines:\n%s", out.Log)
	}
	other := in
	other.Instance += "/updated"
	if third, _ := invoke(t, p, other); third["pid"] == first["pid"] {
		t.Error("an updated function was served by the instance of the old one")
	}
}

func TestInvocationsAtATimeGetInstancesOfTheirOwn(t *testing.T) {
	p, in := processes(t), bootstrap(t, "slow")
	pids := make([]any, 6)
	var wg sync.WaitGroup
	for i := range pids {
		wg.Go(func() {
			doc, _ := invoke(t, p, in)
			pids[i] = doc["pid"]
		})
	}
	wg.Wait()
	different := map[any]bool{}
	for _, pid := range pids {
		different[pid] = true
	}
	if len(different) < 2 || len(different) > 4 {
		t.Errorf("six invocations at a time used %d processes, want 2 to 4", len(different))
	}
}

func TestCodeThatFails(t *testing.T) {
	p := processes(t)
	t.Run("reports its error", func(t *testing.T) {
		doc, out := invoke(t, p, bootstrap(t, "error"))
		expectError(t, doc, out, "Orders.Broken", "no stock")
	})
	t.Run("crashes at init", func(t *testing.T) {
		doc, out := invoke(t, p, bootstrap(t, "crash-init"))
		expectError(t, doc, out, "Runtime.ExitError", "Error: Runtime exited with error: exit status 3")
		if !strings.Contains(string(out.Log), "cannot start") {
			t.Errorf("the log lacks what it wrote before it crashed:\n%s", out.Log)
		}
	})
	t.Run("ends at init without an error", func(t *testing.T) {
		doc, out := invoke(t, p, bootstrap(t, "exit-init"))
		expectError(t, doc, out, "Runtime.ExitError", "Runtime exited without providing a reason")
	})
	t.Run("reports an init error", func(t *testing.T) {
		doc, out := invoke(t, p, bootstrap(t, "init-error"))
		expectError(t, doc, out, "Orders.NoConfig", "TABLE is not set")
	})
	t.Run("crashes while it works, and the next invocation starts anew", func(t *testing.T) {
		in := bootstrap(t, "crash")
		doc, out := invoke(t, p, in)
		expectError(t, doc, out, "Runtime.ExitError", "exit status 4")
		doc, out = invoke(t, p, in)
		expectError(t, doc, out, "Runtime.ExitError", "exit status 4")
	})
	t.Run("takes too long", func(t *testing.T) {
		in := bootstrap(t, "hang")
		in.Timeout = time.Second
		doc, out := invoke(t, p, in)
		expectError(t, doc, out, "Sandbox.Timedout", "Task timed out after 1.00 seconds")
	})
	t.Run("answers too much", func(t *testing.T) {
		doc, out := invoke(t, p, bootstrap(t, "big"))
		expectError(t, doc, out, "Function.ResponseSizeTooLarge", "maximum allowed payload size (6291556 bytes)")
	})
	t.Run("has no bootstrap", func(t *testing.T) {
		code := pack(t, file{"main.go", "package main", 0o644})
		code.Runtime, code.Handler = "provided.al2023", "bootstrap"
		doc, out := invoke(t, p, invocation(code, nil))
		expectError(t, doc, out, "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s)")
	})
	t.Run("has a bootstrap that is not executable", func(t *testing.T) {
		code := pack(t, file{"bootstrap", "#!/bin/sh\n", 0o644})
		code.Runtime = "provided.al2"
		doc, out := invoke(t, p, invocation(code, nil))
		expectError(t, doc, out, "Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: permission denied")
	})
	t.Run("has a runtime that this machine cannot run", func(t *testing.T) {
		code := pack(t, file{"a.jar", "", 0o644})
		code.Runtime = "java21"
		doc, out := invoke(t, p, invocation(code, nil))
		expectError(t, doc, out, "Runtime.InvalidEntrypoint", "cannot run java21")
	})
	t.Run("wants out of its directory", func(t *testing.T) {
		code := pack(t, file{"../../bootstrap", "#!/bin/sh\n", 0o755})
		code.Runtime = "provided.al2"
		doc, out := invoke(t, p, invocation(code, nil))
		expectError(t, doc, out, "Runtime.InvalidEntrypoint", "leads out of the package")
	})
}

func TestACallerWhoLeavesEndsTheInvocation(t *testing.T) {
	p, in := processes(t), bootstrap(t, "hang")
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	time.AfterFunc(300*time.Millisecond, func() { cancel(gone) })
	if out, err := p.Invoke(ctx, in); !errors.Is(err, gone) && out.FunctionError == "" {
		t.Errorf("got %s, %v; want the reason why the caller left", out.Payload, err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	p := runner.NewProcess()
	doc, _ := invoke(t, p, bootstrap(t, "echo"))
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("Close left %v, %v", left, err)
	}
	if alive(int(doc["pid"].(float64))) {
		t.Error("Close left the process running")
	}
	if _, err := p.Invoke(t.Context(), bootstrap(t, "echo")); err == nil {
		t.Error("a closed runner ran something")
	}
}

func interpreter(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s: there is no %s on this machine", t.Name(), name)
	}
}
