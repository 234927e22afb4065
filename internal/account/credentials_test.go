package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/sandbox/sts"
)

const role = "arn:aws:iam::123456789012:role/deploy"

// job is the environment of a GitHub job that may have identity tokens and has no credentials.
func job(c *sandboxtest.Cloud, more ...string) func(string) string {
	env := c.Env()
	delete(env, "AWS_ACCESS_KEY_ID")
	delete(env, "AWS_SECRET_ACCESS_KEY")
	env["GITHUB_ACTIONS"] = "true"
	env["GITHUB_RUN_ID"] = "77"
	env["AWS_EC2_METADATA_DISABLED"] = "true"
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return func(name string) string { return env[name] }
}

func TestARoleIsAssumedWithGitHubsIdentity(t *testing.T) {
	t.Run("from token to Lambda, over real sockets", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		c.Function("shop", sandboxtest.Code{Name: "a"})
		c.ResetCalls()
		var masks []string
		a, err := account.Open(t.Context(), account.Options{Role: role, Getenv: job(c), Mask: func(s string) { masks = append(masks, s) }})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.Calls()); n != 0 {
			t.Errorf("%d calls before one is needed", n)
		}
		if err := getFunction(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if err := invoke(t.Context(), a); err == nil {
			t.Error("version 7 was invoked, which does not exist")
		}
		credentials, err := a.Config.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range map[string]string{
			"the job's bearer": job(c)("ACTIONS_ID_TOKEN_REQUEST_TOKEN"), "the secret key": credentials.SecretAccessKey, "the session token": credentials.SessionToken,
		} {
			if !slices.Contains(masks, secret) {
				t.Errorf("%s is not masked", name)
			}
		}
		if !slices.ContainsFunc(masks, func(s string) bool { return strings.Count(s, ".") == 2 }) {
			t.Error("the identity token is not masked")
		}
		if got := c.Count("sts"); got["AssumeRoleWithWebIdentity"] != 1 || len(got) != 1 {
			t.Errorf("calls of STS: %v", got)
		}
		if id, err := a.ID(t.Context()); id != "123456789012" || err != nil {
			t.Errorf("account %q, %v", id, err)
		}
	})

	t.Run("a new token and new credentials five minutes before the old ones end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			c.Function("shop", sandboxtest.Code{Name: "a"})
			a, err := account.Open(t.Context(), account.Options{Role: role, Getenv: job(c), HTTPClient: c.HTTPClient()})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []int{1, 1, 2, 2, 3} {
				if err := getFunction(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				if got := c.Count("sts")["AssumeRoleWithWebIdentity"]; got != want {
					t.Errorf("%d sessions, want %d", got, want)
				}
				time.Sleep(28 * time.Minute)
			}
		})
	})

	t.Run("credentials that cannot be renewed last to their end, and no longer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			c.Function("shop", sandboxtest.Code{Name: "a"})
			a, err := account.Open(t.Context(), account.Options{Role: role, Getenv: job(c), HTTPClient: c.HTTPClient()})
			if err != nil {
				t.Fatal(err)
			}
			if err := getFunction(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Server().Fault(sandbox.Fault{Kind: sandbox.FailBefore, Service: "sts", Count: -1}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(55*time.Minute + 10*time.Second)
			for range 4 {
				if err := getFunction(t.Context(), a); err != nil {
					t.Fatalf("in their last minutes: %v", err)
				}
				time.Sleep(time.Minute)
			}
			c.Server().ClearFaults()
			if err := getFunction(t.Context(), a); err != nil {
				t.Errorf("once they can be renewed again: %v", err)
			}
			if _, err := c.Server().Fault(sandbox.Fault{Kind: sandbox.FailBefore, Service: "sts", Count: -1}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if err := getFunction(t.Context(), a); err == nil {
				t.Error("they were used after their end")
			}
		})
	})

	t.Run("a role that does not trust the workflow", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		if err := c.Server().SetRole(sts.Role{Account: sandbox.DefaultAccount, Name: "other", Subjects: []string{"repo:octo-org/another:*"}}); err != nil {
			t.Fatal(err)
		}
		a, err := account.Open(t.Context(), account.Options{Role: "arn:aws:iam::123456789012:role/other", Getenv: job(c)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.ID(t.Context())
		fault(t, err, "the role does not trust this workflow", "repo:ORG@ID/REPO@ID")
	})

	t.Run("without permission for identity tokens", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		_, err := account.Open(t.Context(), account.Options{Role: role, Getenv: job(c, "ACTIONS_ID_TOKEN_REQUEST_URL", "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")})
		fault(t, err, "GitHub gives this job no identity token", "`permissions: id-token: write`")
	})
}

