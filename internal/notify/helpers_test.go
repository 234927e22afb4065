package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/notify"
	"github.com/promote-on-success/promote/internal/promotion"
)

// secretURL is a webhook whose every part after the host is a secret.
const secretURL = "https://hooks.example.com/services/T0SECRET0/B0SECRET0/hush-hush-hush?key=querysecret"

// promoted is a message as a run would send it.
func promoted() notify.Message {
	return notify.Message{
		Title: "promoted: shop in prod, 2 functions",
		Lines: []string{"checkout 41 → 42", "payments 7 → 8"},
		Link:  "https://github.com/octo-org/shop/actions/runs/1?attempt=2&check=3",
		Good:  true,
		Attributes: map[string]string{
			"outcome": "promoted", "app": "shop", "environment": "prod", "reason": "",
		},
	}
}

// wire answers requests without a socket.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// post sends the message to the secret webhook over the given transport.
func post(ctx context.Context, w wire, m notify.Message) []promotion.Fault {
	return notify.New(notify.Options{Webhook: secretURL, HTTP: &http.Client{Transport: w}}).Send(ctx, m)
}

// payload is what Slack takes.
type payload struct {
	Text   string
	Blocks []struct {
		Type string
		Text struct {
			Type, Text string
			Verbatim   bool
		}
	}
}

// rendered is what the webhook gets for a message.
func rendered(t *testing.T, m notify.Message) payload {
	t.Helper()
	var p payload
	if faults := post(t.Context(), func(r *http.Request) (*http.Response, error) {
		return answer(http.StatusOK, "ok"), json.NewDecoder(r.Body).Decode(&p)
	}, m); len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	return p
}

// wantFault holds the one fault against what it has to say, and against what no fault may say.
func wantFault(t *testing.T, faults []promotion.Fault, what, hint string) {
	t.Helper()
	if len(faults) != 1 {
		t.Fatalf("%d faults: %v", len(faults), faults)
	}
	f := faults[0]
	if !strings.Contains(f.Error(), what) || !strings.Contains(f.Hint, hint) {
		t.Errorf("fault %q, hint %q; want %q and %q in them", f.Error(), f.Hint, what, hint)
	}
	for _, secret := range []string{"T0SECRET0", "B0SECRET0", "hush", "querysecret", "/services"} {
		if strings.Contains(f.Error()+f.Hint, secret) {
			t.Errorf("the fault shows %s: %q, %q", secret, f.Error(), f.Hint)
		}
	}
	if strings.ContainsAny(f.Error()+f.Hint, "\n\x1b") {
		t.Errorf("the fault is no sentence: %q, %q", f.Error(), f.Hint)
	}
}
