package account

import (
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// How long one attempt may take. The SDK sets no limit on waiting for an answer.
const (
	connectWithin = 5 * time.Second
	answerWithin  = 30 * time.Second // from the last byte of the request to the first of the answer
	invokeWithin  = 16 * time.Minute // a function may run for 15 minutes before it answers
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

// twoSpeeds sends invocations through a client that waits as long as a function may run.
type twoSpeeds struct{ usual, invoke aws.HTTPClient }

// patient adds the client for invocations. It is made of the one that the SDK has configured, which knows
// AWS_CA_BUNDLE by now.
func patient(usual aws.HTTPClient) aws.HTTPClient {
	client, ok := usual.(*awshttp.BuildableClient)
	if !ok {
		return usual
	}
	return twoSpeeds{usual: client, invoke: client.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = invokeWithin })}
}

func (c twoSpeeds) Do(r *http.Request) (*http.Response, error) {
	if awsmiddleware.GetServiceID(r.Context()) == "Lambda" && awsmiddleware.GetOperationName(r.Context()) == "Invoke" {
		return c.invoke.Do(r)
	}
	return c.usual.Do(r)
}

// small tells whether request and answer of an operation are a few kilobytes, so that a fixed time is enough for
// an attempt. An S3 object's answer is read after the attempt has ended.
func small(service, operation string) bool {
	switch {
	case service == "S3":
		return false
	case service == "Lambda":
		return operation != "Invoke" && operation != "UpdateFunctionCode" && operation != "CreateFunction"
	}
	return true
}
