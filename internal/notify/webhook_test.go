package notify_test

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
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/notify"
	"github.com/promote-on-success/promote/internal/promotion"
)

func TestWebhookIsPostedToOnce(t *testing.T) {
	var got []*http.Request
	hook := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(body), "promoted: shop") {
			t.Errorf("body %s, %v", body, err)
		}
		got = append(got, r)
	}))
	defer hook.Close()
	n := notify.New(notify.Options{Webhook: promotion.Secret(" " + hook.URL + "/services/T0/B0?x=1\n"), HTTP: hook.Client()})
	if faults := n.Send(t.Context(), promoted()); len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	if len(got) != 1 || got[0].Method != http.MethodPost || got[0].URL.RequestURI() != "/services/T0/B0?x=1" || got[0].Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("requests %v", got)
	}
}

func TestWebhookURLs(t *testing.T) {
	for url, what := range map[string]string{
		"http://hooks.example.com/services/T0SECRET0": "it is one of http, which anybody on the way can read",
		"http://localhost.example.com/hush":           "it is one of http",
		"ftp://hooks.example.com/hush":                "it is not one of https",
		"hooks.example.com/hush":                      "it is not a URL",
		"https:///hush":                               "it is not a URL",
		"https://hooks.example.com/\x7f/hush":         "it is not a URL",
		"https://hooks.example.com:hush/":             "it is not a URL",
	} {
		faults := notify.New(notify.Options{Webhook: promotion.Secret(url), HTTP: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			t.Error("it was asked")
			return nil, errors.New("asked")
		})}}).Send(t.Context(), promoted())
		wantFault(t, faults, "tell the webhook: its URL, which is not shown, cannot be used: "+what, "")
		if !strings.Contains(faults[0].Accepted, "an https URL") {
			t.Errorf("accepted %q", faults[0].Accepted)
		}
	}
	for _, url := range []string{"http://127.0.0.1:1/", "http://localhost/", "http://[::1]/x", "HTTPS://hooks.example.com"} {
		faults := notify.New(notify.Options{Webhook: promotion.Secret(url), HTTP: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			return answer(http.StatusOK, "ok"), nil
		})}}).Send(t.Context(), promoted())
		if len(faults) > 0 {
			t.Errorf("%s: %v", url, faults)
		}
	}
}

func TestWebhookThatRefuses(t *testing.T) {
	for _, c := range []struct {
		status     int
		body       string
		what, hint string
	}{
		{400, "invalid_blocks", "tell the webhook at hooks.example.com: it answered 400 Bad Request: invalid_blocks", "Slack's form"},
		{403, "action_prohibited", "it answered 403 Forbidden: action_prohibited", "make a new one"},
		{404, "no_service", "it answered 404 Not Found: no_service", "make a new one"},
		{410, "channel_is_archived", "410 Gone", "its channel is archived"},
		{500, "rollup_error", "it answered 500 Internal Server Error", "a problem of its own"},
		{599, "", "it answered 599", "a problem of its own"},
		{404, "cannot POST " + secretURL + "\n\x1b[31m /services/T0SECRET0/B0SECRET0/hush-hush-hush querysecret hush-hush-hush", "cannot POST *** \\x1b[31m", ""},
		{404, strings.Repeat("x", 1<<20), "xxx…", ""},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			calls := 0
			faults := post(t.Context(), func(*http.Request) (*http.Response, error) {
				calls++
				return answer(c.status, c.body), nil
			}, promoted())
			wantFault(t, faults, c.what, c.hint)
			if calls != 1 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

func TestWebhookThatAsksToWait(t *testing.T) {
	for _, c := range []struct {
		name, header string
		calls        int
		waited       time.Duration
		second       int
	}{
		{"is asked again after that time", "3", 2, 3 * time.Second, 200},
		{"is asked again at that date", "Sat, 01 Jan 2000 00:00:07 GMT", 2, 7 * time.Second, 200},
		{"is asked again soon where it does not say when", "", 2, time.Second, 200},
		{"is asked again soon where its date has passed", "Sat, 01 Jan 1999 00:00:07 GMT", 2, time.Second, 200},
		{"is asked again once and no more", "1", 2, time.Second, 429},
		{"for long is left alone", "60", 1, 0, 429},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, start := 0, time.Now()
				faults := post(t.Context(), func(r *http.Request) (*http.Response, error) {
					calls++
					if body, err := io.ReadAll(r.Body); err != nil || len(body) == 0 {
						t.Errorf("body %s, %v", body, err)
					}
					if calls == 2 && c.second == 200 {
						return answer(200, "ok"), nil
					}
					return answer(429, "", "Retry-After", c.header), nil
				}, promoted())
				if waited := time.Since(start); calls != c.calls || waited != c.waited {
					t.Errorf("%d calls in %s", calls, waited)
				}
				if c.second == 429 {
					wantFault(t, faults, "it answered 429 Too Many Requests", "fewer outcomes")
				} else if len(faults) > 0 {
					t.Errorf("faults %v", faults)
				}
			})
		})
	}
	t.Run("is not waited for when the run ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			faults := post(ctx, func(*http.Request) (*http.Response, error) { return answer(429, "", "Retry-After", "9"), nil }, promoted())
			wantFault(t, faults, "429", "")
			if waited := time.Since(start); waited != time.Second {
				t.Errorf("waited %s", waited)
			}
		})
	})
}

