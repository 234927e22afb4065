package function_test

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A world is a sandbox with one function, shop-fn, that runs code A, the account under test, and what lies in between.
type world struct {
	cloud *sandboxtest.Cloud
	*function.Account
	said
	way       *way
	workspace string
	old       []byte // the archive of code A
}

const fn = "shop-fn"

func newWorld(t *testing.T, o sandbox.Options, fo function.Options) *world {
	t.Helper()
	return arrange(t, sandboxtest.Start(t, o), fo)
}

func arrange(t *testing.T, c *sandboxtest.Cloud, fo function.Options) *world {
	t.Helper()
	w := &world{cloud: c, way: &way{next: c.HTTPClient().Transport}, workspace: t.TempDir()}
	cfg := c.AWS()
	cfg.HTTPClient = &http.Client{Transport: w.way}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 10 * time.Millisecond })
	}
	fo.Workspace, fo.TempDir = w.workspace, t.TempDir()
	w.Account = account(cfg, fo)
	w.old = c.Function(fn, sandboxtest.Code{Name: "A"})
	return w
}

// pack measures an archive of code by that name.
func (w *world) pack(t *testing.T, name string) promotion.Package {
	t.Helper()
	write(t, w.workspace+"/"+name+".zip", w.cloud.Zip(sandboxtest.Code{Name: name}))
	p, err := w.Package(t.Context(), zipArtifact(name+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) latest(t *testing.T) promotion.Snapshot {
	t.Helper()
	s, err := w.Latest(t.Context(), fn, w.say)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// settle waits, as somebody else, until $LATEST has settled.
func (w *world) settle(t *testing.T) {
	t.Helper()
	if _, err := account(w.cloud.AWS(), function.Options{}).Latest(t.Context(), fn, quiet); err != nil {
		t.Fatal(err)
	}
}

// upload is somebody else's code on $LATEST.
func (w *world) upload(t *testing.T, name string) {
	t.Helper()
	if _, err := w.cloud.Lambda().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(fn), ZipFile: w.cloud.Zip(sandboxtest.Code{Name: name})}); err != nil {
		t.Fatal(err)
	}
}

// configure is somebody else's change of the function's memory.
func (w *world) configure(t *testing.T, memory int32) {
	t.Helper()
	if _, err := w.cloud.Lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String(fn), MemorySize: &memory}); err != nil {
		t.Fatal(err)
	}
}

// versions counts the published versions.
func (w *world) versions(t *testing.T) int {
	t.Helper()
	out, err := w.cloud.Lambda().ListVersionsByFunction(t.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: aws.String(fn)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Versions) - 1
}

// A way lies between the SDK and the sandbox. What happens on it is decided per operation.
type way struct {
	next http.RoundTripper
	mu   sync.Mutex
	on   map[string][]event // what happens to the first, second, ... request of an operation; then nothing
	seen []string
}

type event func(send func() (*http.Response, error), r *http.Request) (*http.Response, error)

var (
	errBroken = errors.New("connection reset by peer")

	operations = []struct {
		name    string
		pattern *regexp.Regexp
	}{
		{"UpdateFunctionCode", regexp.MustCompile(`^PUT /2015-03-31/functions/[^/]+/code$`)},
		{"PublishVersion", regexp.MustCompile(`^POST /2015-03-31/functions/[^/]+/versions$`)},
		{"UpdateAlias", regexp.MustCompile(`^PUT /2015-03-31/functions/[^/]+/aliases/[^/]+$`)},
		{"CreateAlias", regexp.MustCompile(`^POST /2015-03-31/functions/[^/]+/aliases$`)},
		{"GetFunction", regexp.MustCompile(`^GET /2015-03-31/functions/[^/]+$`)},
	}
)

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	op := ""
	for _, o := range operations {
		if o.pattern.MatchString(r.Method + " " + r.URL.Path) {
			op = o.name
		}
	}
	w.mu.Lock()
	w.seen = append(w.seen, op)
	var happens event
	if events := w.on[op]; len(events) > 0 {
		happens, w.on[op] = events[0], events[1:]
	}
	w.mu.Unlock()
	send := func() (*http.Response, error) { return w.next.RoundTrip(r) }
	if happens == nil {
		return send()
	}
	return happens(send, r)
}

// lost carries the request out and loses the answer; never loses the request.
func lost(send func() (*http.Response, error), r *http.Request) (*http.Response, error) {
	out, err := send()
	if err != nil {
		return nil, err
	}
	io.Copy(io.Discard, out.Body)
	out.Body.Close()
	return nil, &opError{errBroken}
}

func never(func() (*http.Response, error), *http.Request) (*http.Response, error) {
	return nil, &opError{errBroken}
}

// failed answers 500 without carrying the request out, failedAfter having done so.
func failed(_ func() (*http.Response, error), r *http.Request) (*http.Response, error) {
	return answer(r, 500, `{"Type":"Service","Message":"internal"}`, "X-Amzn-Errortype", "ServiceException"), nil
}

func failedAfter(send func() (*http.Response, error), r *http.Request) (*http.Response, error) {
	if out, err := send(); err != nil {
		return out, err
	}
	return failed(nil, r)
}

func throttled(_ func() (*http.Response, error), r *http.Request) (*http.Response, error) {
	return answer(r, 429, `{"Reason":"CallerRateLimitExceeded","message":"Rate exceeded"}`, "X-Amzn-Errortype", "TooManyRequestsException"), nil
}

// busy is what Lambda says while an update is in progress.
func busy(_ func() (*http.Response, error), r *http.Request) (*http.Response, error) {
	return answer(r, 409, `{"Type":"User","message":"The operation cannot be performed at this time. An update is in progress"}`, "X-Amzn-Errortype", "ResourceConflictException"), nil
}

// hangs never answers.
func hangs(_ func() (*http.Response, error), r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// after lets something happen before the request arrives.
func after(do func()) event {
	return func(send func() (*http.Response, error), _ *http.Request) (*http.Response, error) {
		do()
		return send()
	}
}

// opError is how the SDK sees a connection that breaks.
type opError struct{ error }

func (e *opError) Timeout() bool   { return false }
func (e *opError) Temporary() bool { return true }

func (w *world) on(op string, events ...event) {
	w.way.mu.Lock()
	defer w.way.mu.Unlock()
	if w.way.on == nil {
		w.way.on = map[string][]event{}
	}
	w.way.on[op] = events
}

// sent lists the requests that set out, without the reads of states.
func (w *world) sent() []string {
	w.way.mu.Lock()
	defer w.way.mu.Unlock()
	var ops []string
	for _, op := range w.way.seen {
		if op != "GetFunction" {
			ops = append(ops, op)
		}
	}
	return ops
}
