package report_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// notesElements are what release notes may consist of.
var notesElements = append([]string{"h4"}, reportElements...)

// head is what an environment holds after entries, newest first.
func head(entries ...promotion.Entry) promotion.Head {
	h := promotion.Head{Functions: map[string]promotion.Record{}}
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		h.Number = e.Number
		if e.Kind == promotion.EntryUndone {
			continue
		}
		for _, m := range e.Moves {
			h.Functions[m.Function] = promotion.Record{Name: m.Name, Alias: "live", Version: m.To, Digest: m.Digest, Source: e.Source, Release: e.Release, Entry: e.Number}
		}
	}
	return h
}

func inLedger(app, environment, region string, entries ...promotion.Entry) report.Recorded {
	return report.Recorded{Scope: promotion.Scope{App: app, Environment: environment}, Region: region, Head: head(entries...), Entries: entries}
}

func ledgers() map[string][]report.Recorded {
	first := *recorded(1, promotion.EntryPromotion, created("checkout"))
	first.Proofs = []promotion.Proof{{Check: "invoke checkout", Function: "checkout", Version: 1, Verdict: promotion.Pass, Took: 900 * time.Millisecond}}
	adopted := inLedger("shop", "prod", "eu-west-1", past()[1:]...)
	adopted.Head.Functions["legacy"] = promotion.Record{Name: "legacy", Version: 12, Adopted: true}
	return map[string][]report.Recorded{
		"nothing":        nil,
		"first":          {inLedger("shop", "prod", "", first)},
		"two":            {inLedger("shop", "prod", "eu-west-1", past()...), inLedger("shop", "preprod", "eu-west-1", past()[5])},
		"rolled-back":    {adopted},
		"apps-regions":   {inLedger("shop", "prod", "us-east-1", past()[5]), inLedger("shop", "prod", "eu-west-1", past()[5]), inLedger("billing", "prod", "eu-west-1", first)},
		"hostile":        {inLedger(hostile, hostile, hostile, poisonedEntry(hostile)), inLedger("x", "y", "z", poisonedEntry(hostile))},
		"many-functions": {inLedger("shop", "prod", "", hundreds(2), hundreds(1)), inLedger("shop", "preprod", "", hundreds(2), hundreds(1))},
	}
}

// hundreds is an entry of 500 functions.
func hundreds(number uint64) promotion.Entry {
	var list []promotion.FunctionOutcome
	for i := range 500 {
		list = append(list, moved(fmt.Sprintf("worker-%03d", i), promotion.Version(number), promotion.Version(number+1)))
	}
	return *recorded(number, promotion.EntryPromotion, list...)
}

func TestPromotedVersionsReadAsTheGoldenFiles(t *testing.T) {
	for name, list := range ledgers() {
		t.Run(name, func(t *testing.T) {
			block := report.PromotedVersions(list, "", here, report.MaxBlock)
			golden(t, filepath.Join("release", name+".golden"), block)
			harmless(t, inner(t, block), notesElements...)
			if len(block) > report.MaxRelease/2 {
				t.Errorf("it has %d bytes", len(block))
			}
		})
	}
}

// inner is what stands between a block's hidden lines.
func inner(t testing.TB, block string) string {
	t.Helper()
	begin, rest, _ := strings.Cut(block, "\n")
	at := strings.LastIndex(rest, "\n")
	if at < 0 || !strings.HasPrefix(begin, "<!-- promote:") || !strings.HasPrefix(rest[at+1:], "<!-- promote:") {
		t.Fatalf("it is no block: %q", cut(block))
	}
	return rest[:at]
}

func TestPromotedVersionsAreTheSameWhoeverMakesThem(t *testing.T) {
	list := ledgers()["apps-regions"]
	want := report.PromotedVersions(list, "", here, report.MaxBlock)
	turned := []report.Recorded{list[2], list[0], list[1]}
	if got := report.PromotedVersions(turned, "", here, report.MaxBlock); got != want {
		t.Errorf("the order of the environments matters:\n%s\n%s", got, want)
	}
}

func TestWhatTheNewestEntryMovedIsLeftOutLast(t *testing.T) {
	old, next := hundreds(1), *recorded(2, promotion.EntryPromotion, moved("worker-499", 2, 3))
	block := report.PromotedVersions([]report.Recorded{inLedger("shop", "prod", "", next, old)}, "", here, 8000)
	if len(block) > 8000 || !strings.Contains(block, "<code>worker-499</code>") || strings.Contains(block, "<code>worker-498</code>") || !strings.Contains(block, "_Left out, since a release has a limit: ") {
		t.Errorf("%d bytes: %s", len(block), cut(block))
	}
}

func changes() report.Changes {
	return report.Changes{
		Base: oldCommit, Head: newerCommit, CompareURL: "https://github.com/octo-org/shop/compare/" + oldCommit + "..." + newerCommit,
		Pulls: []report.Pull{
			{Number: 12, Title: "feat(cart)!: one cart a customer", Author: "octocat", Labels: []string{"breaking"}, Closes: []int{3, 4}},
			{Number: 13, Title: "feat: gift cards", Author: "hubot", Labels: []string{"enhancement"}},
			{Number: 14, Title: "Fix the rounding of 0.5 (#14)", Author: "octocat", Labels: []string{"bug"}, Closes: []int{5}},
			{Number: 15, Title: "fix: no @all in mails, see #7 and o/r#8", Author: "octocat"},
			{Number: 16, Title: "build(deps): bump x from 1 to 2", Author: "dependabot[bot]", Labels: []string{"dependencies"}},
			{Number: 17, Title: "", Author: ""},
		},
		Commits: []report.Commit{
			{SHA: newerCommit, Title: "perf: read once", Author: "octocat"}, {SHA: oldCommit, Title: "Merge pull request #12", Author: "octocat", Pull: 12},
			{SHA: "not a hash", Title: "revert: gift cards", Author: "Ada Lovelace"},
		},
	}
}

