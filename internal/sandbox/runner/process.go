package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Limits of the warm pool. Lambda has a thousand instances an account; a laptop has not.
const (
	instancesPerVersion = 4
	instancesInAll      = 24
)

// Process is a [Runner] that executes deployment packages on this machine, with the rights of the user
// who runs the sandbox: it isolates nothing, so only code that one would run by hand belongs in it.
//
// provided.al2 and provided.al2023 start the package's `bootstrap`; python3.x and nodejs start this
// machine's interpreter with a small runtime that loads the handler. Each instance is one process with a
// Runtime API on loopback; it serves one invocation at a time and stays warm for the next.
type Process struct {
	// Env is given to every function besides Lambda's own variables and the function's: where the
	// sandbox listens, and credentials for it.
	Env map[string]string

	mu           sync.Mutex
	root         string // where packages are unpacked; "" until the first
	closed       bool
	unpacked     map[string]*unpacking
	interpreters map[string]*interpreter
	pools        map[string]*pool
	running      int
	freed        chan struct{} // closed and replaced whenever an instance becomes idle or ends
}

// A pool is the instances of one version.
type pool struct {
	idle []*instance
	all  map[*instance]struct{}
}

// NewProcess returns a runner without instances. It writes under the system's temporary directory, from
// the first invocation until Close.
func NewProcess() *Process {
	return &Process{
		unpacked:     map[string]*unpacking{},
		interpreters: map[string]*interpreter{},
		pools:        map[string]*pool{},
		freed:        make(chan struct{}),
	}
}

// Invoke runs one invocation on a warm instance, or starts one.
func (p *Process) Invoke(ctx context.Context, in Input) (Output, error) {
	if in.Image != "" {
		out := failure{Type: "Runtime.InvalidEntrypoint", Message: fmt.Sprintf("RequestId: %s Error: the sandbox runs zip packages; it does not run container images", in.RequestID)}.output()
		out.Log = framed(in, nil, 0, 0)
		return out, nil
	}
	inst, fresh, err := p.acquire(ctx, in)
	if err != nil {
		return Output{}, err
	}
	var initTook time.Duration
	if fresh {
		begin := time.Now()
		if broken := inst.start(ctx, p, in); broken != nil {
			out := *broken
			out.Log = framed(in, inst.wrote(), time.Since(begin), 0)
			p.release(in.Instance, inst, false)
			return out, nil
		}
		initTook = inst.initTook
	}
	begin := time.Now()
	out, healthy, err := inst.serve(ctx, in)
	if err != nil {
		p.release(in.Instance, inst, false)
		return Output{}, err
	}
	out = checked(out)
	out.Log = framed(in, inst.wrote(), time.Since(begin), initTook)
	p.release(in.Instance, inst, healthy)
	return out, nil
}

// Close ends every process and removes what was unpacked.
func (p *Process) Close() error {
	p.mu.Lock()
	p.closed = true
	var all []*instance
	for _, pool := range p.pools {
		for inst := range pool.all {
			all = append(all, inst)
		}
	}
	root := p.root
	p.wake()
	p.mu.Unlock()
	for _, inst := range all {
		inst.stop()
	}
	if root == "" {
		return nil
	}
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("remove the unpacked functions: %w", err)
	}
	return nil
}

var errClosed = errors.New("run a function: the runner is closed")

// acquire returns an idle instance, or room for a fresh one, waiting for either.
func (p *Process) acquire(ctx context.Context, in Input) (inst *instance, fresh bool, err error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, false, errClosed
		}
		mine := p.pools[in.Instance]
		if mine == nil {
			mine = &pool{all: map[*instance]struct{}{}}
			p.pools[in.Instance] = mine
		}
		if n := len(mine.idle); n > 0 {
			inst = mine.idle[n-1]
			mine.idle = mine.idle[:n-1]
			p.mu.Unlock()
			return inst, false, nil
		}
		var victim *instance
		room := len(mine.all) < instancesPerVersion
		if room && p.running >= instancesInAll {
			victim = p.evict()
			room = victim != nil
		}
		if room {
			inst = &instance{}
			mine.all[inst] = struct{}{}
			p.running++
			p.mu.Unlock()
			if victim != nil {
				victim.stop()
			}
			return inst, true, nil
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, false, fmt.Errorf("wait for an instance of %s: %w", in.Function, context.Cause(ctx))
		}
	}
}

// evict takes the instance that has been idle longest out of its pool. The caller holds the lock.
func (p *Process) evict() *instance {
	var oldest *instance
	var from string
	for key, pool := range p.pools {
		if len(pool.idle) > 0 && (oldest == nil || pool.idle[0].idleSince.Before(oldest.idleSince)) {
			oldest, from = pool.idle[0], key
		}
	}
	if oldest != nil {
		p.pools[from].idle = p.pools[from].idle[1:]
		p.forget(from, oldest)
	}
	return oldest
}

// release puts an instance back, or ends it when it is not fit for another invocation.
func (p *Process) release(key string, inst *instance, healthy bool) {
	p.mu.Lock()
	healthy = healthy && !p.closed
	if healthy {
		inst.idleSince = time.Now()
		p.pools[key].idle = append(p.pools[key].idle, inst)
	} else {
		p.forget(key, inst)
	}
	p.wake()
	p.mu.Unlock()
	if !healthy {
		inst.stop()
	}
}

// forget strikes an instance off. The caller holds the lock.
func (p *Process) forget(key string, inst *instance) {
	pool := p.pools[key]
	if _, known := pool.all[inst]; !known {
		return
	}
	delete(pool.all, inst)
	p.running--
	if len(pool.all) == 0 {
		delete(p.pools, key)
	}
}

func (p *Process) wake() {
	close(p.freed)
	p.freed = make(chan struct{})
}

// dir returns a directory of this runner's own, made at first use.
func (p *Process) dir(parts ...string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", errClosed
	}
	if p.root == "" {
		root, err := os.MkdirTemp("", "sandbox-functions-")
		if err != nil {
			return "", fmt.Errorf("make a directory for unpacked functions: %w", err)
		}
		p.root = root
	}
	path := filepath.Join(append([]string{p.root}, parts...)...)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", fmt.Errorf("make a directory for unpacked functions: %w", err)
	}
	return path, nil
}