func TestWebhookWithoutAnAnswer(t *testing.T) {
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	t.Run("is given up after ten seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			wantFault(t, post(t.Context(), hang, promoted()), "tell the webhook at hooks.example.com: there was no answer within 10s", "")
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	})
	t.Run("is given up with the run", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantFault(t, post(ctx, hang, promoted()), "the run ended before it answered", "")
	})
	for what, err := range map[string]error{
		"there is no such host, or its name cannot be resolved": &net.DNSError{Name: "hooks.example.com", IsNotFound: true},
		"nothing accepts connections there":                     &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"its TLS certificate is not trusted":                    &tls.CertificateVerificationError{Err: errors.New("x")},
		"the connection failed: read: connection reset by peer": &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		"the connection failed: odd: ***":                       errors.New("odd: " + secretURL),
	} {
		t.Run(what, func(t *testing.T) {
			wantFault(t, post(t.Context(), func(*http.Request) (*http.Response, error) { return nil, err }, promoted()), "tell the webhook at hooks.example.com: "+what, "")
		})
	}
	t.Run("for its certificate", func(t *testing.T) {
		hook := httptest.NewUnstartedServer(http.NotFoundHandler())
		hook.Config.ErrorLog = log.New(io.Discard, "", 0)
		hook.StartTLS()
		defer hook.Close()
		wantFault(t, notify.New(notify.Options{Webhook: promotion.Secret(hook.URL + "/hush"), HTTP: &http.Client{}}).Send(t.Context(), promoted()), "its TLS certificate is not trusted", "")
	})
}

func TestWebhookThatRedirects(t *testing.T) {
	for _, c := range []struct {
		name, to  string
		status    int
		delivered bool
	}{
		{"to itself, as it is", "https://hooks.example.com/moved", 308, true},
		{"to itself, without the message", "https://hooks.example.com/moved", 302, false},
		{"to another host", "https://evil.example/", 307, false},
		{"to http", "http://hooks.example.com/moved", 307, false},
		{"in a circle", secretURL, 307, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, delivered := 0, false
			faults := post(t.Context(), func(r *http.Request) (*http.Response, error) {
				if calls++; calls > 5 || r.URL.Host != "hooks.example.com" || r.URL.Scheme != "https" {
					t.Fatalf("call %d to %s", calls, r.URL.Host)
				}
				if r.URL.Path == "/moved" {
					body, err := io.ReadAll(r.Body)
					delivered = err == nil && r.Method == http.MethodPost && len(body) > 0
					return answer(200, "ok"), nil
				}
				return answer(c.status, "", "Location", c.to), nil
			}, promoted())
			if delivered != c.delivered {
				t.Errorf("delivered: %t", delivered)
			}
			if !c.delivered {
				wantFault(t, faults, fmt.Sprintf("it answered %d", c.status), "redirects to other addresses are not followed")
			} else if len(faults) > 0 {
				t.Errorf("faults %v", faults)
			}
		})
	}
}
