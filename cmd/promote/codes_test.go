package main_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// A code is "NAME", which works, or "KIND/NAME". Its name tells two codes of a kind apart and goes into the bytes.
//
//	echo   answers {"ok":true,"code":...,"version":...,"env":{...}}, to an event of the HTTP API as a response
//	red    answers {"ok":false,...}, with status 500
//	crash  ends before it can be asked anything
//	raise  answers with an error of its own
//	text   answers with something that is not JSON
//	slow   answers after the caller has given up
//	noisy  writes workflow commands into its log and its answer
//	leaky  answers with the headers and the environment that it was given
func (s *stage) handler(code string) runner.Handler {
	kind, name, found := strings.Cut(code, "/")
	if !found {
		kind, name = "echo", code
	}
	switch kind {
	case "echo", "red":
		return func(_ context.Context, in runner.Input) (runner.Output, error) {
			return answer(kind == "echo", name, in)
		}
	case "crash":
		return func(_ context.Context, in runner.Input) (runner.Output, error) {
			return runner.Output{
				Payload: fmt.Appendf(nil, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: %s Error: Runtime exited with error: exit status 1"}`, in.RequestID),
				Log:     []byte("Traceback: no module named 'orders'\nINIT_REPORT Init Duration: 12.00 ms Phase: init Status: error Error Type: Runtime.ExitError\n"), FunctionError: "Unhandled",
			}, nil
		}
	case "raise":
		return func(context.Context, runner.Input) (runner.Output, error) {
			return runner.Output{Log: []byte("about to fail\n")}, errors.New("the table orders does not exist")
		}
	case "text":
		return func(context.Context, runner.Input) (runner.Output, error) {
			return runner.Output{Payload: []byte("<html>It works!</html>")}, nil
		}
	case "slow":
		return func(ctx context.Context, in runner.Input) (runner.Output, error) {
			select {
			case s.invoked <- struct{}{}:
			default:
			}
			timer := time.NewTimer(time.Minute)
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return runner.Output{}, ctx.Err()
			case <-timer.C:
				return answer(true, name, in)
			}
		}
	case "noisy":
		return func(context.Context, runner.Input) (runner.Output, error) {
			const commands = "::error::from the function\n::stop-commands::mine\n##[error]from the function\n::add-mask::promote\n"
			document, err := json.Marshal(map[string]any{"ok": false, "said": commands})
			return runner.Output{Payload: document, Log: []byte(commands)}, err
		}
	case "leaky":
		return func(_ context.Context, in runner.Input) (runner.Output, error) {
			body, err := json.Marshal(map[string]any{"ok": false, "event": json.RawMessage(in.Payload)})
			if err != nil {
				return runner.Output{}, err
			}
			document, err := json.Marshal(map[string]any{"statusCode": 500, "body": string(body)})
			return runner.Output{Payload: document, Log: in.Payload}, err
		}
	}
	return nil
}

// answer tells what runs, as a response where the event is one of the HTTP API.
func answer(ok bool, name string, in runner.Input) (runner.Output, error) {
	var event struct{ Version, RawPath string }
	_ = json.Unmarshal(in.Payload, &event) // an event of another shape has no version
	seen := map[string]any{"ok": ok, "code": name, "version": in.Version, "env": in.Environment}
	if event.Version == "2.0" {
		body, err := json.Marshal(seen)
		if err != nil {
			return runner.Output{}, err
		}
		status := 200
		if !ok {
			status = 500
		}
		seen = map[string]any{"statusCode": status, "headers": map[string]string{"content-type": "application/json"}, "body": string(body)}
	}
	document, err := json.Marshal(seen)
	return runner.Output{Payload: document}, err
}

// bootstrap is the text by which the Go runner knows a code.
func (s *stage) bootstrap(code string) ([]byte, error) {
	h := s.handler(code)
	if h == nil {
		return nil, fmt.Errorf("there is no code of the kind of %q", code)
	}
	text := "code " + code + "\n"
	s.code.Register(text, h)
	return []byte(text), nil
}

// packed is a deployment package of one code.
func (s *stage) packed(code string) ([]byte, error) {
	text, err := s.bootstrap(code)
	if err != nil {
		return nil, err
	}
	return stored("bootstrap", text)
}

// stored is a zip archive of one program that is not compressed.
func stored(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Store, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}

// claiming is a zip archive whose directory says that its one program has so many bytes.
func claiming(name string, size uint64) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, UncompressedSize64: size}
	header.SetMode(0o755)
	_, err := z.CreateRaw(header)
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}
