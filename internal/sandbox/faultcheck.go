package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

var kinds = []Kind{FailBefore, FailAfter, DropResponse, Hold, Delay, Throttle, ForeignWrite, EndFailed, NeverSettle, TransientWeights}

// check says everything that is wrong with a fault, so that no test waits for one that can never fire.
func (f *Fault) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(kinds, f.Kind) {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = string(k)
		}
		wrong("kind %q: one of %s is needed", f.Kind, strings.Join(names, ", "))
		return errors.Join(errs...)
	}
	only := func(name string, set bool, allowed ...Kind) {
		if set && !slices.Contains(allowed, f.Kind) {
			wrong("%s: does not go with kind %s", name, f.Kind)
		}
	}
	only("status", f.Status != 0, FailBefore, FailAfter)
	only("code", f.Code != "", FailBefore, FailAfter, EndFailed)
	only("message", f.Message != "", FailBefore, FailAfter, Throttle, EndFailed)
	only("retryAfter", f.RetryAfter != 0, Throttle)
	only("delay", f.Delay != 0, Delay)
	only("lasts", f.Lasts != 0, TransientWeights)
	only("write", f.Write != nil, ForeignWrite)
	if f.Nth < 0 {
		wrong("nth %d: calls are counted from 1", f.Nth)
	}
	if f.Count < -1 {
		wrong("count %d: a number of calls, or -1 for all, is needed", f.Count)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		wrong("status %d: a status from 400 to 599 is needed", f.Status)
	}
	if f.RetryAfter < 0 {
		wrong("retryAfter %d: a number of seconds is needed", f.RetryAfter)
	}
	if f.Kind == Delay && f.Delay <= 0 {
		wrong("delay: a duration such as \"1.5s\" is needed")
	}
	if f.Lasts < 0 {
		wrong("lasts: a duration such as \"5s\" is needed")
	}
	switch f.Kind {
	case EndFailed, NeverSettle, TransientWeights:
		if f.Service != "" && f.Service != "lambda" {
			wrong("service %q: kind %s is for calls of lambda", f.Service, f.Kind)
		}
		f.Service = "lambda"
	}
	if f.Kind == ForeignWrite {
		errs = append(errs, f.Write.check())
	}
	return errors.Join(errs...)
}

func (w *Write) check() error {
	if w == nil {
		return fmt.Errorf("write: an operation with its parameters is needed")
	}
	switch w.When {
	case "":
		w.When = Before
	case Before, After:
	default:
		return fmt.Errorf("write.when %q: before or after is needed", w.When)
	}
	if w.Service == "" {
		w.Service = "lambda"
	}
	_, err := w.request()
	return err
}

// wireFault is a fault as JSON has it.
type wireFault struct {
	*plainFault
	Delay string `json:"delay,omitempty"`
	Lasts string `json:"lasts,omitempty"`
}

type plainFault Fault

// UnmarshalJSON reads a fault and refuses members that it does not know.
func (f *Fault) UnmarshalJSON(text []byte) error {
	wire := wireFault{plainFault: (*plainFault)(f)}
	if err := strict(text, &wire); err != nil {
		return err
	}
	for _, d := range []struct {
		name, text string
		to         *time.Duration
	}{{"delay", wire.Delay, &f.Delay}, {"lasts", wire.Lasts, &f.Lasts}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.to, err = time.ParseDuration(d.text); err != nil {
			return fmt.Errorf("%s %q: a duration such as \"1.5s\" is needed", d.name, d.text)
		}
	}
	return nil
}

// MarshalJSON writes the fault with what came of it.
func (f FaultState) MarshalJSON() ([]byte, error) {
	wire := struct {
		ID string `json:"id"`
		wireFault
		Matched  int    `json:"matched"`
		Fired    int    `json:"fired"`
		Held     int    `json:"held"`
		Released bool   `json:"released,omitempty"`
		Error    string `json:"error,omitempty"`
	}{ID: f.ID, Matched: f.Matched, Fired: f.Fired, Held: f.Held, Released: f.Released, Error: f.Error}
	wire.plainFault = (*plainFault)(&f.Fault)
	if f.Delay != 0 {
		wire.wireFault.Delay = f.Delay.String()
	}
	if f.Lasts != 0 {
		wire.wireFault.Lasts = f.Lasts.String()
	}
	return json.Marshal(wire)
}

// strict reads one JSON document into v and refuses unknown members and anything after it.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is something after the JSON document")
	}
	return nil
}
