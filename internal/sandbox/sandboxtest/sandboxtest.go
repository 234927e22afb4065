// Package sandboxtest starts a sandbox for a test of anything that talks to AWS, and arranges what such
// tests need: clients, functions made of Go code, aliases, and the list of calls afterwards.
package sandboxtest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// Cloud is a sandbox that ends with its test.
type Cloud struct {
	t      testing.TB
	server *sandbox.Server
	code   *runner.Go // nil if the test brought a runner of its own
	url    string
	client *http.Client
}

// Start serves a sandbox on loopback. Without a Runner in the options functions are [Code].
func Start(t testing.TB, o sandbox.Options) *Cloud {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for the sandbox: %v", err)
	}
	o.BaseURL = "http://" + l.Addr().String()
	c := start(t, o)
	web := &httptest.Server{Listener: l, Config: &http.Server{Handler: c.server}}
	web.Start()
	// The sandbox goes first: a call that a fault holds would keep the listener from closing.
	t.Cleanup(func() {
		c.close()
		web.Close()
	})
	c.url, c.client = o.BaseURL, web.Client()
	return c
}

// InProcess runs a sandbox without a socket: its HTTPClient hands requests over in memory, so that it
// can be used in a testing/synctest bubble: make it with the bubble's own t.
func InProcess(t testing.TB, o sandbox.Options) *Cloud {
	t.Helper()
	c := start(t, o)
	t.Cleanup(c.close)
	c.client = &http.Client{Transport: c.server.Transport()}
	return c
}

func start(t testing.TB, o sandbox.Options) *Cloud {
	t.Helper()
	c := &Cloud{t: t}
	if o.Runner == nil {
		c.code = runner.NewGo()
		o.Runner = c.code
	}
	var err error
	if c.server, err = sandbox.New(o); err != nil {
		t.Fatalf("make the sandbox: %v", err)
	}
	return c
}

func (c *Cloud) close() {
	if err := c.server.Close(); err != nil {
		c.t.Errorf("close the sandbox: %v", err)
	}
}

// Server is the sandbox itself, for faults and denials.
func (c *Cloud) Server() *sandbox.Server { return c.server }

// URL is the sandbox's base address, "" in process.
func (c *Cloud) URL() string { return c.url }

// HTTPClient reaches the sandbox, and in process nothing else.
func (c *Cloud) HTTPClient() *http.Client { return c.client }

// Env returns what `sandbox serve --env-file` writes.
func (c *Cloud) Env() map[string]string { return c.server.Env() }

// AWS returns a configuration for SDK clients as the first account, in the default region unless
// another is named.
func (c *Cloud) AWS(region ...string) aws.Config {
	account := c.server.Accounts()[0]
	cfg := c.AWSWith(account.AccessKeyID, account.SecretAccessKey, "")
	if len(region) > 0 {
		cfg.Region = region[0]
	}
	return cfg
}

// AWSWith is AWS with credentials of the caller's choice, in the default region.
func (c *Cloud) AWSWith(accessKey, secret, token string) aws.Config {
	return aws.Config{
		Region:       sandbox.DefaultRegion,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, secret, token),
		BaseEndpoint: aws.String(c.server.BaseURL()),
		HTTPClient:   c.client,
	}
}

// Lambda is a plain SDK client without retries, to arrange and to look. Its calls are logged too: reset
// the log before acting.
func (c *Cloud) Lambda(region ...string) *lambda.Client {
	return lambda.NewFromConfig(c.AWS(region...), func(o *lambda.Options) { o.Retryer = aws.NopRetryer{} })
}

// Calls returns the AWS calls so far, in order.
func (c *Cloud) Calls() []sandbox.Record { return c.server.Calls() }

// ResetCalls forgets the calls so far.
func (c *Cloud) ResetCalls() { c.server.ResetCalls() }

// Count returns how often each operation of a service was called.
func (c *Cloud) Count(service string) map[string]int {
	count := map[string]int{}
	for _, r := range c.server.Calls() {
		if r.Service == service {
			count[r.Operation]++
		}
	}
	return count
}
