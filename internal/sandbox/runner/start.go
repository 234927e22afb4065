package runner

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed runtime.py
var pythonRuntime []byte

//go:embed runtime.mjs
var nodeRuntime []byte

// An interpreter is a program of this machine that stands in for one of Lambda's runtimes.
type interpreter struct {
	once    sync.Once
	program string
	err     error
}

// lambdaWords is an error that Lambda words, capital letter and all.
type lambdaWords string

func (w lambdaWords) Error() string { return string(w) }

// command is the program that starts the code, with its arguments.
func (p *Process) command(in Input, dir string) ([]string, error) {
	switch {
	case strings.HasPrefix(in.Runtime, "provided"):
		path := filepath.Join(dir, "bootstrap")
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return nil, lambdaWords("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
		}
		return []string{path}, nil
	case strings.HasPrefix(in.Runtime, "python"):
		return p.interpreted("python3", "import sys; print(sys.executable)", "runtime.py", pythonRuntime)
	case strings.HasPrefix(in.Runtime, "nodejs"):
		return p.interpreted("node", "console.log(process.execPath)", "runtime.mjs", nodeRuntime)
	}
	return nil, fmt.Errorf("the sandbox cannot run %s: it runs provided.al2, provided.al2023, python3.x and nodejs", in.Runtime)
}

func (p *Process) interpreted(name, where, file string, text []byte) ([]string, error) {
	program, err := p.interpreter(name, where)
	if err != nil {
		return nil, err
	}
	dir, err := p.dir("runtime")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return nil, fmt.Errorf("write the runtime for %s: %w", name, err)
	}
	return []string{program, path}, nil
}

// interpreter finds the program itself: what is on PATH may be a shell script that needs this user's
// environment, which a function does not get.
func (p *Process) interpreter(name, where string) (string, error) {
	p.mu.Lock()
	found := p.interpreters[name]
	if found == nil {
		found = &interpreter{}
		p.interpreters[name] = found
	}
	p.mu.Unlock()
	found.once.Do(func() { found.program, found.err = Interpreter(name, where) })
	return found.program, found.err
}

// Interpreter asks the program `name` on PATH where its executable is, by running the script `where`.
func Interpreter(name, where string) (string, error) {
	flag := "-c"
	if name == "node" {
		flag = "-e"
	}
	out, err := exec.Command(name, flag, where).Output()
	if err != nil {
		return "", fmt.Errorf("find %s on this machine: %w", name, err)
	}
	return string(bytes.TrimSpace(out)), nil
}

// environment is all that the process sees: Lambda's variables, the runner's and the function's own.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func (p *Process) environment(in Input, dir, api string) []string {
	env := map[string]string{
		"PATH":             "/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"LANG":             "en_US.UTF-8",
		"TZ":               ":UTC",
		"TMPDIR":           os.TempDir(),
		"LAMBDA_TASK_ROOT": dir,
		"_HANDLER":         in.Handler,

		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_FUNCTION_NAME":        in.Function,
		"AWS_LAMBDA_FUNCTION_VERSION":     in.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(in.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME":       in.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02/") + "[" + in.Version + "]" + folderName(in.Digest)[:16],
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_EXECUTION_ENV":               "AWS_Lambda_" + in.Runtime,
		"AWS_REGION":                      in.Region,
		"AWS_DEFAULT_REGION":              in.Region,
		"PYTHONUNBUFFERED":                "1",
		"PYTHONDONTWRITEBYTECODE":         "1",
	}
	for _, more := range []map[string]string{p.Env, in.Environment} {
		for k, v := range more {
			env[k] = v
		}
	}
	list := make([]string, 0, len(env))
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	sort.Strings(list)
	return list
}
