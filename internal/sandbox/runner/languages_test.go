package runner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

func source(t testing.TB, runtime, handler, name, text string) runner.Input {
	t.Helper()
	code := pack(t, file{name, text, 0o644})
	code.Runtime, code.Handler = runtime, handler
	in := invocation(code, map[string]string{"GREETING": "hello"})
	in.Instance += handler
	return in
}

func TestPython(t *testing.T) {
	interpreter(t, "python3")
	p := processes(t)
	const text = `
import os, sys, time
def handler(event, context):
    print("seen", event["n"])
    return {"greeting": os.environ["GREETING"], "arn": context.invoked_function_arn, "version": context.function_version,
            "id": context.aws_request_id, "left": context.get_remaining_time_in_millis(), "home": os.environ.get("HOME")}
def broken(event, context):
    raise ValueError("no stock")
def unserialisable(event, context):
    return {1, 2}
def slow(event, context):
    time.sleep(60)
def leaves(event, context):
    sys.exit(1)
`
	t.Run("runs with its context", func(t *testing.T) {
		doc, out := invoke(t, p, source(t, "python3.12", "app.handler", "app.py", text))
		if doc["greeting"] != "hello" || doc["version"] != "7" || doc["id"] != "8f507cfc-0000-4697-b07a-ac58fc914c95" || doc["home"] != nil {
			t.Errorf("got %s", out.Payload)
		}
		if left := doc["left"].(float64); left < 3000 || left > 5000 {
			t.Errorf("%v ms are left, want nearly 5000", left)
		}
		if !strings.Contains(string(out.Log), "\nseen 1\n") {
			t.Errorf("the log lacks what was printed:\n%s", out.Log)
		}
	})
	for _, c := range []struct{ name, handler, kind, message string }{
		{"raises", "app.broken", "ValueError", "no stock"},
		{"returns what is no JSON", "app.unserialisable", "Runtime.MarshalError", "Unable to marshal response"},
		{"exits", "app.leaves", "Runtime.ExitError", "exit status 1"},
		{"lacks the handler", "app.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"},
		{"lacks the module", "orders.handler", "Runtime.ImportModuleError", "Unable to import module 'orders'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, out := invoke(t, p, source(t, "python3.12", c.handler, "app.py", text))
			expectError(t, doc, out, c.kind, c.message)
		})
	}
	t.Run("says where it raised", func(t *testing.T) {
		doc, _ := invoke(t, p, source(t, "python3.12", "app.broken", "app.py", text))
		trace, _ := doc["stackTrace"].([]any)
		if len(trace) != 1 || !strings.Contains(trace[0].(string), `File "/var/task/app.py", line 8, in broken`) {
			t.Errorf("stackTrace is %v", doc["stackTrace"])
		}
	})
	t.Run("takes too long", func(t *testing.T) {
		in := source(t, "python3.12", "app.slow", "app.py", text)
		in.Timeout = time.Second
		doc, out := invoke(t, p, in)
		expectError(t, doc, out, "Sandbox.Timedout", "Task timed out after 1.00 seconds")
	})
	t.Run("fails at import", func(t *testing.T) {
		doc, out := invoke(t, p, source(t, "python3.12", "app.handler", "app.py", "raise RuntimeError('no table')\n"))
		expectError(t, doc, out, "RuntimeError", "no table")
		doc, out = invoke(t, p, source(t, "python3.12", "app.handler", "app.py", "def handler(:\n"))
		expectError(t, doc, out, "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'")
	})
}

func TestNode(t *testing.T) {
	interpreter(t, "node")
	p := processes(t)
	t.Run("runs an ES module with its context", func(t *testing.T) {
		doc, out := invoke(t, p, source(t, "nodejs22.x", "index.handler", "index.mjs", `
export const handler = async (event, context) => {
  console.log("seen", event.n);
  return { greeting: process.env.GREETING, version: context.functionVersion, id: context.awsRequestId, left: context.getRemainingTimeInMillis() };
};`))
		if doc["greeting"] != "hello" || doc["version"] != "7" || doc["id"] != "8f507cfc-0000-4697-b07a-ac58fc914c95" {
			t.Errorf("got %s", out.Payload)
		}
		if !strings.Contains(string(out.Log), "\nseen 1\n") {
			t.Errorf("the log lacks what was printed:\n%s", out.Log)
		}
	})
	t.Run("runs a CommonJS module with a callback", func(t *testing.T) {
		doc, _ := invoke(t, p, source(t, "nodejs20.x", "index.handler", "index.js",
			`exports.handler = (event, context, callback) => setTimeout(() => callback(null, { n: event.n + 1 }), 5);`))
		if doc["n"] != 2.0 {
			t.Errorf("got %v", doc)
		}
	})
	for _, c := range []struct{ name, handler, text, kind, message string }{
		{"throws", "index.handler", `exports.handler = async () => { throw new RangeError("no stock"); };`, "RangeError", "no stock"},
		{"lacks the handler", "index.nothing", `exports.handler = async () => 1;`, "Runtime.HandlerNotFound", "index.nothing is undefined or not exported"},
		{"lacks the module", "orders.handler", `exports.handler = async () => 1;`, "Runtime.ImportModuleError", "Cannot find module 'orders'"},
		{"throws at import", "index.handler", `throw new Error("no table");`, "Error", "no table"},
		{"exits", "index.handler", `exports.handler = async () => process.exit(5);`, "Runtime.ExitError", "exit status 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, out := invoke(t, p, source(t, "nodejs22.x", c.handler, "index.js", c.text))
			expectError(t, doc, out, c.kind, c.message)
		})
	}
}
