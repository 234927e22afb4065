package check_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/promotion"
)

var _ promotion.Checks = (*check.Checks)(nil)

// wire answers requests without a socket, so that it can be used in virtual time.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w(r)
}

func client(w wire) *lambda.Client {
	return lambda.NewFromConfig(aws.Config{
		Region:       "eu-west-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "the-secret-access-key", "the-session-token"),
		BaseEndpoint: aws.String("https://lambda.invalid"),
		HTTPClient:   &http.Client{Transport: w},
	})
}

// lambdaAnswer is what Invoke answers on the wire.
type lambdaAnswer struct {
	Version, Payload, FunctionError, Log string
	After                                time.Duration
}

func (a lambdaAnswer) response(r *http.Request) (*http.Response, error) {
	if a.After > 0 {
		select {
		case <-time.After(a.After):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	res := reply(http.StatusOK, a.Payload)
	if a.Version == "" {
		a.Version = "7"
	}
	res.Header.Set("X-Amz-Executed-Version", a.Version)
	if a.FunctionError != "" {
		res.Header.Set("X-Amz-Function-Error", a.FunctionError)
	}
	if a.Log != "" {
		res.Header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(a.Log)))
	}
	return res, nil
}

func refusal(status int, code, message, reason string) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{"Message": message, "Reason": reason, "Type": "User"})
	res := reply(status, string(body))
	res.Header.Set("X-Amzn-Errortype", code)
	return res, err
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// candidate is version 7 of the function that checks in these tests are about.
func candidate() promotion.Subject {
	return promotion.Subject{
		Candidate: promotion.Candidate{Function: "checkout", Name: "shop-checkout", Snapshot: promotion.Snapshot{Version: 7}},
		Values:    map[string]string{"Version": "7", "Commit": "c0ffee"},
	}
}

// invoke asks an invoke check of a Lambda that gives one answer.
func invoke(t *testing.T, a lambdaAnswer, c promotion.InvokeCheck) promotion.CheckResult {
	t.Helper()
	c.Function = "checkout"
	checks := check.New(client(a.response), check.Options{Workspace: t.TempDir()})
	return checks.Ask(t.Context(), promotion.Check{Name: "smoke", Invoke: &c}, candidate())
}

// askURL asks a check by URL over the given transport.
func askURL(ctx context.Context, transport http.RoundTripper, o check.Options, c promotion.HTTPCheck) promotion.CheckResult {
	o.HTTP = &http.Client{Transport: transport}
	return check.New(nil, o).Ask(ctx, promotion.Check{Name: "health", HTTP: &c}, candidate())
}

func evidence(r promotion.CheckResult, name string) string {
	for _, e := range r.Evidence {
		if e.Name == name {
			return e.Text
		}
	}
	return ""
}

// all is everything of a result that anybody could read.
func all(r promotion.CheckResult) string {
	var b strings.Builder
	b.WriteString(r.Reason + "\n" + r.Hint + "\n")
	for _, e := range r.Evidence {
		b.WriteString(e.Name + ": " + e.Text + "\n")
	}
	if r.Err != nil {
		f := promotion.FaultOf(r.Err)
		b.WriteString(r.Err.Error() + "\n" + f.What + "\n" + f.Hint + "\n" + f.Detail)
	}
	return b.String()
}

func wantVerdict(t *testing.T, r promotion.CheckResult, want promotion.Verdict, reason string) {
	t.Helper()
	if r.Err != nil {
		t.Fatalf("error: %v", r.Err)
	}
	if r.Verdict != want || !strings.Contains(r.Reason, reason) {
		t.Errorf("verdict %s, reason %q; want %s, %q", r.Verdict, r.Reason, want, reason)
	}
	if r.Verdict == promotion.Pass && r.Reason != "" {
		t.Errorf("a passed check has reason %q", r.Reason)
	}
	wellFormed(t, r)
}

func wantError(t *testing.T, r promotion.CheckResult, text string) {
	t.Helper()
	if r.Err == nil {
		t.Fatalf("no error, but verdict %q, reason %q", r.Verdict, r.Reason)
	}
	if r.Verdict != "" {
		t.Errorf("verdict %q beside an error", r.Verdict)
	}
	if !strings.Contains(r.Err.Error(), text) {
		t.Errorf("error %q; want %q in it", r.Err, text)
	}
	wellFormed(t, r)
}

// wellFormed holds for every result, whatever came back.
func wellFormed(t *testing.T, r promotion.CheckResult) {
	t.Helper()
	if !utf8.ValidString(all(r)) || strings.ContainsAny(all(r), "\x1b\x00\r") {
		t.Errorf("not fit to be shown: %q", all(r))
	}
	for _, e := range r.Evidence {
		if len(e.Text) > 2048 {
			t.Errorf("evidence %q has %d bytes", e.Name, len(e.Text))
		}
	}
	if strings.ContainsRune(r.Reason, '\n') || len(r.Reason) > 2048 {
		t.Errorf("reason is not a sentence: %q", r.Reason)
	}
	switch r.Verdict {
	case promotion.Pass:
	case promotion.Fail, promotion.Inconclusive:
		if r.Reason == "" {
			t.Errorf("verdict %s without a reason", r.Verdict)
		}
	default:
		if r.Err == nil {
			t.Errorf("neither verdict nor error: %+v", r)
		}
	}
}
