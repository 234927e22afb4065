package main_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/sandbox"
)

func (s *stage) asked(*testscript.TestScript, []string) error {
	select {
	case <-s.invoked:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("the function was not asked")
	}
}

// reading are the calls that change nothing.
var reading = regexp.MustCompile(`^(Get|List|Head|Batch|Describe|Query|Scan|Invoke|AssumeRole)`)

// changes tells whether a call changes something. The lock table's rows do not count: also who changes nothing holds a
// lock meanwhile.
func changes(r sandbox.Record) bool {
	return r.Service != "dynamodb" && !reading.MatchString(r.Operation)
}

func (s *stage) calls(_ *testscript.TestScript, args []string) error {
	list := s.last
	if list == nil && s.cloud != nil {
		list = s.cloud.Calls()
	}
	var log []string
	for _, r := range list {
		log = append(log, r.Service+":"+r.Operation)
	}
	for _, arg := range args {
		pattern, number, found := strings.Cut(arg, "=")
		want, err := strconv.Atoi(number)
		if !found || err != nil {
			return errUsage
		}
		n := 0
		for i, call := range log {
			fits, err := path.Match(pattern, call)
			if err != nil {
				return err
			}
			if fits || pattern == "all" || pattern == "writes" && changes(list[i]) {
				n++
			}
		}
		if n != want {
			return fmt.Errorf("%d calls of %s, want %d:\n%s", n, pattern, want, strings.Join(log, "\n"))
		}
	}
	return nil
}

func (s *stage) holds(_ *testscript.TestScript, args []string) error {
	name, region := place(args[0])
	out, err := s.api(region).GetAlias(s.ctx(), &lambda.GetAliasInput{FunctionName: &name, Name: &args[1]})
	if err != nil {
		return err
	}
	found := aws.ToString(out.FunctionVersion)
	if out.RoutingConfig != nil {
		for _, v := range slices.Sorted(maps.Keys(out.RoutingConfig.AdditionalVersionWeights)) {
			found += fmt.Sprintf(" %s=%g", v, out.RoutingConfig.AdditionalVersionWeights[v])
		}
	}
	if want := strings.Join(args[2:], " "); found != want {
		return fmt.Errorf("alias %s of %s holds %s, want %s", args[1], args[0], found, want)
	}
	return nil
}

func (s *stage) answers(_ *testscript.TestScript, args []string) error {
	name, region := place(args[0])
	out, err := s.api(region).Invoke(s.ctx(), &lambda.InvokeInput{FunctionName: &name, Qualifier: &args[1], Payload: []byte("{}")})
	if err != nil {
		return err
	}
	if fits, err := regexp.Match(args[2], out.Payload); err != nil || !fits {
		return fmt.Errorf("it answers %s (%v)", out.Payload, err)
	}
	return nil
}

// An output is what a step gave, with what stands around a value.
type output struct{ value, delimiter string }

func outputs(text string) (map[string]output, error) {
	found := map[string]output{}
	if text == "" {
		return found, nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		name, delimiter, is := strings.Cut(lines[i], "<<")
		end := slices.Index(lines[i+1:], delimiter)
		if !is || end < 0 {
			return nil, fmt.Errorf("%q begins no output that ends", lines[i])
		}
		found[name] = output{strings.Join(lines[i+1:i+1+end], "\n"), delimiter}
		i += 1 + end
	}
	return found, nil
}

func (s *stage) output(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	all, err := outputs(ts.ReadFile(ts.Getenv("GITHUB_OUTPUT")))
	if err != nil {
		return err
	}
	got, there := all[args[0]]
	if fits, err := regexp.MatchString("^(?s:"+args[1]+")$", got.value); err != nil || !fits || !there {
		return fmt.Errorf("output %s is %q (%v)", args[0], got.value, err)
	}
	return nil
}

func (s *stage) wellDelimited(ts *testscript.TestScript, _ []string) error {
	all, err := outputs(ts.ReadFile(ts.Getenv("GITHUB_OUTPUT")))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for name, o := range all {
		if random, err := hex.DecodeString(o.delimiter); err != nil || len(random) < 16 || seen[o.delimiter] {
			return fmt.Errorf("output %s has the delimiter %q", name, o.delimiter)
		}
		seen[o.delimiter] = true
	}
	for _, doc := range config.Outputs() {
		if _, there := all[doc.Name]; !there {
			return fmt.Errorf("there is no output %s", doc.Name)
		}
	}
	return nil
}
