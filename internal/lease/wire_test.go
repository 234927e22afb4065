package lease_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A wire is one run's connection to DynamoDB, on which things go wrong.
type wire struct {
	inner  http.RoundTripper
	config aws.Config // for those that change requests

	mu      sync.Mutex
	dead    bool
	calls   []string // operations sent, in order
	fate    func(call) fate
	rewrite func(call) [][]byte   // what is sent instead, for mutants; the last one's answer is the answer
	after   func(call, *response) // sees each call that was carried out, before its answer is delivered
}

// A call is one request on the wire.
type call struct {
	n         int // from 1
	operation string
	body      []byte
}

// about tells whether the request names a text, an attribute or a key for instance.
func (c call) about(text string) bool { return strings.Contains(string(c.body), text) }

// A fate is what happens to a call. The zero value delivers it.
type fate struct {
	loseRequest bool // it never arrives, and nobody answers
	loseAnswer  bool // it is carried out, and the connection breaks before the answer
	contend     bool // it meets another transaction on the same rows
	delay       time.Duration
	until       <-chan struct{} // it is held until this is closed
}

// cut ends all traffic, as the death of the process would.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
}

// on decides about calls from now on.
func (w *wire) on(decide func(call) fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fate = decide
}

// reset forgets the calls so far.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

func (w *wire) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.calls...)
}

type response struct {
	status int
	header http.Header
	body   []byte
}

func (r *response) http(to *http.Request) *http.Response {
	return &http.Response{StatusCode: r.status, Header: r.header, Body: io.NopCloser(bytes.NewReader(r.body)), Request: to, ContentLength: int64(len(r.body)), ProtoMajor: 1, ProtoMinor: 1}
}

var errDead = errors.New("the process is dead")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c := call{operation: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."), body: body}
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return nil, errDead
	}
	w.calls = append(w.calls, c.operation)
	c.n = len(w.calls)
	var f fate
	if w.fate != nil {
		f = w.fate(c)
	}
	w.mu.Unlock()

	switch {
	case f.loseRequest:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case f.contend:
		return contended(c).http(r), nil
	case f.delay == 0 && f.until == nil:
		answer, err := w.deliver(r, c)
		if err != nil || f.loseAnswer {
			return nil, errors.Join(err, io.ErrUnexpectedEOF)
		}
		return answer.http(r), nil
	}
	type result struct {
		answer *response
		err    error
	}
	done := make(chan result, 1)
	go func() { // ends when the call was carried out, also past its sender's life
		if f.until != nil {
			<-f.until
		}
		time.Sleep(f.delay)
		answer, err := w.deliver(r, c)
		done <- result{answer, err}
	}()
	select {
	case res := <-done:
		if res.err != nil || f.loseAnswer {
			return nil, errors.Join(res.err, io.ErrUnexpectedEOF)
		}
		return res.answer.http(r), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (w *wire) deliver(r *http.Request, c call) (answer *response, err error) {
	bodies := [][]byte{c.body}
	if w.rewrite != nil {
		bodies = w.rewrite(c)
	}
	for _, body := range bodies {
		c.body = body
		if answer, err = w.carry(r, c); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func (w *wire) carry(r *http.Request, c call) (*response, error) {
	// What was sent is carried out, whatever becomes of its sender; so is a dead one's.
	request := r.Clone(context.WithoutCancel(r.Context()))
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body))
	if w.rewrite != nil {
		if err := w.sign(request, c.body); err != nil {
			return nil, err
		}
	}
	answer, err := w.inner.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	out := &response{status: answer.StatusCode, header: answer.Header}
	if out.body, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	if w.after != nil {
		w.after(c, out)
		out.header.Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE(out.body)))
	}
	return out, nil
}

// sign signs anew what was changed on the way.
func (w *wire) sign(r *http.Request, body []byte) error {
	credentials, err := w.config.Credentials.Retrieve(r.Context())
	if err != nil {
		return err
	}
	r.Header.Del("Authorization")
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(sum[:]), "dynamodb", w.config.Region, time.Now())
}

// contended is how DynamoDB refuses what meets a transaction on the same rows.
func contended(c call) *response {
	const namespace = "com.amazonaws.dynamodb.v20120810#"
	fields := map[string]any{"__type": namespace + "TransactionConflictException", "message": "Transaction is ongoing for the item"}
	if c.operation == "TransactWriteItems" {
		var in struct{ TransactItems []any }
		_ = json.Unmarshal(c.body, &in)
		reasons := make([]map[string]string, len(in.TransactItems))
		for i := range reasons {
			reasons[i] = map[string]string{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
		}
		fields = map[string]any{"__type": namespace + "TransactionCanceledException", "message": "Transaction cancelled", "CancellationReasons": reasons}
	}
	body, _ := json.Marshal(fields)
	return &response{status: http.StatusBadRequest, header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, body: body}
}
