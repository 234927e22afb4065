package config_test

import (
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
)

// FuzzLoad holds that no bytes whatever make Load panic, and that it ends either in a request or in faults that each
// have a place and a text.
func FuzzLoad(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		for _, c := range readCorpus(f, dir) {
			src := c.source(f)
			f.Add(src.File.Data, src.Inputs["verify"].Value, src.Inputs["artifact"].Value, src.Inputs["only"].Value)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, verify, artifact, only string) {
		for _, mode := range []promotion.Mode{promotion.ModeRun, promotion.ModeStatus} {
			result, faults := config.Load(config.Source{
				Mode:   mode,
				File:   config.File{Name: config.DefaultFile, Data: data},
				Inputs: map[string]config.Input{"environment": {Value: "prod"}, "region": {Value: "eu-west-1"}, "verify": {Value: verify}, "artifact": {Value: artifact}, "only": {Value: only}},
				Commit: testCommit, Release: "r-1",
			})
			if len(faults) == 0 && (len(result.Targets) == 0 || result.Request.App == "" || result.Request.Environment.Alias == "") {
				t.Fatalf("no fault, and no whole request: %+v", result)
			}
			for _, fault := range faults {
				checkFault(t, fault)
			}
			for _, target := range result.Targets {
				checkRequest(t, target.Request)
			}
		}
	})
}

// checkRequest holds what everybody behind config trusts.
func checkRequest(t *testing.T, r promotion.Request) {
	t.Helper()
	names := map[string]bool{}
	for _, c := range r.Checks {
		if c.Name == "" || names[c.Name] {
			t.Errorf("the check's name %q is empty or taken", c.Name)
		}
		names[c.Name] = true
		if (c.Invoke == nil) == (c.HTTP == nil) {
			t.Errorf("%s is not of exactly one kind", c.Name)
		}
		if _, known := r.Function(c.Function()); c.Function() != "" && !known {
			t.Errorf("%s is about %q, which the run is not about", c.Name, c.Function())
		}
	}
	for _, f := range r.Functions {
		if promotion.CheckFunctionName(f.Name) != "" || promotion.CheckKey(f.Key) != "" {
			t.Errorf("function %q is named %q", f.Key, f.Name)
		}
		if f.Artifact.Kind == "" || strings.HasPrefix(f.Artifact.Path, "/") || strings.HasPrefix(f.Artifact.Path, "..") {
			t.Errorf("the artifact of %s is %+v", f.Key, f.Artifact)
		}
	}
	if r.VerifyNone && len(r.Checks) > 0 {
		t.Errorf("verification is switched off, and has checks")
	}
}
