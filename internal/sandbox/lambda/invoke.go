package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// Payload limits, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSync  = 6291456
	maxAsync = 1048576
	maxTail  = 4096
)

func (s *Service) invoke(ctx context.Context, r *request) (cloud.Reply, error) {
	h := r.Request.Header
	kind := h.Get("X-Amz-Invocation-Type")
	if kind == "" {
		kind = "RequestResponse"
	}
	c := &checker{}
	c.oneOf("invocationType", &kind, "Event", "RequestResponse", "DryRun")
	if tail := h.Get("X-Amz-Log-Type"); tail != "" {
		c.oneOf("logType", &tail, "None", "Tail")
	}
	id, err := r.identify(c, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	payload, err := event(r.Body, kind)
	if err != nil {
		return cloud.Reply{}, err
	}
	client, err := clientContext(h.Get("X-Amz-Client-Context"))
	if err != nil {
		return cloud.Reply{}, err
	}
	run, err := s.prepare(place{r.Account, r.Region}, id.name, id.qualifier, nil)
	if err != nil {
		return cloud.Reply{}, err
	}
	run.in.Payload, run.in.ClientContext = payload, client
	reply := cloud.Reply{Header: http.Header{}}
	switch kind {
	case "DryRun":
		run.done()
		reply.Status = http.StatusNoContent
		return reply, nil
	case "Event":
		s.async.Add(1)
		go func() { // ends with the invocation; Close waits for it. AWS would retry a failure twice, minutes later.
			defer s.async.Done()
			defer run.done()
			s.options.Runner.Invoke(s.ctx, run.in)
		}()
		reply.Status = http.StatusAccepted
		return reply, nil
	}
	defer run.done()
	out, err := s.options.Runner.Invoke(ctx, run.in)
	if err != nil {
		return cloud.Reply{}, err
	}
	reply.Status, reply.Body = http.StatusOK, out.Payload
	reply.Header.Set("Content-Type", "application/json")
	reply.Header.Set("X-Amz-Executed-Version", run.in.Version)
	if out.FunctionError != "" {
		reply.Header.Set("X-Amz-Function-Error", out.FunctionError)
	}
	if h.Get("X-Amz-Log-Type") == "Tail" {
		reply.Header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(tail(out.Log)))
	}
	return reply, nil
}

func tail(log []byte) []byte { return log[max(0, len(log)-maxTail):] }

