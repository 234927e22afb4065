package check_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/promotion"
)

// fixed answers every request alike.
func fixed(status int, body string, header ...string) wire {
	return func(*http.Request) (*http.Response, error) {
		res := reply(status, body)
		for i := 0; i+1 < len(header); i += 2 {
			res.Header.Add(header[i], header[i+1])
		}
		return res, nil
	}
}

func TestURLRequest(t *testing.T) {
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		got, body = r, string(sent)
		fmt.Fprint(w, `{"version":"c0ffee"}`)
	}))
	defer server.Close()
	s := candidate()
	s.Values["Endpoint.latest"] = server.URL + "/shop/latest"
	r := check.New(nil, check.Options{}).Ask(t.Context(), promotion.Check{Name: "health", HTTP: &promotion.HTTPCheck{
		URL: "{{.Endpoint.latest}}/health?deep=1#top", Method: "put", Body: "commit {{.Commit}}",
		Headers: []promotion.Header{{Name: "X-Commit", Value: "{{.Commit}}"}, {Name: "X-Multi", Value: "a"}, {Name: "X-Multi", Value: "b"}, {Name: "X-Key", Secret: "hidden-key"}, {Name: "Host", Value: "shop.example.com"}},
		JSON:    `.version == "{{.Commit}}"`,
	}}, s)
	wantVerdict(t, r, promotion.Pass, "")
	if got.Method != "PUT" || got.RequestURI != "/shop/latest/health?deep=1" || body != "commit c0ffee" || got.Host != "shop.example.com" {
		t.Errorf("sent %s %s to %s: %s", got.Method, got.RequestURI, got.Host, body)
	}
	if got.Header.Get("X-Commit") != "c0ffee" || len(got.Header.Values("X-Multi")) != 2 || got.Header.Get("X-Key") != "hidden-key" || got.Header.Get("User-Agent") != "promote" {
		t.Errorf("headers %v", got.Header)
	}
	if evidence(r, "status") != "200 OK" || evidence(r, "body") != `{"version":"c0ffee"}` || r.Version != 0 {
		t.Errorf("result %+v", r)
	}
}

func TestURLIsAskedUntilItPasses(t *testing.T) {
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	bubble("an endpoint that settles late passes", func(t *testing.T) {
		start := time.Now()
		r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
			if time.Since(start) < 7*time.Second {
				return fixed(404, `{"message":"Not Found"}`, "Apigw-Requestid", "1")(r)
			}
			return fixed(200, "ok")(r)
		}), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/"})
		wantVerdict(t, r, promotion.Pass, "")
		if r.Attempts < 10 || r.Attempts > 25 || r.Duration < 7*time.Second || r.Duration > 8*time.Second {
			t.Errorf("%d attempts in %s", r.Attempts, r.Duration)
		}
	})
	bubble("the last attempt's reason is told when the time is over", func(t *testing.T) {
		start := time.Now()
		r := askURL(t.Context(), fixed(503, "overloaded"), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/health?key=private"})
		wantVerdict(t, r, promotion.Fail, "GET https://shop.example.com/health: the status is 503 Service Unavailable; expected 200 to 299 (asked ")
		if !strings.Contains(r.Reason, fmt.Sprintf("asked %d times within 30s", r.Attempts)) || strings.Contains(all(r), "private") {
			t.Errorf("reason %q after %d attempts", r.Reason, r.Attempts)
		}
		if took := time.Since(start); took < 29*time.Second || took > 30*time.Second {
			t.Errorf("gave up after %s", took)
		}
	})
	bubble("an attempt that is cut at the end does not hide what was seen before", func(t *testing.T) {
		calls := 0
		r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
			if calls++; calls > 3 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return fixed(500, "boom")(r)
		}), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/", Within: 5 * time.Second})
		wantVerdict(t, r, promotion.Fail, "the status is 500")
		if r.Attempts != 4 || evidence(r, "body") != "boom" {
			t.Errorf("result %+v", r)
		}
	})
	bubble("no answer at all", func(t *testing.T) {
		start := time.Now()
		r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/", Within: 2 * time.Second})
		wantVerdict(t, r, promotion.Fail, "there was no answer within 2s (asked once within 2s)")
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("gave up after %s", took)
		}
	})
	bubble("one request that hangs leaves time for another", func(t *testing.T) {
		calls := 0
		r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return fixed(200, "ok")(r)
		}), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/", Within: time.Minute})
		wantVerdict(t, r, promotion.Pass, "")
	})
	bubble("an interrupted check tells what interrupted it", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(errors.New("interrupted by a signal")) })
		r := askURL(ctx, fixed(503, ""), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/"})
		wantError(t, r, `check "health" was not finished: interrupted by a signal`)
	})
}

