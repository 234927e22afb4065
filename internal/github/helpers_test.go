package github_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

const repository = "acme/shop"

// world is a GitHub with a line of commits c1 to c3 on main, t1 beside c3, and an annotated tag of c2.
type world struct {
	*hub.Service
	env    map[string]string
	client *http.Client
}

func c(name string) string { return hub.SHA(name) }

// online is a GitHub behind a socket.
func online(t *testing.T) world {
	t.Helper()
	cloud := sandboxtest.Start(t, sandbox.Options{Repository: repository})
	return furnish(t, world{cloud.Server().GitHub(), cloud.Env(), nil})
}

// timeless runs a test against a GitHub in memory, in virtual time.
func timeless(t *testing.T, test func(*testing.T, world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := sandboxtest.InProcess(t, sandbox.Options{Repository: repository})
		test(t, furnish(t, world{cloud.Server().GitHub(), cloud.Env(), cloud.HTTPClient()}))
	})
}

func furnish(t *testing.T, w world) world {
	t.Helper()
	for _, one := range []hub.Commit{
		{SHA: c("c1")}, {SHA: c("c2"), Parents: []string{c("c1")}}, {SHA: c("c3"), Parents: []string{c("c2")}, Branch: "main"},
		{SHA: c("t1"), Parents: []string{c("c1")}, Branch: "topic"}, {SHA: c("root"), Branch: "pages"},
	} {
		one.Message = "a change"
		_, err := w.AddCommit(repository, one)
		must(t, err)
	}
	must(t, w.AddTag(repository, hub.Tag{Name: "v1", SHA: c("c2"), Message: "the first"}))
	must(t, w.PutIssue(repository, hub.Issue{Number: 1, Title: "an issue"}))
	w.ClearCalls()
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open makes a client from the job's environment; changes are pairs.
func (w world) open(t testing.TB, change func(*github.Options), pairs ...string) *github.Client {
	t.Helper()
	env := maps.Clone(w.env)
	for i := 0; i+1 < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	o := github.Options{Getenv: func(name string) string { return env[name] }, HTTPClient: w.client, Version: "1.2.3"}
	if change != nil {
		change(&o)
	}
	client, err := github.Open(o)
	must(t, err)
	return client
}

func (w world) fault(t testing.TB, f hub.Fault) {
	t.Helper()
	_, err := w.AddFault(f)
	must(t, err)
}

// tells checks what a person gets to see of an error, and that it holds no secret and no query.
func (w world) tells(t testing.TB, err error, what, hint string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it went well; want %q", what)
	}
	f := promotion.FaultOf(err)
	if !strings.Contains(f.What, what) || !strings.Contains(f.Hint, hint) {
		t.Errorf("got  %q\nwant %q\nhint %q\nwant %q", f.What, what, f.Hint, hint)
	}
	for _, text := range []string{err.Error(), f.Error(), f.Hint} {
		if strings.Contains(text, w.env["GITHUB_TOKEN"]) || strings.Contains(text, "per_page") || strings.Contains(text, "Bearer") {
			t.Errorf("it tells too much: %s", text)
		}
	}
}

// answering is a server in memory that gives one answer.
type answering func(*http.Request) (status int, header http.Header, body string)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	status, header, body := a(r)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
}