func TestIdentityTokens(t *testing.T) {
	// ask opens an account whose issuer answers as given, and fetches credentials.
	ask := func(t *testing.T, answers ...http.HandlerFunc) (*cloud, error) {
		issuer := &cloud{Handler: inOrder(answers...)}
		a := open(t, issuer, func(o *account.Options) {
			o.Role = role
			o.Getenv = environment("AWS_ACCESS_KEY_ID", "", "ACTIONS_ID_TOKEN_REQUEST_URL", "https://vstoken.example/run/s3cret?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b3arer")
		})
		_, err := a.ID(t.Context())
		return issuer, err
	}
	fail := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the bearer is b3arer", status) }
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
		tries  int
	}{
		"refused":           {fail(403), "it answered with HTTP 403", 1},
		"broken":            {fail(500), "it answered with HTTP 500", 4},
		"throttled":         {fail(429), "it answered with HTTP 429", 4},
		"redirected":        {fail(302), "it answered with HTTP 302", 1},
		"silent":            {silent, "context deadline exceeded", 4},
		"not JSON":          {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "its answer holds no token", 4},
		"without a token":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }, "its answer holds no token", 4},
		"longer than 64 kB": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 70000)) }, "its answer is longer than 65536 bytes", 1},
	} {
		t.Run("an issuer that is "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				issuer, err := ask(t, tt.answer)
				fault(t, err, "GitHub gives no identity token for AWS: "+tt.want, "id-token: write")
				if strings.Contains(err.Error(), "b3arer") || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("a secret shows: %v", err)
				}
				if n := len(issuer.of("")); n != tt.tries {
					t.Errorf("asked %d times, want %d", n, tt.tries)
				}
				if d := time.Since(start); d > 45*time.Second {
					t.Errorf("it took %s", d)
				}
			})
		})
	}

	t.Run("an issuer that cannot be reached does not have its address shown", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := open(t, nil, func(o *account.Options) {
				o.HTTPClient = &http.Client{Transport: unreachable{}}
				o.Role = role
				o.Getenv = environment("ACTIONS_ID_TOKEN_REQUEST_URL", "https://vstoken.example/run/s3cret", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b3arer")
			})
			_, err := a.ID(t.Context())
			fault(t, err, "GitHub gives no identity token for AWS: no route to host", "id-token: write")
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the address shows: %v", err)
			}
		})
	})

	t.Run("each request names the audience and the bearer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var got *http.Request
			_, _ = ask(t, fail(500), func(w http.ResponseWriter, r *http.Request) {
				got = r
				fmt.Fprint(w, `{"count": 4, "value": "ey"}`)
			}, fail(400))
			if got.URL.Query().Get("audience") != "sts.amazonaws.com" || got.URL.Query().Get("api-version") != "2.0" || got.Header.Get("Authorization") != "Bearer b3arer" {
				t.Errorf("asked for %s", got.URL)
			}
		})
	})

	t.Run("the session is named after repository and run", func(t *testing.T) {
		for repository, want := range map[string]string{
			"octo-org/shop":                          "octo-org-shop-4711",
			"octo-org/" + strings.Repeat("long", 30): "octo-org-" + strings.Repeat("long", 12) + "lo-4711",
			"":                                       "promote-4711",
		} {
			synctest.Test(t, func(t *testing.T) {
				var session string
				c := &cloud{Handler: inOrder(
					func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"value": "ey"}`) },
					func(w http.ResponseWriter, r *http.Request) {
						session = r.FormValue("RoleSessionName")
						w.WriteHeader(400)
					})}
				a := open(t, c, func(o *account.Options) {
					o.Role = role
					o.Getenv = environment("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x.example", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b", "GITHUB_REPOSITORY", repository, "GITHUB_RUN_ID", "4711")
				})
				_, _ = a.ID(t.Context())
				if session != want || len(session) > 64 {
					t.Errorf("session %q (%d), want %q", session, len(session), want)
				}
			})
		}
	})
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestCredentialsOutsideOfActions(t *testing.T) {
	t.Run("keys of the environment", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		env := c.Env()
		a, err := account.Open(t.Context(), account.Options{Getenv: func(n string) string { return env[n] }})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if id, err := a.ID(t.Context()); id != "123456789012" || err != nil {
					t.Errorf("account %q, %v", id, err)
				}
			})
		}
		wg.Wait()
		if n := c.Count("sts")["GetCallerIdentity"]; n != 1 {
			t.Errorf("asked %d times", n)
		}
	})

	t.Run("a role assumed with them", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		env := c.Env()
		env["ACTIONS_ID_TOKEN_REQUEST_URL"] = ""
		a, err := account.Open(t.Context(), account.Options{Role: role, Getenv: func(n string) string { return env[n] }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.Count("sts"); got["AssumeRole"] != 1 {
			t.Errorf("calls of STS: %v", got)
		}
	})

	t.Run("a role assumed with those of an earlier step of the job", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		env := c.Env()
		env["GITHUB_ACTIONS"], env["ACTIONS_ID_TOKEN_REQUEST_URL"] = "true", ""
		a, err := account.Open(t.Context(), account.Options{Role: role, Getenv: func(n string) string { return env[n] }, AllowedAccounts: []string{"123456789012"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Count("sts"); got["AssumeRole"] != 1 || a.Config.Region != "eu-west-1" {
			t.Errorf("calls of STS: %v", got)
		}
	})

	t.Run("a profile", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		env := c.Env()
		file := filepath.Join(t.TempDir(), "config")
		text := fmt.Sprintf("[profile shop]\nregion = eu-west-1\naws_access_key_id = %s\naws_secret_access_key = %s\n", env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		getenv := func(n string) string {
			return map[string]string{"AWS_PROFILE": "shop", "AWS_CONFIG_FILE": file, "AWS_ENDPOINT_URL": c.URL()}[n]
		}
		a, err := account.Open(t.Context(), account.Options{Getenv: getenv})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := a.ID(t.Context()); id != "123456789012" || err != nil || a.Config.Region != "eu-west-1" {
			t.Errorf("account %q in %q, %v", id, a.Config.Region, err)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	bare := func(more ...string) func(string) string {
		return environment(append([]string{"AWS_CONFIG_FILE", none, "AWS_SHARED_CREDENTIALS_FILE", none}, more...)...)
	}
	c := sandboxtest.Start(t, sandbox.Options{})
	env := c.Env()
	for name, tt := range map[string]struct {
		options    account.Options
		what, hint string
	}{
		"no region":        {account.Options{Getenv: bare("AWS_REGION", "")}, "no AWS region is set", "AWS_REGION"},
		"no such profile":  {account.Options{Getenv: bare("AWS_ACCESS_KEY_ID", "", "AWS_PROFILE", "shop", "HOME", "/github/home")}, `there is no AWS profile "shop"`, "the home directory is not the runner's"},
		"a role that none": {account.Options{Getenv: bare(), Role: "release-prod"}, "the role to assume is not a role's ARN", ""},
		"no credentials": {account.Options{Getenv: bare("AWS_ACCESS_KEY_ID", "", "AWS_EC2_METADATA_DISABLED", "true"), AllowedAccounts: []string{"1"}},
			"no AWS credentials were found", "id-token: write"},
		"another account": {account.Options{Getenv: func(n string) string { return env[n] }, AllowedAccounts: []string{"111111111111", "222222222222"}},
			"the AWS credentials belong to account 123456789012, which is not an allowed one; accepted: 111111111111, 222222222222", "role"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"} {
				t.Setenv(n, "")
			}
			_, err := account.Open(t.Context(), tt.options)
			fault(t, err, tt.what, tt.hint)
		})
	}

	t.Run("an allowed account is not", func(t *testing.T) {
		_, err := account.Open(context.Background(), account.Options{Getenv: func(n string) string { return env[n] }, AllowedAccounts: []string{"123456789012"}})
		if err != nil {
			t.Error(err)
		}
	})
}

// fault checks that the error is a fault that says both.
func fault(t *testing.T, err error, what, hint string) {
	t.Helper()
	var f promotion.Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault: %v", err)
	}
	if !strings.Contains(f.Error(), what) || !strings.Contains(f.Hint, hint) {
		t.Errorf("fault %q with hint %q; want %q with %q", f.Error(), f.Hint, what, hint)
	}
}
