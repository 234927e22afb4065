package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// repository asks the sandbox's GitHub for the job's own repository.
func repository(ctx context.Context, c *sandboxtest.Cloud) (status int, err error) {
	env := c.Env()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, env["GITHUB_API_URL"]+"/repos/"+env["GITHUB_REPOSITORY"], nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+env["GITHUB_TOKEN"])
	resp, err := c.HTTPClient().Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestGitHubIsThereToo(t *testing.T) {
	everywhere(t, func(t *testing.T, c *sandboxtest.Cloud) {
		if status, err := repository(t.Context(), c); status != 200 || err != nil {
			t.Errorf("the job's repository: %d, %v", status, err)
		}
		if calls := c.Calls(); len(calls) != 0 {
			t.Errorf("the log of AWS calls has %+v", calls)
		}
	})
	t.Run("its faults work in process", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			for _, kind := range []string{github.FaultReset, github.FaultTimeout} {
				if _, err := c.Server().GitHub().AddFault(github.Fault{Kind: kind, Nth: 1}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := repository(ctx, c)
				if kind == github.FaultReset && !errors.Is(err, io.ErrUnexpectedEOF) || kind == github.FaultTimeout && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", kind, err)
				}
			}
		})
	})
	t.Run("a call that it never answers does not keep the sandbox open", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			if _, err := c.Server().GitHub().AddFault(github.Fault{Kind: github.FaultTimeout}); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = repository(context.WithoutCancel(t.Context()), c) }() // ends with the sandbox
			synctest.Wait()
		})
	})
}
