package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// initLimit is Lambda's time for an instance to come up.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const initLimit = 10 * time.Second

// maxLog bounds what is read back of an invocation's output.
const maxLog = 1 << 20

// An instance is one process and the Runtime API that it talks to.
type instance struct {
	api       *runtimeAPI
	cmd       *exec.Cmd
	exited    chan struct{} // closed when the process has ended; exit is set then
	exit      string        // Lambda's words for how it ended
	log       *os.File      // what the process writes; a file, so that nothing is in flight when it answers
	logRead   int64
	initTook  time.Duration
	idleSince time.Time
	stopping  sync.Once
}

// start brings the process up. A nil answer is a running instance; else it is the failure that the
// invocation ends with.
func (i *instance) start(ctx context.Context, p *Process, in Input) *Output {
	begin := time.Now()
	if err := i.launch(p, in); err != nil {
		out := failure{Type: "Runtime.InvalidEntrypoint", Message: fmt.Sprintf("RequestId: %s Error: %v", in.RequestID, err)}.output()
		return &out
	}
	limit := time.NewTimer(max(initLimit, in.Timeout))
	defer limit.Stop()
	select {
	case <-i.api.ready:
		i.initTook = time.Since(begin)
		return nil
	case doc := <-i.api.initError:
		return &Output{Payload: doc, FunctionError: "Unhandled"}
	case <-i.exited:
		// A runtime reports what went wrong and then exits: the report says more.
		select {
		case doc := <-i.api.initError:
			return &Output{Payload: doc, FunctionError: "Unhandled"}
		default:
		}
		out := failure{Type: "Runtime.ExitError", Message: fmt.Sprintf("RequestId: %s Error: %s", in.RequestID, i.exit)}.output()
		return &out
	case <-limit.C:
		out := timedOut(in)
		return &out
	case <-ctx.Done():
		out := failure{Type: "Sandbox.Interrupted", Message: fmt.Sprintf("RequestId: %s Error: %v", in.RequestID, context.Cause(ctx))}.output()
		return &out
	}
}

func (i *instance) launch(p *Process, in Input) error {
	i.exited = make(chan struct{})
	dir, err := p.unpack(in.Code)
	if err != nil {
		return err
	}
	start, err := p.command(in, dir)
	if err != nil {
		return err
	}
	logs, err := p.dir("log")
	if err != nil {
		return err
	}
	if i.log, err = openLog(logs); err != nil {
		return err
	}
	if i.api, err = serveRuntimeAPI(); err != nil {
		return err
	}
	i.cmd = exec.Command(start[0], start[1:]...)
	i.cmd.Dir = dir
	i.cmd.Env = p.environment(in, dir, i.api.address)
	i.cmd.Stdout, i.cmd.Stderr = i.log, i.log
	ownGroup(i.cmd)
	if err := i.cmd.Start(); err != nil {
		i.cmd = nil
		return lambdaWords(strings.ReplaceAll(err.Error(), dir, "/var/task"))
	}
	go func() { // ends with the process, which stop kills
		if err := i.cmd.Wait(); err != nil {
			i.exit = "Runtime exited with error: " + err.Error()
		} else {
			i.exit = "Runtime exited without providing a reason"
		}
		close(i.exited)
	}()
	return nil
}

// serve hands the process one invocation. healthy says whether it can take another.
func (i *instance) serve(ctx context.Context, in Input) (out Output, healthy bool, err error) {
	answer := i.api.offer(in, time.Now().Add(in.Timeout))
	limit := time.NewTimer(in.Timeout)
	defer limit.Stop()
	select {
	case out = <-answer:
		return out, true, nil
	case <-i.exited:
		select {
		case out = <-answer:
			return out, false, nil
		default:
		}
		return failure{Type: "Runtime.ExitError", Message: fmt.Sprintf("RequestId: %s Error: %s", in.RequestID, i.exit)}.output(), false, nil
	case <-limit.C:
		return timedOut(in), false, nil
	case <-ctx.Done():
		return Output{}, false, fmt.Errorf("invoke %s: %w", in.Function, context.Cause(ctx))
	}
}

// openLog makes the file that the process appends to.
func openLog(dir string) (*os.File, error) {
	made, err := os.CreateTemp(dir, "instance-")
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	if err := made.Close(); err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	return os.OpenFile(made.Name(), os.O_RDWR|os.O_APPEND, 0o600)
}

// wrote returns what the process has written since the last call.
func (i *instance) wrote() []byte {
	if i.log == nil {
		return nil
	}
	info, err := i.log.Stat()
	if err != nil {
		return nil
	}
	text := make([]byte, min(info.Size()-i.logRead, maxLog))
	n, _ := i.log.ReadAt(text, i.logRead) // io.EOF with what is there
	i.logRead = info.Size()
	if i.logRead > maxLog && i.log.Truncate(0) == nil {
		i.logRead = 0
	}
	return text[:n]
}

func (i *instance) stop() {
	i.stopping.Do(func() {
		if i.cmd != nil {
			killGroup(i.cmd)
			<-i.exited
		}
		if i.api != nil {
			i.api.close()
		}
		if i.log != nil {
			name := i.log.Name()
			i.log.Close()
			os.Remove(name)
		}
	})
}
