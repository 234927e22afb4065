package account

import (
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// How long one attempt may take. The SDK sets no limit on waiting for an answer.
const (
	connectWithin = 5 * time.Second
	answerWithin  = 30 * time.Second // from the last byte of the request to the first of the answer
	invokeWithin  = 16 * time.Minute // the same where Lambda works meanwhile: a function may run for 15 minutes
	attemptWithin = 45 * time.Second // all of an attempt whose request and answer are small
)

func newTransport() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectWithin }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = connectWithin
			t.ResponseHeaderTimeout = answerWithin
			t.MaxIdleConnsPerHost = 64 // as many functions as are worked on at once
		})
}

// twoSpeeds sends what takes Lambda its time through a client that waits for it.
type twoSpeeds struct{ usual, patient aws.HTTPClient }

// patient adds the client that waits. It is made of the one that the SDK has configured, which knows AWS_CA_BUNDLE
// by now.
func patient(usual aws.HTTPClient) aws.HTTPClient {
	client, ok := usual.(*awshttp.BuildableClient)
	if !ok {
		return usual
	}
	return twoSpeeds{usual: client, patient: client.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = invokeWithin })}
}

func (c twoSpeeds) Do(r *http.Request) (*http.Response, error) {
	if slow(awsmiddleware.GetServiceID(r.Context()), awsmiddleware.GetOperationName(r.Context())) {
		return c.patient.Do(r)
	}
	return c.usual.Do(r)
}

// slow tells whether Lambda answers an operation only when work is done: a function's, or unpacking code. Whoever
// makes such a call limits it.
func slow(service, operation string) bool {
	return service == "Lambda" && (invokes(operation) || operation == "UpdateFunctionCode" || operation == "CreateFunction")
}

func invokes(operation string) bool { return strings.HasPrefix(operation, "Invoke") }

// small tells whether a fixed time is enough for all of an attempt, since request and answer are a few kilobytes.
// An S3 object's answer is read after the attempt has ended.
func small(service, operation string) bool { return service != "S3" && !slow(service, operation) }
