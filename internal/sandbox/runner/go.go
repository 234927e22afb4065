package runner

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"
)

// A Handler is a function's code in Go. An error is answered as an unhandled error of the function whose
// errorType is the error's Go type. It has to honour ctx, which ends with the function's timeout.
type Handler func(ctx context.Context, in Input) (Output, error)

// Go is a [Runner] for tests: it finds the handler by the text of the zip's file `bootstrap`, or by the
// digest of a container image. It starts no process, opens no socket and sleeps nowhere, so it can be used in a testing/synctest bubble.
type Go struct {
	mu       sync.Mutex
	handlers map[string]Handler
	texts    map[string]string // code digest -> text of bootstrap
	closed   bool
}

// NewGo returns a runner that knows no code yet.
func NewGo() *Go {
	return &Go{handlers: map[string]Handler{}, texts: map[string]string{}}
}

// Register makes h the code of every zip whose `bootstrap` holds exactly this text, and of the image with
// this digest.
func (g *Go) Register(bootstrap string, h Handler) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handlers[bootstrap] = h
}

// Invoke runs the registered handler on the caller's goroutine.
func (g *Go) Invoke(ctx context.Context, in Input) (Output, error) {
	h, err := g.handler(in.Code)
	if err != nil {
		return Output{}, err
	}
	if h == nil {
		out := missingBootstrap(in)
		out.Log = framed(in, nil, 0, 0)
		return out, nil
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, in.Timeout)
	defer cancel()
	out, err := call(ctx, h, in)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(begin) >= in.Timeout:
		wrote := out.Log
		out = timedOut(in)
		out.Log = wrote
	case ctx.Err() != nil && err != nil:
		return Output{}, err // the caller went away; nobody is left to hear how the code ended
	case err != nil:
		wrote := out.Log
		out = failure{Type: typeName(err), Message: err.Error()}.output()
		out.Log = wrote
	}
	out = checked(out)
	out.Log = framed(in, out.Log, time.Since(begin), 0)
	return out, nil
}

// Close forgets the handlers. Running ones end with their context.
func (g *Go) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return nil
}

// handler returns nil without error for code that nobody registered.
func (g *Go) handler(c Code) (Handler, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errors.New("run a function: the runner is closed")
	}
	if c.Image != "" {
		return g.handlers[c.Digest], nil
	}
	text, known := g.texts[c.Digest]
	if !known {
		var err error
		if text, err = readBootstrap(c.Zip); err != nil {
			return nil, nil
		}
		g.texts[c.Digest] = text
	}
	return g.handlers[text], nil
}

// call turns a panic of test code into what AWS shows for a crash.
func call(ctx context.Context, h Handler, in Input) (out Output, err error) {
	defer func() {
		if p := recover(); p != nil {
			out = failure{Type: "Runtime.ExitError", Message: fmt.Sprintf("RequestId: %s Error: Runtime exited with error: exit status 2 (panic: %v)", in.RequestID, p)}.output()
		}
	}()
	return h(ctx, in)
}

func readBootstrap(pack []byte) (string, error) {
	z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		return "", err
	}
	f, err := z.Open("bootstrap")
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(text), err
}

func missingBootstrap(in Input) Output {
	return failure{
		Type:    "Runtime.InvalidEntrypoint",
		Message: fmt.Sprintf("RequestId: %s Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", in.RequestID),
	}.output()
}

// typeName is an error's type as Lambda's Go runtime names it: without package and pointer.
func typeName(err error) string {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