func TestURLFailuresOfTheNetwork(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshakes that are meant to fail
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(cut.Close)
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
	}))
	t.Cleanup(half.Close)
	otherName := secure.Client().Transport.(*http.Transport).Clone()
	otherName.TLSClientConfig.ServerName = "shop.example.org"
	noHost := wire(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "shop.example.com", IsNotFound: true}}
	})
	alert := wire(func(*http.Request) (*http.Response, error) { return nil, tls.AlertError(40) })
	odd := wire(func(*http.Request) (*http.Response, error) { return nil, errors.New("odd\nthing") })

	for _, c := range []struct {
		name, url string
		transport http.RoundTripper
		reason    string
	}{
		{"nothing listens", closed.URL, nil, "nothing accepts connections at 127.0.0.1:"},
		{"no such host", "https://shop.example.com", noHost, "there is no host named shop.example.com"},
		{"a certificate of an unknown authority", secure.URL, nil, "is not trusted"},
		{"a certificate for another name", secure.URL, otherName, "is for other names"},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), nil, "does not speak TLS"},
		{"the handshake fails", "https://shop.example.com", alert, "no TLS connection to shop.example.com came about"},
		{"the connection is cut", cut.URL, nil, "closed the connection before the answer was complete"},
		{"the body is cut", half.URL, nil, "closed the connection before the answer was complete"},
		{"whatever else", "https://shop.example.com/?key=private", odd, "the request failed: odd thing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			transport := c.transport
			if transport == nil {
				transport = &http.Transport{}
			}
			r := askURL(t.Context(), transport, check.Options{}, promotion.HTTPCheck{URL: promotion.Template(c.url), Within: 2 * time.Second})
			wantVerdict(t, r, promotion.Fail, c.reason)
			if strings.Contains(all(r), "private") {
				t.Errorf("the query is shown: %s", all(r))
			}
		})
	}
}

func TestURLRedirectsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
			calls++
			return fixed(302, "", "Location", "https://elsewhere.example.com/")(r)
		}), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/", Headers: []promotion.Header{{Name: "Authorization", Secret: "Bearer abcdef"}}})
		wantVerdict(t, r, promotion.Fail, "the status is 302 Found")
		if calls != r.Attempts || evidence(r, "header Location") != "https://elsewhere.example.com/" || !strings.Contains(r.Hint, "redirects are not followed") {
			t.Errorf("%d calls, result %+v", calls, r)
		}
		wantVerdict(t, askURL(t.Context(), fixed(302, "", "Location", "/new"), check.Options{}, promotion.HTTPCheck{
			URL: "https://shop.example.com/", Status: 302, ExpectHeaders: []promotion.HeaderExpectation{{Name: "Location", Match: "^/new$"}},
		}), promotion.Pass, "")
	})
}

func TestURLBodies(t *testing.T) {
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	large := strings.Repeat("x", 3<<20)
	bubble("only the first megabyte is read", func(t *testing.T) {
		r := askURL(t.Context(), fixed(200, large+"end"), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/", Within: time.Second, Text: "end"})
		wantVerdict(t, r, promotion.Fail, `"end" does not occur in the first 1 MB of the body`)
	})
	bubble("evidence is cut and valid", func(t *testing.T) {
		r := askURL(t.Context(), fixed(500, "\xff\x00\x1b[31m"+strings.Repeat("ü", 5000)), check.Options{}, promotion.HTTPCheck{URL: "https://shop.example.com/"})
		wantVerdict(t, r, promotion.Fail, "the status is 500")
		if n := len(evidence(r, "body")); n < 2000 || n > 2048 {
			t.Errorf("the body's evidence has %d bytes", n)
		}
	})
	bubble("a secret that the endpoint echoes stays one", func(t *testing.T) {
		r := askURL(t.Context(), fixed(200, `{"headers":{"authorization":"Bearer abc-def-123"}}`), check.Options{}, promotion.HTTPCheck{
			URL:     "https://shop.example.com/",
			Headers: []promotion.Header{{Name: "Authorization", Secret: "Bearer abc-def-123"}}, JSON: ".headers.authorization",
		})
		wantVerdict(t, r, promotion.Fail, `yielded "***"`)
		if strings.Contains(all(r), "abc-def") {
			t.Errorf("shown: %s", all(r))
		}
	})
}

func TestURLThatCannotBeAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		check promotion.HTTPCheck
		err   string
	}{
		{"a name without a value", promotion.HTTPCheck{URL: "{{.Endpoint.latest}}/health"}, "url: no value for {{.Endpoint.latest}}"},
		{"no URL", promotion.HTTPCheck{URL: "shop/health"}, "is not a URL"},
		{"another scheme", promotion.HTTPCheck{URL: "ftp://shop.example.com"}, "is not a URL"},
		{"a password in it", promotion.HTTPCheck{URL: "https://ann:pa55word@shop.example.com"}, "holds a user or a password"},
		{"a secret with a line break", promotion.HTTPCheck{URL: "https://shop.example.com", Headers: []promotion.Header{{Name: "X-Key", Secret: "pa55word\n"}}}, "header X-Key holds a line break"},
		{"a header's name that is none", promotion.HTTPCheck{URL: "https://shop.example.com", Headers: []promotion.Header{{Name: "X Key", Value: "1"}}}, `"X Key" is not a header's name`},
		{"a method that is none", promotion.HTTPCheck{URL: "https://shop.example.com", Method: "GET /"}, "is not a method"},
		{"a pattern that is none", promotion.HTTPCheck{URL: "https://shop.example.com", Match: "("}, "match: "},
		{"a header pattern that is none", promotion.HTTPCheck{URL: "https://shop.example.com", ExpectHeaders: []promotion.HeaderExpectation{{Name: "X-A", Match: "("}}}, "header X-A: "},
		{"a signature without credentials", promotion.HTTPCheck{URL: "https://shop.example.com", IAM: true}, "there are no AWS credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
				calls++
				return fixed(200, "")(r)
			}), check.Options{}, c.check)
			wantError(t, r, c.err)
			if calls != 0 || strings.Contains(all(r), "pa55word") {
				t.Errorf("%d calls; %s", calls, all(r))
			}
		})
	}
	t.Run("credentials that cannot be had", func(t *testing.T) {
		broken := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, promotion.Fault{What: "the role cannot be assumed", Hint: "permissions: id-token: write"}
		})
		r := askURL(t.Context(), fixed(200, ""), check.Options{Credentials: broken, Region: "eu-west-1"}, promotion.HTTPCheck{URL: "https://shop.example.com", IAM: true})
		wantError(t, r, "sign the request: the role cannot be assumed")
		if promotion.FaultOf(r.Err).Hint != "permissions: id-token: write" {
			t.Errorf("hint %q", promotion.FaultOf(r.Err).Hint)
		}
	})
}

