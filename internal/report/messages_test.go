package report_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

func TestAnnotationsAreAsGraveAsTheOutcome(t *testing.T) {
	levels := func(name string) []report.Level {
		var list []report.Level
		for _, a := range report.Annotations(storyNamed(name)) {
			list = append(list, a.Level)
		}
		return list
	}
	const e, w, n = report.LevelError, report.LevelWarning, report.LevelNotice
	for name, want := range map[string][]report.Level{
		"promoted":               nil,
		"promoted-changed":       {w, w},
		"superseded-older":       {n},
		"superseded-yielded":     {n},
		"lock-timeout":           {e},
		"fenced-taken-over":      {e},
		"verification-failed":    {e, e},
		"refused-bad-input":      {e, e, e, e},
		"promoted-after-repairs": {w, w, n},
		"deployed":               {w},
		"reconciled":             {w},
		"rollback":               nil,
		"abort-asked":            nil,
	} {
		if got := levels(name); !slices.Equal(got, want) {
			t.Errorf("%s: %v instead of %v", name, got, want)
		}
	}
}

func TestALockTimeoutIsAnnotatedWithTheHolder(t *testing.T) {
	a := report.Annotations(storyNamed("lock-timeout"))[0]
	for _, part := range []string{"hubot", "https://github.com/octo-org/shop/actions/runs/4712", "9f8e7d6", "promote", "2026-11-21 08:12 UTC"} {
		if !strings.Contains(a.Message, part) {
			t.Errorf("%q is not in %q", part, a.Message)
		}
	}
}

func TestARollbackThatWasAskedForIsGood(t *testing.T) {
	asked, forced := storyNamed("rollback"), storyNamed("rolled-back")
	for _, c := range []struct {
		o    promotion.Outcome
		code float64
		sign string
	}{{asked, 0, "✅"}, {forced, 5, "❌"}} {
		var doc map[string]any
		if err := json.Unmarshal(report.JSON(c.o, nil), &doc); err != nil {
			t.Fatal(err)
		}
		if doc["exit_code"] != c.code || report.NotificationOf(c.o, here).Good != (c.code == 0) || !strings.HasPrefix(report.Summary(c.o, here), "### "+c.sign) {
			t.Errorf("exit code %v, good %t, %s", doc["exit_code"], report.NotificationOf(c.o, here).Good, cut(report.Summary(c.o, here)[:60]))
		}
	}
}

func TestASecretIsInNoFace(t *testing.T) {
	o := storyNamed("deployed")
	_, body := report.Comment(o, here)
	for _, face := range append([]string{report.Terminal(o), report.Summary(o, here), body, string(report.JSON(o, nil)), messages(o), report.ReleaseNotes(o, nil, nil, report.Categories{}, here)}, outputValues(o)...) {
		if strings.Contains(face, o.Deposited.Owner.Reveal()) {
			t.Errorf("the lock's owner is in %s", cut(face))
		}
	}
}

func outputValues(o promotion.Outcome) []string {
	var list []string
	for _, out := range report.Outputs(o, published) {
		list = append(list, out.Value)
	}
	return list
}

func TestANotificationLinksToTheServerOnly(t *testing.T) {
	o := stories()[0].outcome
	for url, want := range map[string]string{
		o.Request.RunURL: o.Request.RunURL, "https://evil.example/a/b/actions/runs/1": "", "https://github.com/o/r/issues/1": "", "javascript:alert(1)": "", "": "",
	} {
		o.Request.RunURL = url
		if got := report.NotificationOf(o, here).Link; got != want {
			t.Errorf("%q leads to %q", url, got)
		}
	}
}

func TestAttributesOfANotificationTellWhatAFilterAsks(t *testing.T) {
	got := report.NotificationOf(storyNamed("rolled-back"), here).Attributes
	for name, want := range map[string]string{"app": "shop", "environment": "prod", "outcome": "rolled-back", "reason": "move-failed", "changed": "false", "good": "false"} {
		if got[name] != want {
			t.Errorf("%s is %q instead of %q", name, got[name], want)
		}
	}
}
