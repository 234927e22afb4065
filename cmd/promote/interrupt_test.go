package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The first signal comes while aliases move, under locks: everything is put back, recorded and given back, and the
// program is gone in six seconds. A second signal changes nothing of that.
func TestInterruptedInTheMiddleOfMoves(t *testing.T) {
	t.Parallel()
	for _, nth := range []int{1, 3, 5} {
		for _, fate := range []string{lost, landed} {
			t.Run(fmt.Sprintf("the answer to move %d of 5 is missing, the move is %s", nth, fate), func(t *testing.T) {
				t.Parallel()
				m := newMorgue(t, death{scene: "five", fate: fate})
				took, code, said := m.interrupt(nth)
				if took > 6*time.Second {
					t.Errorf("it took %s from the signal to the end", took)
				}
				if code != 5 {
					t.Errorf("exit code %d:\n%s", code, said)
				}
				m.rest("after a signal", false)
				for _, f := range m.functions {
					if err := m.s.holds(nil, []string{f, "prod", "1"}); err != nil {
						t.Error(err)
					}
				}
				if strings.Contains(said, "could not be") {
					t.Errorf("it says:\n%s", said)
				}
				t.Logf("gone %s after the signal", took.Round(time.Millisecond))
			})
		}
	}
}

// interrupt runs the program, and interrupts it when the nth alias is to be moved, which is not answered any more.
func (m *morgue) interrupt(nth int) (took time.Duration, code int, said string) {
	cmd := m.command(nil, "run")
	var mu sync.Mutex
	var moves int
	var began time.Time
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server := m.s.cloud.Server()
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/aliases/") {
			server.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		moves++
		due := moves == nth
		if due {
			began = time.Now()
		}
		mu.Unlock()
		if !due {
			server.ServeHTTP(w, r)
			return
		}
		request, err := detached(r)
		if err != nil {
			m.t.Error(err)
		}
		if m.fate == landed {
			server.ServeHTTP(httptest.NewRecorder(), request)
		}
		for range 2 {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				m.t.Error(err)
			}
		}
		<-r.Context().Done() // it is not answered
	}))
	defer front.Close()
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+front.URL)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	mu.Lock()
	err := cmd.Start()
	mu.Unlock()
	if err != nil {
		m.t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code is looked at by the caller
	mu.Lock()
	defer mu.Unlock()
	return time.Since(began), cmd.ProcessState.ExitCode(), out.String()
}
