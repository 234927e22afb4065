package awserr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// client gives the config an HTTP client of its own, made by changing Go's transport.
func client(cfg aws.Config, change func(*http.Transport)) aws.Config {
	tr := &http.Transport{}
	change(tr)
	cfg.HTTPClient = &http.Client{Transport: tr}
	return cfg
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestExplainConnections(t *testing.T) {
	t.Run("a refused connection was never sent", func(t *testing.T) {
		address := closedPort(t)
		check(t, updateAlias(t.Context(), config("http://"+address)),
			"nothing listens at "+address+" (connection refused)", "AWS_ENDPOINT_URL", false)
	})

	t.Run("a host that DNS does not know was never asked", func(t *testing.T) {
		nowhere := closedPort(t)
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", nowhere)
		}}
		cfg := client(config("http://lambda.eu-west-9.example.invalid"), func(tr *http.Transport) {
			tr.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
		})
		check(t, updateAlias(t.Context(), cfg), `the host "lambda.eu-west-9.example.invalid" is not known`, "region", false)
	})

	t.Run("a certificate that nobody vouches for ends it before anything is sent", func(t *testing.T) {
		server := httptest.NewUnstartedServer(answer{status: 200})
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		defer server.Close()
		host := strings.TrimPrefix(server.URL, "https://")
		check(t, updateAlias(t.Context(), config(server.URL)),
			"the TLS certificate of "+host+" is not trusted: x509: certificate signed by unknown authority", "AWS_CA_BUNDLE", false)
	})

	t.Run("a server without TLS got nothing of the request", func(t *testing.T) {
		server := httptest.NewUnstartedServer(answer{status: 200})
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		defer server.Close()
		err := updateAlias(t.Context(), config(strings.Replace(server.URL, "http:", "https:", 1)))
		if awserr.UnknownEffect(err) {
			t.Errorf("unknown effect for %v", err)
		}
	})

	t.Run("a proxy that refuses is named", func(t *testing.T) {
		proxy, _ := url.Parse("http://" + closedPort(t))
		cfg := client(config("https://lambda.example.invalid"), func(tr *http.Transport) { tr.Proxy = http.ProxyURL(proxy) })
		check(t, updateAlias(t.Context(), cfg), "the proxy does not let Lambda through: connection refused", "HTTPS_PROXY", false)
	})

	t.Run("an answer that does not come leaves the effect unknown", func(t *testing.T) {
		server := httptest.NewServer(silence)
		defer server.Close()
		host := strings.TrimPrefix(server.URL, "http://")
		cfg := client(config(server.URL), func(tr *http.Transport) { tr.ResponseHeaderTimeout = 20 * time.Millisecond })
		check(t, updateAlias(t.Context(), cfg), "Lambda did not answer in time", host, true)
	})

	t.Run("a deadline that passes leaves the effect unknown", func(t *testing.T) {
		server := httptest.NewServer(silence)
		defer server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		check(t, updateAlias(ctx, config(server.URL)), "Lambda did not answer in time", "", true)
	})

	t.Run("a connection that breaks leaves the effect unknown", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		defer server.Close()
		host := strings.TrimPrefix(server.URL, "http://")
		check(t, updateAlias(t.Context(), config(server.URL)), "the connection to "+host+" was lost before the answer was there", "run it again", true)
	})

	t.Run("an answer that breaks off leaves the effect unknown", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"AliasArn": "arn`)
		}))
		defer server.Close()
		err := updateAlias(t.Context(), config(server.URL))
		if !awserr.UnknownEffect(err) {
			t.Errorf("the effect is said to be known for %v", err)
		}
	})

	t.Run("an interruption while it waits for the answer leaves the effect unknown", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel()
			silence(w, r)
		}))
		defer server.Close()
		check(t, updateAlias(ctx, config(server.URL)), "it was interrupted", "", true)
	})
}

// silence reads the request and says nothing until the client has gone.
var silence = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
})

func TestExplainWhatIsNotConfigured(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}

	t.Run("no credentials anywhere", func(t *testing.T) {
		cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("eu-west-1"))
		if err != nil {
			t.Fatal(err)
		}
		check(t, updateAlias(t.Context(), cfg), "no AWS credentials were found", "`permissions: id-token: write`", false)
	})

	t.Run("no region", func(t *testing.T) {
		cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AK", "s", "")))
		if err != nil {
			t.Fatal(err)
		}
		for name, call := range map[string]call{"lambda": updateAlias, "s3": getObject, "sts": assumeRole, "ecr": describeImages, "dynamodb": putItem, "apigateway": createRoute} {
			t.Run(name, func(t *testing.T) {
				check(t, call(t.Context(), cfg), "no usable AWS region is set", "AWS_REGION", false)
			})
		}
	})

	t.Run("a region that is no name", func(t *testing.T) {
		cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("eu west 1"),
			awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AK", "s", "")))
		if err != nil {
			t.Fatal(err)
		}
		check(t, updateAlias(t.Context(), cfg), "no usable AWS region is set", "AWS_REGION", false)
	})

	t.Run("no such profile", func(t *testing.T) {
		_, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithSharedConfigProfile("shop-prod"))
		check(t, err, `there is no AWS profile "shop-prod"`, "AWS_PROFILE", false)
	})
}