func TestURLSignatures(t *testing.T) {
	options := check.Options{
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "the-secret-access-key", "the-session-token"), Region: "eu-west-1",
	}
	for _, c := range []struct{ name, url, scope string }{
		{"an API by its own host, in its region", "https://abc123.execute-api.eu-central-1.amazonaws.com/shop/latest", "/eu-central-1/execute-api/aws4_request"},
		{"an API in China", "https://abc123.execute-api.cn-north-1.amazonaws.com.cn/", "/cn-north-1/execute-api/aws4_request"},
		{"a function URL", "https://xyz.lambda-url.us-east-1.on.aws/", "/us-east-1/lambda/aws4_request"},
		{"an API by a domain of its own", "https://api.example.com/x", "/eu-west-1/execute-api/aws4_request"},
		{"a local endpoint", "http://127.0.0.1:4000/_api/abc123/shop", "/eu-west-1/execute-api/aws4_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got http.Header
			r := askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Clone()
				return fixed(200, "your token is "+r.Header.Get("X-Amz-Security-Token")+" and you sent "+r.Header.Get("Authorization"))(r)
			}), options, promotion.HTTPCheck{URL: promotion.Template(c.url), IAM: true})
			wantVerdict(t, r, promotion.Pass, "")
			if !strings.Contains(got.Get("Authorization"), c.scope) || got.Get("X-Amz-Security-Token") != "the-session-token" {
				t.Errorf("signed %q", got.Get("Authorization"))
			}
			if body := evidence(r, "body"); strings.Contains(body, "the-session-token") || strings.Contains(body, "Signature=") {
				t.Errorf("shown: %s", body)
			}
		})
	}
	t.Run("each attempt is signed anew", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var dates []string
			askURL(t.Context(), wire(func(r *http.Request) (*http.Response, error) {
				dates = append(dates, r.Header.Get("X-Amz-Date"))
				return fixed(503, "")(r)
			}), options, promotion.HTTPCheck{URL: "https://api.example.com/", IAM: true, Within: 10 * time.Second})
			if len(dates) < 5 || dates[0] == dates[len(dates)-1] {
				t.Errorf("dates %v", dates)
			}
		})
	})
	t.Run("a refusal names what is missing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := askURL(t.Context(), fixed(403, `{"message":"Forbidden"}`), check.Options{}, promotion.HTTPCheck{URL: "https://abc123.execute-api.eu-west-1.amazonaws.com/"})
			wantVerdict(t, r, promotion.Fail, "403")
			if !strings.Contains(r.Hint, "auth: aws-iam") {
				t.Errorf("hint %q", r.Hint)
			}
			r = askURL(t.Context(), fixed(403, `{"message":"Forbidden"}`), options, promotion.HTTPCheck{URL: "https://abc123.execute-api.eu-west-1.amazonaws.com/", IAM: true})
			if !strings.Contains(r.Hint, "execute-api:Invoke") {
				t.Errorf("hint %q", r.Hint)
			}
		})
	})
}
