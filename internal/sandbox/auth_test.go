package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	sandboxsts "github.com/promote-on-success/promote/internal/sandbox/sts"
)

// code returns the error code of an SDK call, "" for success.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("error code %q (%v), want %q", got, err, want)
	}
}

func whoami(t *testing.T, cfg aws.Config) (string, error) {
	t.Helper()
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Arn), nil
}

func TestSignatures(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	account := c.Server().Accounts()[0]

	t.Run("the account's key stands for its user", func(t *testing.T) {
		out, err := sts.NewFromConfig(c.AWS()).GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != "123456789012" || *out.Arn != "arn:aws:iam::123456789012:user/sandbox" || *out.UserId == "" {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("a wrong secret is refused in each service's words", func(t *testing.T) {
		cfg := c.AWSWith(account.AccessKeyID, "wrong", "")
		_, err := whoami(t, cfg)
		wantCode(t, err, "SignatureDoesNotMatch")
		_, err = ecr.NewFromConfig(cfg).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop")})
		wantCode(t, err, "InvalidSignatureException")
		_, err = s3.NewFromConfig(cfg).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		wantCode(t, err, "SignatureDoesNotMatch")
	})
	t.Run("an unknown key is refused in each service's words", func(t *testing.T) {
		cfg := c.AWSWith("AKIANOBODY", "secret", "")
		_, err := whoami(t, cfg)
		wantCode(t, err, "InvalidClientTokenId")
		_, err = ecr.NewFromConfig(cfg).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop")})
		wantCode(t, err, "UnrecognizedClientException")
		_, err = s3.NewFromConfig(cfg).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		wantCode(t, err, "InvalidAccessKeyId")
	})
	t.Run("an unsigned request is told that it is", func(t *testing.T) {
		cfg := c.AWS()
		cfg.Credentials = aws.AnonymousCredentials{}
		_, err := whoami(t, cfg)
		wantCode(t, err, "MissingAuthenticationToken")
		r, err := c.HTTPClient().Get(c.URL() + "/2015-03-31/functions/")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != 403 || !strings.Contains(r.Header.Get("X-Amzn-Errortype")+string(body), "MissingAuthenticationToken") {
			t.Errorf("got %d %v %s", r.StatusCode, r.Header, body)
		}
	})
	t.Run("a body that was changed on the way is refused", func(t *testing.T) {
		cfg := c.AWS()
		cfg.HTTPClient = &http.Client{Transport: tamper{c.HTTPClient().Transport}}
		_, err := whoami(t, cfg)
		wantCode(t, err, "SignatureDoesNotMatch")
	})
	t.Run("a presigned URL works until it expires", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			api := s3.NewFromConfig(c.AWS("us-east-1"), func(o *s3.Options) { o.UsePathStyle = true })
			if _, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")}); err != nil {
				t.Fatal(err)
			}
			if _, err := api.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("a b.zip"), Body: strings.NewReader("zip")}); err != nil {
				t.Fatal(err)
			}
			url, err := s3.NewPresignClient(api).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("code"), Key: aws.String("a b.zip")}, s3.WithPresignExpires(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			for want, wait := range map[int]time.Duration{200: 0} {
				time.Sleep(wait)
				if got := status(t, c, url.URL); got != want {
					t.Errorf("status %d, want %d", got, want)
				}
			}
			time.Sleep(2 * time.Minute)
			if got := status(t, c, url.URL); got != 403 {
				t.Errorf("status %d after its time, want 403", got)
			}
		})
	})
}

func status(t *testing.T, c *sandboxtest.Cloud, url string) int {
	t.Helper()
	r, err := c.HTTPClient().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

// tamper changes the body of a request after it was signed.
type tamper struct{ http.RoundTripper }

func (t tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader("Action=GetCallerIdentity&Version=2011-06-16"))
	return t.RoundTripper.RoundTrip(r)
}

// idToken is what a workflow's job does to get its identity token.
func idToken(t *testing.T, c *sandboxtest.Cloud, more string) string {
	t.Helper()
	env := c.Env()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["ACTIONS_ID_TOKEN_REQUEST_URL"]+more, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "bearer "+env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
	got, err := c.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	var answer struct{ Value string }
	if err := json.NewDecoder(got.Body).Decode(&answer); err != nil || got.StatusCode != 200 {
		t.Fatalf("token endpoint answered %d: %v", got.StatusCode, err)
	}
	return answer.Value
}

type token string

func (t token) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

// assume returns a configuration whose credentials come from the role with the token.
func assume(c *sandboxtest.Cloud, role string, t token) aws.Config {
	cfg := c.AWS()
	anonymous := c.AWS()
	anonymous.Credentials = aws.AnonymousCredentials{}
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(anonymous), role, t, func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = "run-1"
	}))
	return cfg
}

