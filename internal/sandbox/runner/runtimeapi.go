package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A runtimeAPI is what a runtime asks for work and answers to.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	address   string
	server    *http.Server
	ready     chan struct{} // closed when the runtime asks for its first invocation
	initError chan []byte   // the document of a runtime that could not start
	work      chan *task

	mu      sync.Mutex
	asked   bool
	current *task
}

// A task is an invocation on its way through the API.
type task struct {
	in       Input
	deadline time.Time
	answer   chan Output // buffered: a late answer has nobody to wait for it
}

func serveRuntimeAPI() (*runtimeAPI, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the Lambda runtime API: %w", err)
	}
	a := &runtimeAPI{
		address: l.Addr().String(),
		ready:   make(chan struct{}), initError: make(chan []byte, 1), work: make(chan *task, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.failed)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initFailed)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go a.server.Serve(l) // ends with close
	return a, nil
}

func (a *runtimeAPI) close() { a.server.Close() }

// offer puts an invocation where the runtime's next request finds it.
func (a *runtimeAPI) offer(in Input, deadline time.Time) <-chan Output {
	t := &task{in: in, deadline: deadline, answer: make(chan Output, 1)}
	a.work <- t
	return t.answer
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	if !a.asked {
		a.asked = true
		close(a.ready)
	}
	a.mu.Unlock()
	var t *task
	select {
	case t = <-a.work:
	case <-r.Context().Done():
		return
	}
	a.mu.Lock()
	a.current = t
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", t.in.RequestID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(t.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", t.in.InvokedARN)
	h.Set("Lambda-Runtime-Trace-Id", traceID(t.in.RequestID))
	if t.in.ClientContext != nil {
		h.Set("Lambda-Runtime-Client-Context", string(t.in.ClientContext))
	}
	w.Write(t.in.Payload)
}

// take returns the invocation that the runtime is working on, once.
func (a *runtimeAPI) take(w http.ResponseWriter, r *http.Request) *task {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.current
	if t == nil || t.in.RequestID != r.PathValue("id") {
		status(w, http.StatusBadRequest, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
		return nil
	}
	a.current = nil
	return t
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil {
		return
	}
	if t := a.take(w, r); t != nil {
		t.answer <- Output{Payload: body} // before the reply: the runtime may exit on it
		status(w, http.StatusAccepted, `{"status":"OK"}`)
	}
}

func (a *runtimeAPI) failed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil {
		return
	}
	if t := a.take(w, r); t != nil {
		t.answer <- Output{Payload: errorDocument(body, r), FunctionError: "Unhandled"}
		status(w, http.StatusAccepted, `{"status":"OK"}`)
	}
}

func (a *runtimeAPI) initFailed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil {
		return
	}
	select {
	case a.initError <- errorDocument(body, r):
	default: // only the first report counts
	}
	status(w, http.StatusAccepted, `{"status":"OK"}`)
}

// errorDocument is what the runtime reported, or what Lambda makes of a report without a document.
func errorDocument(body []byte, r *http.Request) []byte {
	if json.Valid(body) && len(body) > 0 {
		return body
	}
	kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		kind = "Runtime.UnknownReason"
	}
	return failure{Type: kind, Message: strings.TrimSpace(string(body))}.output().Payload
}

func status(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	io.WriteString(w, body)
}

// traceID gives functions a well-formed X-Ray header that says "not sampled".
func traceID(requestID string) string {
	hex := strings.ReplaceAll(requestID, "-", "") + strings.Repeat("0", 32)
	return "Root=1-" + hex[:8] + "-" + hex[8:32] + ";Parent=" + hex[:16] + ";Sampled=0"
}
