package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// registered is an invocation of a Go function.
func registered(t testing.TB, g *runner.Go, name string, h runner.Handler) runner.Input {
	t.Helper()
	g.Register(name, h)
	code := pack(t, file{"bootstrap", name, 0o755})
	code.Runtime = "provided.al2023"
	return invocation(code, nil)
}

type outOfStock struct{ item string }

func (e *outOfStock) Error() string { return e.item + " is out of stock" }

func TestGoFunctions(t *testing.T) {
	g := runner.NewGo()
	defer g.Close()
	virtually := func(name string, test func(*testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
	virtually("see the invocation and answer it", func(t *testing.T) {
		in := registered(t, g, "echo", func(_ context.Context, in runner.Input) (runner.Output, error) {
			return runner.Output{Payload: in.Payload, Log: []byte("working\n")}, nil
		})
		doc, out := invoke(t, g, in)
		if doc["n"] != 1.0 || out.FunctionError != "" || !strings.Contains(string(out.Log), "Version: 7\nworking\nEND") {
			t.Errorf("got %s, %q, log:\n%s", out.Payload, out.FunctionError, out.Log)
		}
	})
	virtually("fail as Lambda's Go runtime reports it", func(t *testing.T) {
		in := registered(t, g, "broken", func(context.Context, runner.Input) (runner.Output, error) {
			return runner.Output{}, &outOfStock{"tea"}
		})
		doc, out := invoke(t, g, in)
		expectError(t, doc, out, "outOfStock", "tea is out of stock")
	})
	virtually("crash", func(t *testing.T) {
		in := registered(t, g, "panics", func(context.Context, runner.Input) (runner.Output, error) { panic("no map") })
		doc, out := invoke(t, g, in)
		expectError(t, doc, out, "Runtime.ExitError", "exit status 2")
	})
	virtually("time out in virtual time", func(t *testing.T) {
		in := registered(t, g, "slow", func(ctx context.Context, _ runner.Input) (runner.Output, error) {
			<-ctx.Done()
			return runner.Output{}, ctx.Err()
		})
		begin := time.Now()
		doc, out := invoke(t, g, in)
		expectError(t, doc, out, "Sandbox.Timedout", "Task timed out after 5.00 seconds")
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("took %s of virtual time, want 5s", took)
		}
	})
	virtually("end with their caller", func(t *testing.T) {
		in := registered(t, g, "waits", func(ctx context.Context, _ runner.Input) (runner.Output, error) {
			<-ctx.Done()
			return runner.Output{}, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Invoke(ctx, in); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the caller's deadline", err)
		}
	})
	virtually("are refused where nobody registered the code", func(t *testing.T) {
		code := pack(t, file{"bootstrap", "unknown", 0o755})
		doc, out := invoke(t, g, invocation(code, nil))
		expectError(t, doc, out, "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s)")
	})
	virtually("can stand for an image", func(t *testing.T) {
		g.Register("cafe", func(_ context.Context, in runner.Input) (runner.Output, error) {
			doc, err := json.Marshal(map[string]string{"image": in.Image})
			return runner.Output{Payload: doc}, err
		})
		doc, _ := invoke(t, g, invocation(runner.Code{Digest: "cafe", Image: "repo@sha256:cafe"}, nil))
		if doc["image"] != "repo@sha256:cafe" {
			t.Errorf("got %v", doc)
		}
	})
}