const releaseYAML = `changelog:
  exclude:
    authors: [dependabot]
  categories:
    - {title: Breaking, labels: [breaking]}
    - title: "New things <b> @x"
      labels: ["*"]
      exclude: {labels: [bug]}
`

func TestReleaseNotesReadAsTheGoldenFiles(t *testing.T) {
	categories, err := report.ParseCategories([]byte(releaseYAML))
	if err != nil {
		t.Fatal(err)
	}
	promoted, back := stories()[0].outcome, storyNamed("rollback")
	first := storyNamed("promoted-first")
	truncated := changes()
	truncated.Truncated = true
	for range 3000 {
		truncated.Pulls = append(truncated.Pulls, truncated.Pulls[1])
	}
	foreign := report.Changes{Base: oldCommit, Head: hostile, CompareURL: hostile, Pulls: []report.Pull{{Number: 1, Title: hostile, Author: hostile, Labels: []string{hostile}, Closes: []int{2, -3}}},
		Commits: []report.Commit{{SHA: hostile, Title: hostile, Author: hostile}}}
	none := changes()
	none.Pulls, none.Commits = nil, nil
	of := func(ch report.Changes) *report.Changes { return &ch }
	for name, text := range map[string]string{
		"notes-conventional": report.ReleaseNotes(promoted, ledgers()["two"], of(changes()), report.Categories{}, here),
		"notes-categories":   report.ReleaseNotes(promoted, ledgers()["two"], of(changes()), categories, here),
		"notes-first":        report.ReleaseNotes(first, ledgers()["first"], &report.Changes{Head: newerCommit}, categories, here),
		"notes-rollback":     report.ReleaseNotes(back, ledgers()["rolled-back"], of(changes()), categories, here),
		"notes-truncated":    report.ReleaseNotes(promoted, ledgers()["two"], &truncated, categories, here),
		"notes-none":         report.ReleaseNotes(promoted, ledgers()["two"], &none, categories, here),
		"notes-bare":         report.ReleaseNotes(promoted, nil, nil, categories, report.Context{}),
		"notes-no-links":     report.ReleaseNotes(promoted, ledgers()["two"], of(changes()), categories, report.Context{}),
		"notes-hostile":      report.ReleaseNotes(poisoned(hostile), ledgers()["hostile"], &foreign, report.Categories{}, poisonedContext(hostile)),
		"changes-block":      report.ChangesBlock(promoted, changes(), categories, here, report.MaxBlock),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("release", name+".golden"), text)
			if strings.HasPrefix(text, "<!--") {
				text = inner(t, text)
			}
			harmless(t, text, notesElements...)
			if len(text) > report.MaxRelease {
				t.Errorf("it has %d bytes", len(text))
			}
		})
	}
}

func storyNamed(name string) promotion.Outcome {
	for _, s := range stories() {
		if s.name == name {
			return s.outcome
		}
	}
	return promotion.Outcome{}
}

func TestCategoriesAreReadAsGitHubReadsThem(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "others": "other: 1\n", "null": "changelog:\n"} {
		if _, err := report.ParseCategories([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := report.ParseCategories([]byte("changelog: [1")); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("the fault is %q", err)
	}
}

func TestRollingReleasesAreOfAnEnvironmentAndADay(t *testing.T) {
	late := time.Date(2026, 11, 21, 23, 30, 0, 0, time.FixedZone("", -3600))
	s := promotion.Scope{App: "shop", Environment: "prod"}
	if tag, name := report.RollingTag(s, late), report.RollingName(s, late); tag != "promoted/shop/prod/2026-11-22" || name != "shop prod, 2026-11-22" {
		t.Errorf("%q, %q", tag, name)
	}
	if tag := report.RollingTag(promotion.Scope{App: "a..b ~^:", Environment: ""}, late); tag != "promoted/a--b----/-/2026-11-22" {
		t.Errorf("%q", tag)
	}
}

func FuzzReleaseNotesBearForeignText(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, s string) {
		ch := report.Changes{Base: s, Head: s, CompareURL: s, Truncated: true, Pulls: []report.Pull{{Number: 1, Title: s, Author: s, Labels: []string{s}, Closes: []int{2}}},
			Commits: []report.Commit{{SHA: s, Title: s, Author: s}, {SHA: newerCommit, Title: "fix: " + s, Author: "octocat"}}}
		list := []report.Recorded{inLedger(s, s, s, poisonedEntry(s)), inLedger("x", "y", s, poisonedEntry(s))}
		harmless(t, report.ReleaseNotes(poisoned(s), list, &ch, report.Categories{}, poisonedContext(s)), notesElements...)
		harmless(t, inner(t, report.PromotedVersions(list, s, poisonedContext(s), report.MaxBlock)), notesElements...)
		harmless(t, inner(t, report.ChangesBlock(poisoned(s), ch, report.Categories{}, poisonedContext(s), report.MaxBlock)), notesElements...)
	})
}
