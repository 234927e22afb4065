package dynamodb_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/dynamodb"
)

const account = "123456789012"

// serve puts a service behind HTTP, as the sandbox's server does. The region is that of the signature.
func serve(t *testing.T, s *dynamodb.Service) string {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		scope := strings.Split(r.Header.Get("Authorization"), "/")
		call := cloud.Call{Account: account, Region: "eu-west-1", Request: r, Body: body}
		if len(scope) > 2 {
			call.Region = scope[2]
		}
		var ok bool
		var reply cloud.Reply
		if call.Operation, call.Resource, ok = s.Identify(r, body); ok {
			reply = s.Do(r.Context(), call)
		} else {
			reply = s.Fail(call, &cloud.Error{Status: http.StatusNotImplemented, Code: "NotImplementedException", Message: call.Operation})
		}
		for name, values := range reply.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(reply.Status)
		if _, err := w.Write(reply.Body); err != nil {
			t.Log(err)
		}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestSandboxPassesTheSuite(t *testing.T) {
	n := suite(t, server{client: newClient(serve(t, dynamodb.New(dynamodb.Options{})), false)})
	t.Logf("%d cases passed on the sandbox", n)
	if n < 150 {
		t.Errorf("the suite has shrunk to %d cases", n)
	}
}