func TestExplainKeepsAFaultThatIsThereAlready(t *testing.T) {
	fault := promotion.Fault{What: "GitHub gives no identity token", Hint: "add `permissions: id-token: write`"}

	t.Run("one that kept a call from being made", func(t *testing.T) {
		cfg := config("http://" + closedPort(t))
		cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, fault })
		check(t, updateAlias(t.Context(), cfg), fault.What, fault.Hint, false)
	})

	t.Run("one that was explained before", func(t *testing.T) {
		err := fmt.Errorf("flip shop: %w", awserr.Explain(fault, "move the alias"))
		got := awserr.Explain(err, "promote")
		if want := "promote: flip shop: move the alias: " + fault.What; got.Error() != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if f := promotion.FaultOf(got); f.Hint != fault.Hint {
			t.Errorf("the hint is %q", f.Hint)
		}
	})

	t.Run("nothing for nothing", func(t *testing.T) {
		if awserr.Explain(nil, "x") != nil || awserr.UnknownEffect(nil) || awserr.Code(nil) != "" || awserr.Status(nil) != 0 {
			t.Error("nil is an error")
		}
	})
}

func TestEffectOfSeveralAttempts(t *testing.T) {
	server := httptest.NewServer(restJSON(412, "PreconditionFailedException", `{"Message":"stale"}`))
	defer server.Close()
	stale := updateAlias(t.Context(), config(server.URL))
	if awserr.Code(stale) != "PreconditionFailedException" || awserr.Status(stale) != 412 || awserr.UnknownEffect(stale) {
		t.Errorf("a 412 is code %q, status %d, unknown %v", awserr.Code(stale), awserr.Status(stale), awserr.UnknownEffect(stale))
	}
	if err := (&awserr.Uncertain{Err: stale}); !awserr.UnknownEffect(err) || awserr.Status(err) != 412 {
		t.Error("a 412 after a lost answer is said to have changed nothing")
	}
	if err := (&awserr.NoEffect{Err: context.Canceled}); awserr.UnknownEffect(err) || !errors.Is(err, context.Canceled) {
		t.Error("a call that was never sent is said to have an unknown effect")
	}
	if err := awserr.Explain(&awserr.NoEffect{Err: context.DeadlineExceeded}, "flip"); err.Error() != "flip: there was no time left to make the call" {
		t.Errorf("a call whose turn did not come: %v", err)
	}
	if !awserr.UnknownEffect(context.Canceled) {
		t.Error("a call that was given up at an unknown moment is said to have changed nothing")
	}
}

func TestTheAnswerIsTheCallsOwn(t *testing.T) {
	server := httptest.NewServer(queryXML(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"))
	defer server.Close()
	err := throughRole(t.Context(), config(server.URL))
	if awserr.Code(err) != "" || awserr.Status(err) != 0 || !awserr.CredentialsFailed(err) {
		t.Errorf("STS's answer passes for Lambda's: %q, %d", awserr.Code(err), awserr.Status(err))
	}
}

func TestAnAnswerCannotPassForMissingCredentials(t *testing.T) {
	server := httptest.NewServer(restJSON(500, "ServiceException", `{"Message":"get identity: get credentials: failed to refresh cached credentials"}`))
	defer server.Close()
	if err := updateAlias(t.Context(), config(server.URL)); awserr.CredentialsFailed(err) || !awserr.UnknownEffect(err) {
		t.Errorf("foreign words decide about %v", err)
	}
}

func TestClean(t *testing.T) {
	long := strings.Repeat("é", 700)
	for in, want := range map[string]string{
		"  a\r\n\tb  ":              "a b",
		"::error::x\n::set-env::y":  "::error::x ::set-env::y",
		"\x1b[31mred\x00\u202e\xff": `\x1b[31mred\x00\u202e\ufffd`,
		long:                        strings.Repeat("é", 599) + "…",
	} {
		if got := awserr.Clean(in); got != want {
			t.Errorf("Clean(%q) is %q, want %q", in, got, want)
		}
	}
}
