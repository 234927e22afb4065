package promotion_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	sandboxlambda "github.com/promote-on-success/promote/internal/sandbox/lambda"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A theatre is a sandbox with a workspace, and a runner that reaches it through a transport which breaks calls.
type theatre struct {
	t         *testing.T
	cloud     *sandboxtest.Cloud
	network   *network
	workspace string
	runner    *promotion.Runner
	config    aws.Config // of the account, once it has quotas
}

func newTheatre(t *testing.T, o sandbox.Options) *theatre {
	t.Helper()
	th := &theatre{t: t, cloud: sandboxtest.InProcess(t, o), workspace: t.TempDir()}
	th.network = &network{next: th.cloud.HTTPClient().Transport}
	cfg := th.cloud.AWS()
	cfg.HTTPClient = &http.Client{Transport: th.network}
	lambdas := lambda.NewFromConfig(cfg)
	account := function.New(lambdas, s3.NewFromConfig(cfg), ecr.NewFromConfig(cfg), function.Options{Workspace: th.workspace})
	th.runner = &promotion.Runner{
		Packages: account, Functions: account, Aliases: account,
		Checks: check.New(lambdas, check.Options{Workspace: th.workspace, HTTP: &http.Client{Transport: th.network}}),
	}
	return th
}

// functions creates functions that run this code, each with alias prod at version 1.
func (th *theatre) functions(code string, names ...string) {
	th.t.Helper()
	for _, n := range names {
		th.cloud.Function(n, sandboxtest.Code{Name: code})
		th.cloud.Alias(n, "prod", th.cloud.Publish(n))
	}
}

// build puts code into the workspace as a zip, and returns its path.
func (th *theatre) build(code sandboxtest.Code) string {
	th.t.Helper()
	name := code.Name + ".zip"
	if err := os.WriteFile(filepath.Join(th.workspace, name), th.cloud.Zip(code), 0o644); err != nil {
		th.t.Fatal(err)
	}
	return name
}

// request asks for this code in every named function, verified by an invocation of each.
func (th *theatre) request(code string, names ...string) promotion.Request {
	return th.requestFor(promotion.Artifact{Kind: promotion.ArtifactZip, Path: th.build(sandboxtest.Code{Name: code})}, names...)
}

func (th *theatre) requestFor(a promotion.Artifact, names ...string) promotion.Request {
	req := promotion.Request{
		Mode: promotion.ModeRun, App: "shop", Release: "r1", JobStatus: "success",
		Environment: promotion.Environment{Name: "prod", Alias: "prod", Region: sandbox.DefaultRegion},
	}
	for _, n := range names {
		req.Functions = append(req.Functions, promotion.Function{Key: n, Name: n, Artifact: a})
		req.Checks = append(req.Checks, invokes(n))
	}
	return req
}

func invokes(function string) promotion.Check {
	return promotion.Check{Name: "invoke " + function, Invoke: &promotion.InvokeCheck{Function: function}}
}

func (th *theatre) run(req promotion.Request) promotion.Outcome {
	th.t.Helper()
	return th.runner.Run(th.t.Context(), req)
}

// alias is what the environment's alias of a function holds: a version, "none", or a version with weights.
func (th *theatre) alias(function string) string {
	th.t.Helper()
	values := th.history(function)
	if len(values) == 0 {
		return "none"
	}
	return held(values[len(values)-1])
}

// history is every value that the environment's alias of a function has had, oldest first.
func (th *theatre) history(function string) []sandboxlambda.AliasValue {
	return th.cloud.Server().Lambda().History(sandbox.DefaultAccount, sandbox.DefaultRegion, function, "prod")
}

func held(v sandboxlambda.AliasValue) string {
	switch {
	case v.Deleted:
		return "none"
	case len(v.Weights) > 0:
		return v.Version + " with weights"
	}
	return v.Version
}

// answer is what callers of the alias get.
func (th *theatre) answer(function string) string {
	th.t.Helper()
	out, err := th.cloud.Lambda().Invoke(th.t.Context(), &lambda.InvokeInput{FunctionName: aws.String(function), Qualifier: aws.String("prod"), Payload: []byte("{}")})
	if err != nil {
		th.t.Fatalf("invoke %s: %v", function, err)
	}
	return string(out.Payload)
}

func expect(t *testing.T, o promotion.Outcome, kind promotion.Kind, reason promotion.Reason) {
	t.Helper()
	if o.Kind != kind || o.Reason != reason {
		t.Fatalf("the run ended %s (%s): %s\nfaults: %v\nexpected %s (%s)", o.Kind, o.Reason, o.Sentence, o.Faults, kind, reason)
	}
	if o.Sentence == "" || o.Finished.IsZero() {
		t.Errorf("the outcome %s has no sentence or no end", o.Kind)
	}
}

