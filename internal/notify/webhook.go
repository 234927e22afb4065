package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// patience is how long a webhook may ask to be left alone. It is waited for once.
const patience = 10 * time.Second

// webhook is where messages are posted to, or the reason why nothing can be.
type webhook struct {
	url   *url.URL
	http  *http.Client
	wrong error
}

func newWebhook(secret promotion.Secret, client *http.Client) *webhook {
	u, err := url.Parse(strings.TrimSpace(secret.Reveal()))
	switch {
	case err != nil || u.Hostname() == "":
		// The parser's error would show the URL.
		return &webhook{wrong: wrongURL("it is not a URL")}
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return &webhook{wrong: wrongURL("it is one of http, which anybody on the way can read")}
	case u.Scheme != "https" && u.Scheme != "http":
		return &webhook{wrong: wrongURL("it is not one of https")}
	}
	h := http.Client{}
	if client != nil {
		h = *client
	}
	h.Timeout, h.Jar = 0, nil
	// A redirect to another host would hand it the message, and in the Referer header the URL. One that does not repeat
	// the request as it is would get no message at all.
	h.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		status := next.Response.StatusCode
		if len(before) > 2 || next.URL.Scheme != u.Scheme || next.URL.Host != u.Host ||
			status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &webhook{url: u, http: &h}
}

func wrongURL(what string) error {
	return promotion.Fault{
		What:     "tell the webhook: its URL, which is not shown, cannot be used: " + what,
		Accepted: "an https URL, or an http URL of the loopback interface",
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (w *webhook) post(ctx context.Context, m Message) error {
	if w.wrong != nil {
		return w.wrong
	}
	payload := slackPayload(m)
	again, err := w.attempt(ctx, payload)
	if again > 0 {
		timer := time.NewTimer(again)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return err
		case <-timer.C:
			_, err = w.attempt(ctx, payload)
		}
	}
	return err
}

// attempt posts once. again is how long the webhook asks to wait, 0 where that is nothing to wait for.
func (w *webhook) attempt(ctx context.Context, payload []byte) (again time.Duration, err error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(bounded, http.MethodPost, w.url.String(), bytes.NewReader(payload))
	if err != nil {
		return 0, wrongURL("no request can be made of it")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "promote (+https://github.com/promote-on-success/promote)")
	res, err := w.http.Do(req)
	if err != nil {
		return 0, w.unanswered(ctx, err, bounded.Err() != nil)
	}
	defer res.Body.Close()
	// Whatever went wrong with the answer's body, its status has come.
	body, _ := io.ReadAll(io.LimitReader(res.Body, 2<<10))
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return 0, nil
	}
	fault := w.refused(res, string(body))
	if res.StatusCode == http.StatusTooManyRequests {
		wait := retryAfter(res.Header.Get("Retry-After"), time.Now())
		if wait <= patience {
			return max(wait, time.Second), fault
		}
	}
	return 0, fault
}

// retryAfter reads the header's seconds or date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return time.Second
}

func (w *webhook) deed() string { return "tell the webhook at " + awserr.Clean(w.url.Host) }

// refused explains an answer. Slack says in a word what is wrong.
func (w *webhook) refused(res *http.Response, body string) promotion.Fault {
	f := promotion.Fault{What: fmt.Sprintf("%s: it answered %s", w.deed(), shownStatus(res.StatusCode)), Detail: w.hide(body)}
	switch status := res.StatusCode; {
	case status >= 300 && status < 400:
		f.Hint, f.Detail = "redirects to other addresses are not followed, since the URL is a secret: name the final one", ""
	case status == http.StatusTooManyRequests:
		f.Hint = "it gets too many messages: tell it fewer outcomes"
	case status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusGone, status == http.StatusUnauthorized:
		f.Hint = "the webhook was removed or switched off, or its channel is archived: make a new one, and put its URL into the secret"
	case status >= 500:
		f.Hint = "the service has a problem of its own; only this message is lost"
	default:
		f.Hint = "it has to take messages in Slack's form: {\"text\": ..., \"blocks\": [...]}"
	}
	return f
}

// unanswered explains why there was no answer. The error's own text begins with the URL.
func (w *webhook) unanswered(ctx context.Context, err error, timedOut bool) promotion.Fault {
	f := promotion.Fault{Hint: "the runner has to reach it: check the network, the proxy and the firewall"}
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case ctx.Err() != nil:
		f.What, f.Hint = "the run ended before it answered", ""
	case errors.As(err, &dns):
		f.What, f.Hint = "there is no such host, or its name cannot be resolved", "is the URL in the secret whole?"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.What = "nothing accepts connections there"
	case timedOut:
		f.What = fmt.Sprintf("there was no answer within %s", timeout)
	case errors.As(err, &certificate), errors.As(err, &authority):
		f.What, f.Hint = "its TLS certificate is not trusted", "it is for another name, has expired, or is of an authority that the runner does not know"
	default:
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		f.What, f.Detail = "the connection failed", w.hide(err.Error())
	}
	f.What = w.deed() + ": " + f.What
	return f
}

// hide makes foreign text fit for a sentence, without any part of the URL that could be its secret.
func (w *webhook) hide(text string) string {
	parts := []string{w.url.String(), w.url.RequestURI(), w.url.RawQuery, w.url.Fragment}
	parts = append(parts, strings.FieldsFunc(w.url.Path+"/"+w.url.RawPath, func(r rune) bool { return r == '/' })...)
	for _, values := range w.url.Query() {
		parts = append(parts, values...)
	}
	if user := w.url.User; user != nil {
		password, _ := user.Password()
		parts = append(parts, user.String(), user.Username(), password)
	}
	for _, p := range parts {
		if len(p) > 3 {
			text = strings.ReplaceAll(text, p, "***")
		}
	}
	return awserr.Clean(text)
}

func shownStatus(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return strconv.Itoa(status)
}
