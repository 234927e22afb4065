package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// start serves until the test ends and returns the first line that it printed.
func start(t *testing.T, args ...string) (line string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), write, &stderr)
		write.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		cancel()
		t.Fatalf("no line (%v), exit code %d: %s", err, <-code, stderr.String())
	}
	var ended bool
	stop = func() int {
		ended = true
		cancel()
		select {
		case c := <-code:
			return c
		case <-time.After(10 * time.Second):
			t.Error("the server does not end")
			return -1
		}
	}
	t.Cleanup(func() {
		if !ended {
			stop()
		}
	})
	return line, stop
}

func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.env")
	line, stop := start(t, "--env-file", path, "--latency", "0", "--account", "111111111111,222222222222")

	t.Run("says where it is once it answers", func(t *testing.T) {
		rest, ok := strings.CutPrefix(line, "sandbox ready on http://127.0.0.1:")
		if !ok || !strings.Contains(rest, "account 111111111111") {
			t.Fatalf("line %q", line)
		}
		url := strings.Fields(strings.TrimPrefix(line, "sandbox ready on "))[0]
		r, err := http.Get(url + "/_sandbox/calls")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if body, _ := io.ReadAll(r.Body); strings.TrimSpace(string(body)) != "[]" {
			t.Errorf("calls so far: %s", body)
		}
	})
	t.Run("writes variables that point the SDK at it", func(t *testing.T) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if !ok || value == "" {
				t.Errorf("line %q", line)
			}
			names[name] = true
			t.Setenv(name, value)
		}
		for _, name := range strings.Fields("AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN GITHUB_API_URL GITHUB_GRAPHQL_URL GITHUB_SERVER_URL GITHUB_TOKEN GITHUB_REPOSITORY") {
			if !names[name] {
				t.Errorf("%s is missing", name)
			}
		}
		cfg, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		me, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
		if err != nil || *me.Account != "111111111111" {
			t.Errorf("caller %+v, %v", me, err)
		}
	})
	t.Run("ends well when it is interrupted", func(t *testing.T) {
		if code := stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

func TestServeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ args, want string }{
		"an address that other machines reach": {"serve --listen 0.0.0.0:0", "loopback only"},
		"a name for an address":                {"serve --listen example.org:80", "loopback only"},
		"an address without port":              {"serve --listen 127.0.0.1", "an address such as"},
		"a negative limit":                     {"serve --listen 127.0.0.1:0 --rate-limit -1", "--rate-limit -1"},
		"an account that is none":              {"serve --listen 127.0.0.1:0 --account 12", "twelve digits"},
		"a repository that is none":            {"serve --listen 127.0.0.1:0 --repository shop", "owner/name"},
		"an env file in no folder":             {"serve --listen 127.0.0.1:0 --env-file /nonexistent/env", "write the env file"},
		"an argument too many":                 {"serve now", "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), strings.Fields(c.args), &stdout, &stderr); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if !strings.Contains(stderr.String(), c.want) {
				t.Errorf("said %q, want %q in it", stderr.String(), c.want)
			}
		})
	}
}