// A network carries requests to the sandbox and breaks those that a disturbance matches.
type network struct {
	next http.RoundTripper

	mu           sync.Mutex
	disturbances []*disturbance
	requests     int
	seen         []string
	dead         bool // nothing is carried any more
}

// lose takes the network down, or up again.
func (n *network) lose(dead bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = dead
}

// calm ends all disturbances.
func (n *network) calm() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.disturbances, n.dead = nil, false
}

// A disturbance happens to the nth request (from 1) whose operation is named, or, without a name, to the nth of all.
type disturbance struct {
	operation string
	function  string
	nth       int
	do        func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error)
	met       int
	struck    bool
}

func (n *network) disturb(d *disturbance) *disturbance {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.disturbances = append(n.disturbances, d)
	return d
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte(nil)
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	operation, about := operationOf(r)
	n.mu.Lock()
	n.requests++
	n.seen = append(n.seen, operation+" "+about)
	var hit *disturbance
	for _, d := range n.disturbances {
		if d.operation != "" && d.operation != operation || d.function != "" && d.function != about {
			continue
		}
		if d.met++; d.met == d.nth && hit == nil {
			hit, d.struck = d, true
		}
	}
	dead := n.dead
	n.mu.Unlock()
	send := func(r *http.Request) (*http.Response, error) {
		again := r.Clone(r.Context())
		if body != nil {
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		return n.next.RoundTrip(again)
	}
	switch {
	case hit != nil:
		return hit.do(r, send)
	case dead:
		return swallowed(r, send)
	}
	return send(r)
}

// operationOf names a Lambda request as the API does, as far as the story makes such requests.
func operationOf(r *http.Request) (operation, function string) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(part) > 2 && part[1] == "apis" {
		part[2] = "*"
		return r.Method + " /" + strings.Join(part, "/"), ""
	}
	if len(part) < 3 || part[1] != "functions" {
		return r.Method + " " + r.URL.Path, ""
	}
	function = part[2]
	rest := strings.Join(part[3:], "/")
	switch {
	case rest == "" && r.Method == http.MethodGet:
		operation = "GetFunction"
	case rest == "code":
		operation = "UpdateFunctionCode"
	case rest == "versions" && r.Method == http.MethodPost:
		operation = "PublishVersion"
	case rest == "aliases":
		operation = "CreateAlias"
	case strings.HasPrefix(rest, "aliases/") && r.Method == http.MethodPut:
		operation = "UpdateAlias"
	case strings.HasPrefix(rest, "aliases/"):
		operation = "GetAlias"
	case rest == "invocations":
		operation = "Invoke"
	default:
		operation = r.Method + " " + rest
	}
	return operation, function
}

// What can happen to a request.

// refuse answers in AWS's stead: nothing takes effect.
func refuse(status int, code string) func(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	return func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		return reply(r, status, code), nil
	}
}

// after lets the call take effect and answers with an error all the same.
func after(status int, code string) func(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	return func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if answer, err := send(r); err == nil {
			answer.Body.Close()
		}
		return reply(r, status, code), nil
	}
}

// lost lets the call take effect and loses the answer.
func lost(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	if answer, err := send(r); err == nil {
		answer.Body.Close()
	}
	return nil, errors.New("connection reset by peer")
}

// swallowed loses the request: it is never answered and never takes effect.
func swallowed(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// first does something else before the call is carried out: somebody else's write.
func first(deed func()) func(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	return func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		deed()
		return send(r)
	}
}

func reply(r *http.Request, status int, code string) *http.Response {
	body := fmt.Sprintf(`{"Type":"User","Message":"the network says %s"}`, code)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"X-Amzn-Errortype": {code}, "Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// point moves an alias as somebody else would: without a revision.
func (th *theatre) point(function, version string) {
	if _, err := th.cloud.Lambda().UpdateAlias(context.Background(), &lambda.UpdateAliasInput{
		FunctionName: aws.String(function), Name: aws.String("prod"), FunctionVersion: aws.String(version),
	}); err != nil {
		th.t.Errorf("move the alias of %s as somebody else: %v", function, err)
	}
}

// upload replaces the code of $LATEST as somebody else would, and waits until it has settled.
func (th *theatre) upload(function string, code string) {
	api := th.cloud.Lambda()
	if _, err := api.UpdateFunctionCode(context.Background(), &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String(function), ZipFile: th.cloud.Zip(sandboxtest.Code{Name: code}),
	}); err != nil {
		th.t.Errorf("upload code to %s as somebody else: %v", function, err)
	}
	if _, err := api.GetFunction(context.Background(), &lambda.GetFunctionInput{FunctionName: aws.String(function)}); err != nil {
		th.t.Errorf("read %s as somebody else: %v", function, err)
	}
}