func TestRolesForWorkflows(t *testing.T) {
	const other = "210987654321"
	accounts := []sandbox.Account{
		{ID: "123456789012", Roles: []sandboxsts.Role{
			{Name: "release", Subjects: []string{"repo:octo-org/shop:environment:prod"}},
			{Name: "deploy", Subjects: []string{"repo:octo-org/shop:*"}, Principals: []string{"arn:aws:iam::123456789012:user/*"}},
		}},
		{ID: other, Roles: []sandboxsts.Role{{Name: "deploy", Subjects: []string{"repo:octo-org/shop:*"}}}},
	}
	c := sandboxtest.Start(t, sandbox.Options{Accounts: accounts})
	const audience = "&audience=sts.amazonaws.com"

	t.Run("a role is assumed with the job's token, in either account", func(t *testing.T) {
		for _, account := range accounts {
			got, err := whoami(t, assume(c, "arn:aws:iam::"+account.ID+":role/deploy", token(idToken(t, c, audience))))
			if want := "arn:aws:sts::" + account.ID + ":assumed-role/deploy/run-1"; got != want {
				t.Errorf("caller is %q (%v), want %q", got, err, want)
			}
		}
	})
	t.Run("a role trusts only the subjects that it names", func(t *testing.T) {
		const role = "arn:aws:iam::123456789012:role/release"
		_, err := whoami(t, assume(c, role, token(idToken(t, c, audience))))
		if err == nil || !strings.Contains(err.Error(), "Not authorized to perform sts:AssumeRoleWithWebIdentity") {
			t.Errorf("got %v", err)
		}
		if _, err := whoami(t, assume(c, role, token(idToken(t, c, audience+"&environment=prod")))); err != nil {
			t.Errorf("for the environment that it trusts: %v", err)
		}
	})
	t.Run("a role that does not exist is as closed as one that does not trust", func(t *testing.T) {
		_, err := whoami(t, assume(c, "arn:aws:iam::123456789012:role/nobody", token(idToken(t, c, audience))))
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a token for another audience, a changed one and nonsense are refused", func(t *testing.T) {
		good := idToken(t, c, audience)
		for name, tok := range map[string]string{
			"audience": idToken(t, c, "&audience=elsewhere"),
			"changed":  good[:len(good)-8] + "AAAAAAAA",
			"nonsense": "token",
		} {
			// Not through the credentials provider, which tries this error again for ten seconds.
			_, err := sts.NewFromConfig(c.AWS()).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String("arn:aws:iam::123456789012:role/deploy"), RoleSessionName: aws.String("run-1"), WebIdentityToken: aws.String(tok),
			}, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })
			if code(err) != "InvalidIdentityToken" {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
	t.Run("the token endpoint wants the job's bearer token", func(t *testing.T) {
		if got := status(t, c, c.Env()["ACTIONS_ID_TOKEN_REQUEST_URL"]); got != 401 {
			t.Errorf("status %d, want 401", got)
		}
	})
	t.Run("AssumeRole asks the role's trust too", func(t *testing.T) {
		api := sts.NewFromConfig(c.AWS())
		out, err := api.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/deploy"), RoleSessionName: aws.String("me")})
		if err != nil {
			t.Fatal(err)
		}
		got, err := whoami(t, c.AWSWith(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
		if got != "arn:aws:sts::123456789012:assumed-role/deploy/me" {
			t.Errorf("caller is %q (%v)", got, err)
		}
		_, err = whoami(t, c.AWSWith(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, "another"))
		wantCode(t, err, "InvalidClientTokenId")
		_, err = api.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + other + ":role/deploy"), RoleSessionName: aws.String("me")})
		wantCode(t, err, "AccessDenied")
	})
	t.Run("a role made while the sandbox runs can be assumed", func(t *testing.T) {
		r, err := c.HTTPClient().Post(c.URL()+"/_sandbox/roles", "application/json", strings.NewReader(`{"account":"210987654321","name":"late","subjects":["repo:*"]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusCreated {
			t.Fatalf("status %d", r.StatusCode)
		}
		if _, err := whoami(t, assume(c, "arn:aws:iam::"+other+":role/late", token(idToken(t, c, audience)))); err != nil {
			t.Error(err)
		}
	})
}

func TestSessionsAndTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		tok := idToken(t, c, "&audience=sts.amazonaws.com")
		cfg := assume(c, "arn:aws:iam::123456789012:role/deploy", token(tok))
		session, err := cfg.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fixed := c.AWS()
		fixed.Credentials = credentials.StaticCredentialsProvider{Value: session}
		if _, err := whoami(t, fixed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		_, err = assume(c, "arn:aws:iam::123456789012:role/deploy", token(tok)).Credentials.Retrieve(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ExpiredToken") {
			t.Errorf("an old identity token: %v", err)
		}
		time.Sleep(time.Hour)
		_, err = whoami(t, fixed)
		wantCode(t, err, "ExpiredToken")
		_, err = ecr.NewFromConfig(fixed).DescribeImages(context.Background(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop")})
		wantCode(t, err, "ExpiredTokenException")
	})
}
