package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// A fate is what becomes of a call.
type fate int

const (
	delivered  fate = iota
	lost            // it never arrives, and the connection breaks
	unanswered      // it is carried out, and the connection breaks before the answer
	failed          // a fault of the server's before anything was done
	failedLate      // a fault of the server's after it was done
	throttled
	contended // it meets another transaction
	denied
	held // until the wire lets it go, which its sender does not wait for
)

// A wire is one run's connection to DynamoDB, on which things go wrong.
type wire struct {
	inner http.RoundTripper

	mu     sync.Mutex
	calls  []string
	decide func(n int, operation string) fate // n from 1, of those with this operation; nil delivers
	after  func(n int, operation string)      // is called when a call was carried out
	free   chan struct{}
	late   sync.WaitGroup
}

// meet decides about calls from now on, counting from here.
func (w *wire) meet(decide func(n int, operation string) fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.decide, w.free = nil, decide, make(chan struct{})
}

// land carries out what is held, and waits until it was.
func (w *wire) land() {
	close(w.free)
	w.late.Wait()
}

func (w *wire) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.calls...)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	w.mu.Lock()
	w.calls = append(w.calls, operation)
	n, f := 0, delivered
	for _, c := range w.calls {
		if c == operation {
			n++
		}
	}
	if w.decide != nil {
		f = w.decide(n, operation)
	}
	after, free := w.after, w.free
	w.mu.Unlock()

	// What has left is carried out, whatever becomes of its sender.
	deliver := func() (*http.Response, error) {
		request := r.Clone(context.WithoutCancel(r.Context()))
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		answer, err := w.inner.RoundTrip(request)
		if err == nil && after != nil {
			after(n, operation)
		}
		return answer, err
	}
	switch f {
	case lost:
		return nil, io.ErrUnexpectedEOF
	case unanswered, failedLate:
		answer, err := deliver()
		if err != nil {
			return nil, err
		}
		answer.Body.Close()
		if f == failedLate {
			return refusal(r, http.StatusInternalServerError, "InternalServerError", "internal"), nil
		}
		return nil, io.ErrUnexpectedEOF
	case failed:
		return refusal(r, http.StatusInternalServerError, "InternalServerError", "internal"), nil
	case contended:
		return refusal(r, http.StatusBadRequest, "TransactionInProgressException", "it is in progress"), nil
	case throttled:
		return refusal(r, http.StatusBadRequest, "ThrottlingException", "slow down"), nil
	case denied:
		return refusal(r, http.StatusBadRequest, "AccessDeniedException", fmt.Sprintf("User: arn:aws:sts::123456789012:assumed-role/release-prod/run is not authorized to perform: dynamodb:%s on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/promote because no identity-based policy allows it", operation)), nil
	case held:
		w.late.Go(func() {
			<-free
			if answer, err := deliver(); err == nil {
				answer.Body.Close()
			}
		})
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return deliver()
}

func refusal(r *http.Request, status int, code, message string) *http.Response {
	body := fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}
}

// always gives every call of the operation the same fate.
func always(operation string, f fate) func(int, string) fate {
	return func(_ int, o string) fate {
		if o == operation {
			return f
		}
		return delivered
	}
}

// first gives the first call of the operation a fate, and delivers the others.
func first(operation string, f fate) func(int, string) fate {
	return func(n int, o string) fate {
		if o == operation && n == 1 {
			return f
		}
		return delivered
	}
}
