package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Transport returns a RoundTripper that hands requests to the sandbox in this process, whatever host
// they name. It opens no socket, so clients can use it within a testing/synctest bubble. A dropped
// response is io.ErrUnexpectedEOF; when the request's context ends the client gets its error at once,
// while the call itself goes on, as it would across a network.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	request, err := arrived(r)
	if err != nil {
		return nil, err
	}
	if !t.server.begin() {
		return nil, errors.New("the sandbox is closed")
	}
	type outcome struct {
		response *http.Response
		err      error
	}
	ended := make(chan outcome, 1)
	go func() { // ends with the call, which ends with the sandbox at the latest; Close waits for it
		defer t.server.calls.Done()
		w := &recorder{header: http.Header{}}
		if t.server.serveAborting(w, request) {
			ended <- outcome{err: io.ErrUnexpectedEOF}
			return
		}
		ended <- outcome{response: w.response(r)}
	}()
	select {
	case o := <-ended:
		return o.response, o.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// serveAborting is serve for handlers that cut the connection by net/http's panic.
func (s *Server) serveAborting(w http.ResponseWriter, r *http.Request) (dropped bool) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
			dropped = true
		} else if p != nil {
			panic(p)
		}
	}()
	return s.serve(w, r)
}

// arrived is the client's request as a server sees it.
func arrived(r *http.Request) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if closeErr := r.Body.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return nil, fmt.Errorf("read request body: %w", err)
		}
	}
	request := r.Clone(r.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))
	request.RequestURI = r.URL.RequestURI()
	request.RemoteAddr = "127.0.0.1:0"
	request.Proto, request.ProtoMajor, request.ProtoMinor = "HTTP/1.1", 1, 1
	if request.Host == "" {
		request.Host = r.URL.Host
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	return request, nil
}

// recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}
}
