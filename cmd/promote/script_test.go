package main_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	main "github.com/promote-on-success/promote/cmd/promote"
)

var update = flag.Bool("update", false, "write what is compared: the scripts' golden files, and the generated parts of README.md")

// atOnce is how many scripts play at the same time: they wait more than they compute.
const atOnce = 6

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "promote" { // that is the program itself, which has flags of its own
		flag.Parse()
		if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
			if err := parallel.Value.Set(strconv.Itoa(atOnce)); err != nil {
				panic(err)
			}
		}
	}
	testscript.Main(m, map[string]func(){"promote": main.Main})
}

// Each script is one story of the real binary against a sandbox of its own. Besides testscript's own commands
// (https://pkg.go.dev/github.com/rogpeppe/go-internal/testscript) there are those of commands, in stage_test.go.
func TestScripts(t *testing.T) {
	t.Parallel()
	play(t, "testdata/script")
}

// The corpus of bad luck: what a person reads, the exit code, and that nothing was changed.
func TestBadLuck(t *testing.T) {
	t.Parallel()
	play(t, "testdata/badluck")
}

func play(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Setup:               setStage,
		Cmds:                commands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
	})
}

// commands are what scripts can say.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// sandbox [-update-time D] [-latency D] [-oidc] [-no-table]: an AWS on loopback; the variables point there. With -oidc
	// there are no keys, but a workflow's identity token.
	"sandbox": verb((*stage).sandbox).command(),
	// table [REGION...]: the lock table, as setup makes it. The sandbox's own region has it already.
	"table": verb((*stage).table).command(),
	// shop: a sandbox in which checkout is released to prod already, and v1 is to be
	"shop": verb((*stage).shop).command(),
	// action [NAME=VALUE...]: from here on the program is a step of a workflow, with the inputs' defaults.
	"action": verb((*stage).action).command(),
	// input NAME VALUE, or input NAME @FILE
	"input": verb((*stage).input).command(),

	// function NAME CODE: as an infrastructure tool makes it. What a CODE does: see codes_test.go.
	"function": verb((*stage).function).command(),
	// zip FILE CODE; tree FOLDER CODE
	"zip":  verb((*stage).zip).command(),
	"tree": verb((*stage).tree).command(),
	// archive FILE ENTRY MEGABYTES [claimed]: a zip with one entry that is not compressed, or that only claims to be so large
	"archive": verb((*stage).archive).command(),
	// publish FUNCTION; alias FUNCTION NAME VERSION [VERSION=WEIGHT]
	"publish": verb((*stage).publish).command(),
	"alias":   verb((*stage).alias).command(),
	// configure FUNCTION NAME=VALUE...: environment variables of $LATEST
	"configure": verb((*stage).configure).command(),
	// timeout FUNCTION SECONDS: how long $LATEST may take to answer
	"timeout": verb((*stage).timeout).command(),
	// bucket NAME; object s3://BUCKET/KEY FILE; image REPOSITORY:TAG CODE; image-function NAME REPOSITORY:TAG
	"bucket":         verb((*stage).bucket).command(),
	"object":         verb((*stage).object).command(),
	"image":          verb((*stage).image).command(),
	"image-function": verb((*stage).imageFunction).command(),

	// deny ACTION [RESOURCE]; fault JSON; foreign-code FUNCTION CODE OPERATION: somebody else uploads code right
	// before that call. calm ends them all.
	"deny":         verb((*stage).deny).command(),
	"fault":        verb((*stage).fault).command(),
	"foreign-code": verb((*stage).foreignCode).command(),
	"calm":         verb((*stage).calm).command(),

	// exits [-leaving] CODE promote ARG...: run it, hold it to its exit code, and note the calls that it made. Afterwards
	// nobody holds a lock and nothing is half done, unless it is to leave such a thing.
	"exits": verb((*stage).exits).command(),
	// whole: nobody holds a lock, and nothing is half done
	"whole": verb((*stage).whole).command(),
	// held: wait until the last fault holds a call. released: let it go on, and wait for its end.
	"held":     verb((*stage).held).command(),
	"released": verb((*stage).released).command(),
	// recorded FUNCTION VERSION: what the ledger says of shop's prod. history KIND...: its entries, oldest first.
	"recorded": verb((*stage).recorded).command(),
	"history":  verb((*stage).history).command(),
	// foreign-table NAME: a table of somebody else's
	"foreign-table": verb((*stage).foreignTable).command(),
	// restore APP ENVIRONMENT FENCE: the lock's rows are those of a backup
	"restore": verb((*stage).restore).command(),
	// carried: what the last step put into GITHUB_ENV is in the next one's environment
	"carried": verb((*stage).carried).command(),
	// post STATUS: from here on it is the post-entrypoint of the step that ran last, in a job that ended so. step [RUN]:
	// another step, maybe of another run.
	"post": verb((*stage).post).command(),
	"step": verb((*stage).step).command(),
	// freeze: stop the programs in the background. thaw: let them go on.
	"freeze": verb((*stage).freeze).command(),
	"thaw":   verb((*stage).thaw).command(),
	// keep OUTPUT VARIABLE: of the last step
	"keep": verb((*stage).keep).command(),
	// hub-commit NAME[=PARENT]...: commits at GitHub, whose hashes the variables get. hub-down, hub-up: whether GitHub answers.
	"hub-commit": verb((*stage).hubCommit).command(),
	"hub-down":   verb((*stage).hubDown).command(),
	"hub-up":     verb((*stage).hubUp).command(),
	// hub-pull NUMBER COMMIT: the step is one of that pull request. commented NUMBER PATTERN: what its one comment says.
	"hub-pull":  verb((*stage).hubPull).command(),
	"commented": verb((*stage).commented).command(),
	// at-most DURATION: how long the last run may have taken
	"at-most": verb((*stage).atMost).command(),
	// asked: wait until a function of kind slow was invoked
	"asked": verb((*stage).asked).command(),
	// calls PATTERN=N...: how many calls SERVICE:OPERATION there were; `writes` are those that change something, apart
	// from the lock table's rows
	"calls": verb((*stage).calls).command(),
	// [!] holds FUNCTION ALIAS VERSION: what the alias holds, weights included
	"holds": verb((*stage).holds).command(),
	// answers FUNCTION QUALIFIER PATTERN: what it answers to an invocation
	"answers": verb((*stage).answers).command(),
	// output NAME PATTERN: of the last step
	"output": verb((*stage).output).command(),
	// well-delimited: every output of the last step has a random delimiter of its own
	"well-delimited": verb((*stage).wellDelimited).command(),
	// grouped FUNCTION...: the log of the last step tells of each function in groups of its own
	"grouped": verb((*stage).grouped).command(),
	// obeys-nobody: the runner would take no line of the last step's log for a command that is not the program's own
	"obeys-nobody": verb((*stage).obeysNobody).command(),
	// committed FILE: the outcome in JSON is of the commit that the file names
	"committed": verb((*stage).committed).command(),
	// said: write what was printed into the file said, without what differs from run to run
	"said": verb((*stage).said).command(),
}

