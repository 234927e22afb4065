package lambda_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/lambda"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	role    = "arn:aws:iam::123456789012:role/fn"
	me      = "arn:aws:iam::123456789012:user/test"
)

// An endpoint is a Lambda that the SDK reaches without a socket.
type endpoint struct {
	*lambda.Service
	code *runner.Go
}

// open returns a Lambda whose functions are Go, unless o names another runner.
func open(t testing.TB, o lambda.Options) *endpoint {
	t.Helper()
	e := &endpoint{code: runner.NewGo()}
	if o.Runner == nil {
		o.Runner = e.code
	}
	e.Service = lambda.New(o)
	t.Cleanup(func() {
		if err := e.Service.Close(); err != nil {
			t.Error(err)
		}
		if err := o.Runner.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

var scope = regexp.MustCompile(`Credential=[^/]+/\d+/([^/]+)/`)

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var service cloud.Service = e.Service
	call := cloud.Call{Account: account, Region: region, Request: r, Body: body}
	if strings.HasPrefix(r.URL.Path, "/_url/") {
		service = e.URLs()
	}
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		call.Region, call.Principal = m[1], me
	}
	var ok bool
	call.Operation, call.Resource, ok = service.Identify(r, body)
	reply := cloud.Reply{Status: http.StatusNotImplemented, Body: []byte(`{"message":"` + call.Operation + `"}`)}
	if ok {
		reply = service.Do(r.Context(), call)
	}
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.Status)
	w.Write(reply.Body)
}

// Do makes the endpoint an HTTP client.
func (e *endpoint) Do(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	if sent.Body == nil {
		sent.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, sent)
	return w.Result(), nil
}

func (e *endpoint) config() aws.Config {
	return aws.Config{
		Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		BaseEndpoint: aws.String("http://sandbox"), HTTPClient: e, RetryMaxAttempts: 1,
	}
}

func (e *endpoint) client() *sdk.Client { return sdk.NewFromConfig(e.config()) }

func (e *endpoint) get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	response, err := e.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