// event is the payload as the code gets it.
func event(body []byte, kind string) ([]byte, error) {
	if kind == "Event" && len(body) > maxAsync {
		return nil, tooLarge("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(body), maxAsync)
	}
	if len(body) > maxSync {
		return nil, tooLarge("Request must be smaller than %d bytes for the InvokeFunction operation", maxSync)
	}
	if len(body) == 0 {
		return []byte("{}"), nil
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json: %v", err)
	}
	return body, nil
}

func clientContext(header string) ([]byte, error) {
	if header == "" {
		return nil, nil
	}
	text, err := base64.StdEncoding.DecodeString(header)
	if err != nil || !json.Valid(text) {
		return nil, refuse(http.StatusBadRequest, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
	}
	return text, nil
}

// A prepared is an invocation that may run: a version is chosen and has room.
type prepared struct {
	in   runner.Input
	done func() // gives the room back; to be called once
}

// prepare chooses the version and takes its room. may is asked whether the caller is let in; nil lets in.
func (s *Service) prepare(p place, name, qualifier string, may func(*function) error) (*prepared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.home(p)
	shown := qualifier
	if shown == "" {
		shown = latestName
	}
	f := h.functions[name]
	if f == nil {
		return nil, functionNotFound(h.arn(name) + ":" + shown)
	}
	s.settle(f, time.Now())
	r := s.choose(f, qualifier)
	if r == nil {
		return nil, functionNotFound(f.qualified(shown))
	}
	if may != nil {
		if err := may(f); err != nil {
			return nil, err
		}
	}
	if err := r.invocable(f); err != nil {
		return nil, err
	}
	if err := f.throttle(r); err != nil {
		return nil, err
	}
	f.inFlight[r.version]++
	done := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f.inFlight[r.version]--
	}
	return &prepared{in: s.input(f, r, qualifier), done: done}, nil
}

// choose returns the release that serves an invocation; an alias with weights decides by chance.
func (s *Service) choose(f *function, qualifier string) *release {
	if a := f.aliases[qualifier]; a != nil {
		for version, weight := range a.weights {
			if s.random.Float64() < weight {
				return f.versions[version]
			}
		}
	}
	return f.release(qualifier)
}

// invocable refuses a release that is not up. While $LATEST is being updated the code before the update serves.
func (r *release) invocable(f *function) error {
	switch {
	case r.state == active:
		return nil
	case r.state == waiting && r.SnapStart == "PublishedVersions" && r.version != latestName:
		return refuse(http.StatusConflict, "SnapStartNotReadyException", "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.")
	}
	return conflict("The operation cannot be performed at this time. The function is currently in the following state: %s", r.state)
}

// throttle applies reserved concurrency, of which provisioned capacity is a part.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
func (f *function) throttle(r *release) error {
	if f.reserved == nil {
		return nil
	}
	own := f.capacity(r.version)
	room, busy := *f.reserved-f.provisionedTotal(""), 0
	for version, n := range f.inFlight {
		busy += max(0, n-f.capacity(version))
	}
	if f.inFlight[r.version] < own || busy < room {
		return nil
	}
	return &cloud.Error{
		Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.",
		Fields: map[string]any{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"},
	}
}

// capacity is the provisioned concurrency that a version has, by itself or through an alias.
func (f *function) capacity(version string) int {
	total := 0
	for qualifier, p := range f.provisioned {
		a := f.aliases[qualifier]
		if qualifier == version || a != nil && a.version == version {
			total += p.requested
		}
	}
	return total
}

func (s *Service) input(f *function, r *release, qualifier string) runner.Input {
	runs := r.snapshot
	if r == f.latest {
		runs = f.running
	}
	return runner.Input{
		Code:     runner.Code{Digest: runs.code.sha, Zip: runs.code.zip, Image: runs.code.resolved, Runtime: runs.Runtime, Handler: runs.Handler},
		Instance: f.home.account + "/" + f.home.region + "/" + f.name + ":" + r.version + "/" + runs.instance,
		Account:  f.home.account, Region: f.home.region, Function: f.name, Version: r.version,
		InvokedARN: f.qualified(qualifier), Environment: runs.Environment,
		Timeout: time.Duration(runs.Timeout) * time.Second, MemoryMB: runs.MemorySize,
		LogGroup: runs.Logging.LogGroup, RequestID: s.uuid(),
	}
}

// Invoke runs a function for a data plane.
func (s *Service) Invoke(ctx context.Context, in cloud.Invocation) (cloud.Invoked, error) {
	var may func(*function) error
	if in.Principal != "" {
		may = func(f *function) error {
			v := visitor{action: "InvokeFunction", principal: in.Principal, sourceARN: in.SourceARN, account: in.Account}
			if f.allows(in.Qualifier, v) {
				return nil
			}
			return refuse(http.StatusForbidden, "AccessDeniedException", "%s is not authorized to perform: lambda:InvokeFunction on resource: %s: no resource policy allows %s", in.Principal, f.qualified(in.Qualifier), in.SourceARN)
		}
	}
	run, err := s.prepare(place{in.Account, in.Region}, in.Function, in.Qualifier, may)
	if err != nil {
		return cloud.Invoked{}, err
	}
	defer run.done()
	run.in.Payload = in.Payload
	out, err := s.options.Runner.Invoke(ctx, run.in)
	if err != nil {
		return cloud.Invoked{}, err
	}
	return cloud.Invoked{Version: run.in.Version, FunctionError: out.FunctionError, Payload: out.Payload, LogTail: tail(out.Log)}, nil
}