// A verb is a command of a script. What it returns fails the script.
type verb func(s *stage, ts *testscript.TestScript, args []string) error

func (v verb) command() func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := ts.Value(stageKey{}).(*stage)
		switch err := v(s, ts, args); {
		case err != nil && !neg:
			ts.Fatalf("%v", err)
		case err == nil && neg:
			ts.Fatalf("it did, and should not have")
		}
	}
}

var errUsage = errors.New("see the list of commands in script_test.go")

func (s *stage) exits(ts *testscript.TestScript, args []string) error {
	leaving := len(args) > 0 && args[0] == "-leaving"
	if leaving {
		args = args[1:]
	}
	if len(args) < 2 {
		return errUsage
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return errUsage
	}
	if s.cloud != nil {
		s.cloud.ResetCalls()
	}
	for _, file := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		if path := ts.Getenv(file); path != "" {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
		}
	}
	began := time.Now()
	err = ts.Exec(args[1], args[2:]...)
	s.took = time.Since(began)
	code := 0
	if exited := (*exec.ExitError)(nil); errors.As(err, &exited) {
		code = exited.ExitCode()
	} else if err != nil {
		return err
	}
	if s.cloud != nil {
		s.last = s.cloud.Calls()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", code, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
	if leaving {
		return nil
	}
	return s.whole(ts, nil)
}

func (s *stage) atMost(_ *testscript.TestScript, args []string) error {
	most, err := time.ParseDuration(args[0])
	if err == nil && s.took > most {
		err = fmt.Errorf("it took %s", s.took)
	}
	return err
}

// What differs from run to run, and what stands in its place.
var passing = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`), "http://SANDBOX"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "SANDBOX"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`[0-9]{8}T[0-9]{6}Z-(?:[0-9a-f]{7}-)?[0-9a-f]{8}`), "RELEASE"},
	{regexp.MustCompile(`\b[0-9]+(\.[0-9]+)? ?(ms|µs|s)\b`), "TIME"},
	{regexp.MustCompile(`_api/[a-z0-9]{10}`), "_api/API"},
	{regexp.MustCompile(`\bAPI [a-z0-9]{10}\b`), "API ID"},
	{regexp.MustCompile(`asked [0-9]+ times`), "asked N times"},
	{regexp.MustCompile(`\b[0-9A-Z]{16}\b`), "ID"},
}

func (s *stage) said(ts *testscript.TestScript, _ []string) error {
	text := ts.ReadFile("stdout")
	if json.Valid([]byte(text)) {
		var err error
		if text, err = told([]byte(text)); err != nil {
			return err
		}
	}
	text += ts.ReadFile("stderr")
	for _, p := range passing {
		text = p.pattern.ReplaceAllString(text, p.name)
	}
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	return os.WriteFile(ts.MkAbs("said"), []byte(text), 0o644)
}

// told is what a person is told of an outcome, without the form that a face gives it.
func told(document []byte) (string, error) {
	type fault struct{ Where, What, Accepted, Hint, Detail string }
	var o struct {
		Outcome, Message string
		ReasonCode       string `json:"reason_code"`
		Faults, Warnings []fault
		Checks           []struct{ Check, Verdict, Reason string }
		Functions        []struct {
			Function, Result string
			Commands         []string
		}
	}
	if err := json.Unmarshal(document, &o); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s\n", o.Outcome, o.ReasonCode, o.Message)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, text)
		}
	}
	show := func(level string, list []fault) {
		for _, f := range list {
			what := f.What
			if f.Where != "" {
				what = f.Where + ": " + what
			}
			line(level, what)
			line("    detail", f.Detail)
			line("    accepted", f.Accepted)
			line("    hint", f.Hint)
		}
	}
	show("error", o.Faults)
	show("warning", o.Warnings)
	for _, c := range o.Checks {
		line("check", strings.TrimSuffix(c.Check+": "+c.Verdict+": "+c.Reason, ": "))
	}
	for _, f := range o.Functions {
		line("function", f.Function+": "+f.Result)
		for _, c := range f.Commands {
			line("    $", c)
		}
	}
	return b.String(), nil
}
