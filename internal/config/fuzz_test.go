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
		for _, mode := range []promotion.Mode{promotion.ModeRun, promotion.ModePromote, promotion.ModeStatus} {
			result, faults := config.Load(config.Source{
				Mode:   mode,
				File:   config.File{Name: config.DefaultFile, Data: data},
				Inputs: map[string]config.Input{"environment": {Value: "prod"}, "region": {Value: "eu-west-1"}, "verify": {Value: verify}, "artifact": {Value: artifact}, "only": {Value: only}},
				Commit: testCommit, Release: "r-1", RunID: "1",
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

// FuzzInputs holds the same for what people say who intervene, and for what is told to others.
func FuzzInputs(f *testing.F) {
	f.Add("checkout=41, payments=12", "wrong release", "reports/**/*.xml", "failures, promoted", "rolling", "https://hooks.example.com/x", "promote", "out/notes.md")
	f.Add("a:$LATEST", "\u2028", "{a,{b,[", "all,,", "refs/tags/v1", "http://127.0.0.1:1/", "None", "~")
	f.Add("=,=1", " ", "!x\n..\n**a", "", "v1.lock", "https://[::1", "a/b", ".")
	f.Fuzz(func(t *testing.T, to, reason, junit, on, release, webhook, table, notes string) {
		for _, mode := range []promotion.Mode{promotion.ModePromote, promotion.ModeRollback, promotion.ModeUnlock, promotion.ModeLock} {
			given := map[string]string{"function": "checkout", "environment": "prod", "region": "eu-west-1", "reason": reason, "notify-on": on, "release": release, "notify-webhook": webhook, "lock-table": table, "release-notes-file": notes}
			switch mode {
			case promotion.ModePromote:
				given["junit"] = junit
			case promotion.ModeRollback:
				given["to"] = to
			}
			inputs := map[string]config.Input{}
			for name, value := range given {
				inputs[name] = config.Input{Value: value}
			}
			result, faults := config.Load(config.Source{Mode: mode, Inputs: inputs, Release: "r-1", RunID: "1"})
			for _, fault := range faults {
				checkFault(t, fault)
			}
			if len(faults) > 0 {
				continue
			}
			r := result.Request
			checkRequest(t, r)
			if strings.ContainsAny(r.Reason, "\n\r") || len([]rune(r.Reason)) > 500 || mode == promotion.ModeUnlock && r.Reason == "" {
				t.Errorf("the reason is %q", r.Reason)
			}
			for key, v := range r.To {
				if _, known := r.Function(key); !known || v == 0 {
					t.Errorf("%q is to go back to %d", key, v)
				}
			}
			if u := result.Settings.Reporting.Notify.Webhook.Reveal(); u != "" && !strings.HasPrefix(strings.ToLower(u), "http") {
				t.Errorf("the webhook is %q", u)
			}
			if len(result.Settings.Reporting.Notify.On) == 0 || result.Settings.LockTable == "" {
				t.Errorf("the settings are %+v", result.Settings)
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
		kinds := 0
		for _, is := range []bool{c.Invoke != nil, c.HTTP != nil, c.JUnit != nil} {
			if is {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%s is of %d kinds", c.Name, kinds)
		}
		if c.JUnit != nil && (len(c.JUnit.Files) == 0 || c.JUnit.MinTests < 1) {
			t.Errorf("%s reads %d files for %d tests", c.Name, len(c.JUnit.Files), c.JUnit.MinTests)
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
