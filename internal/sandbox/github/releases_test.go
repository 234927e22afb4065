package github_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

func TestReleases(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	make := func(r api.RepositoryRelease) *api.RepositoryRelease {
		t.Helper()
		made, _, err := gh.Repositories.CreateRelease(ctx, "acme", "shop", &r)
		must(t, err)
		return made
	}
	latest := func() string {
		r, _, err := gh.Repositories.GetLatestRelease(ctx, "acme", "shop")
		must(t, err)
		return r.GetTagName()
	}
	one := make(api.RepositoryRelease{TagName: api.String("v1.0.0"), Body: api.String("first")})

	t.Run("stand at their tag's commit", func(t *testing.T) {
		equal(t, "created", one.GetCreatedAt().UTC(), start.Add(3600e9))
		equal(t, "author", one.Author.GetLogin(), "github-actions[bot]")
	})
	t.Run("make their tag", func(t *testing.T) {
		make(api.RepositoryRelease{TagName: api.String("deploy/prod/20260301.1"), TargetCommitish: api.String("topic"), MakeLatest: api.String("false")})
		ref, _, err := gh.Git.GetRef(ctx, "acme", "shop", "tags/deploy/prod/20260301.1")
		must(t, err)
		equal(t, "tag", ref.Object.GetSHA(), sha("t2"))
		found, _, err := gh.Repositories.GetReleaseByTag(ctx, "acme", "shop", "deploy/prod/20260301.1")
		must(t, err)
		equal(t, "target", found.GetTargetCommitish(), "topic")
		equal(t, "latest", latest(), "v1.0.0")
	})
	t.Run("are edited in place", func(t *testing.T) {
		edited, _, err := gh.Repositories.EditRelease(ctx, "acme", "shop", one.GetID(), &api.RepositoryRelease{Body: api.String("second")})
		must(t, err)
		equal(t, "body", edited.GetBody(), "second")
		equal(t, "tag", edited.GetTagName(), "v1.0.0")
	})
	t.Run("drafts have no tag and are not the latest until published", func(t *testing.T) {
		draft := make(api.RepositoryRelease{TagName: api.String("v2"), Draft: api.Bool(true)})
		_, res, _ := gh.Repositories.GetReleaseByTag(ctx, "acme", "shop", "v2")
		equal(t, "by tag", res.StatusCode, 404)
		_, res, _ = client(t, base, forkToken).Repositories.GetRelease(ctx, "acme", "shop", draft.GetID())
		equal(t, "for a reader", res.StatusCode, 404)
		equal(t, "latest", latest(), "v1.0.0")
		_, _, err := gh.Repositories.EditRelease(ctx, "acme", "shop", draft.GetID(), &api.RepositoryRelease{Draft: api.Bool(false)})
		must(t, err)
		equal(t, "latest", latest(), "v2")
	})
	t.Run("leave their tag when deleted", func(t *testing.T) {
		_, err := gh.Repositories.DeleteRelease(ctx, "acme", "shop", one.GetID())
		must(t, err)
		_, _, err = gh.Git.GetRef(ctx, "acme", "shop", "tags/v1.0.0")
		must(t, err)
	})
	t.Run("carry assets by the upload address", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "notes.txt")
		must(t, os.WriteFile(name, []byte("hello"), 0o600))
		file, err := os.Open(name)
		must(t, err)
		defer func() { _ = file.Close() }()
		r := make(api.RepositoryRelease{TagName: api.String("v3")})
		asset, _, err := gh.Repositories.UploadReleaseAsset(ctx, "acme", "shop", r.GetID(), &api.UploadOptions{Name: "notes.txt"}, file)
		must(t, err)
		equal(t, "size", asset.GetSize(), 5)
	})
	for name, c := range map[string]struct{ body, field, code string }{
		"a taken tag":      {`{"tag_name":"v2"}`, "tag_name", "already_exists"},
		"an unknown place": {`{"tag_name":"v9","target_commitish":"none"}`, "target_commitish", "invalid"},
		"a bad tag":        {`{"tag_name":"a b"}`, "tag_name", "custom"},
		"a bad make":       {`{"tag_name":"v9","make_latest":"maybe"}`, "make_latest", "custom"},
		"too long a body":  {`{"tag_name":"v9","body":"` + strings.Repeat("x", 125001) + `"}`, "body", "custom"},
	} {
		t.Run("refuse "+name, func(t *testing.T) {
			r := call(t, "POST", base+"/_github/api/v3/repos/acme/shop/releases", jobToken, c.body)
			equal(t, "status", r.status, 422)
			equal(t, "field", dig(r.object(t), "errors", 0, "field"), any(c.field))
			equal(t, "code", dig(r.object(t), "errors", 0, "code"), any(c.code))
		})
	}
	t.Run("take 125,000 characters", func(t *testing.T) {
		make(api.RepositoryRelease{TagName: api.String("v9"), Body: api.String(strings.Repeat("x", 125000))})
	})
}

func TestGeneratedNotes(t *testing.T) {
	hub, base := newHub(t)
	gh := client(t, base, jobToken)
	_, _, err := gh.Repositories.CreateRelease(ctx, "acme", "shop", &api.RepositoryRelease{TagName: api.String("v1.0.0")})
	must(t, err)
	notes := func(t *testing.T, o api.GenerateNotesOptions) string {
		t.Helper()
		n, _, err := gh.Repositories.GenerateReleaseNotes(ctx, "acme", "shop", &o)
		must(t, err)
		return strings.ReplaceAll(n.Body, base+"/_github", "https://github.test")
	}
	t.Run("list what was merged since the release before", func(t *testing.T) {
		equal(t, "body", notes(t, api.GenerateNotesOptions{TagName: "v1.1.0"}), `## What's Changed
* Add payments by @bob in https://github.test/acme/shop/pull/12
* Bump the library by @dependabot[bot] in https://github.test/acme/shop/pull/11
* Rename the page by @eve in https://github.test/acme/shop/pull/13

## New Contributors
* @bob made their first contribution in https://github.test/acme/shop/pull/12
* @dependabot[bot] made their first contribution in https://github.test/acme/shop/pull/11
* @eve made their first contribution in https://github.test/acme/shop/pull/13

**Full Changelog**: https://github.test/acme/shop/compare/v1.0.0...v1.1.0`)
	})
	t.Run("begin at the tag that is named and end at the target", func(t *testing.T) {
		equal(t, "body", notes(t, api.GenerateNotesOptions{TagName: "x", PreviousTagName: api.String("nightly"), TargetCommitish: api.String(sha("c5"))}),
			"**Full Changelog**: https://github.test/acme/shop/compare/nightly...x")
	})
	t.Run("go by the categories of release.yml", func(t *testing.T) {
		_, err := hub.AddCommit("acme/shop", github.Commit{Message: "configure", Branch: "main", Files: []github.File{{Path: ".github/release.yml", Status: "added", Content: text(`
changelog:
  exclude:
    authors: [eve]
  categories:
    - title: Features
      labels: [feature]
    - title: Everything but updates
      labels: ["*"]
      exclude: {labels: [dependencies]}
`)}}})
		must(t, err)
		equal(t, "body", notes(t, api.GenerateNotesOptions{TagName: "v1.1.0"}), `<!-- Release notes generated using configuration in .github/release.yml at main -->

## What's Changed
### Features
* Add payments by @bob in https://github.test/acme/shop/pull/12
### Other Changes
* Bump the library by @dependabot[bot] in https://github.test/acme/shop/pull/11

## New Contributors
* @bob made their first contribution in https://github.test/acme/shop/pull/12
* @dependabot[bot] made their first contribution in https://github.test/acme/shop/pull/11

**Full Changelog**: https://github.test/acme/shop/compare/v1.0.0...v1.1.0`)
	})
	t.Run("refuse an unknown tag before", func(t *testing.T) {
		_, _, err := gh.Repositories.GenerateReleaseNotes(ctx, "acme", "shop", &api.GenerateNotesOptions{TagName: "x", PreviousTagName: api.String("none")})
		equal(t, "message", failure(t, err).Message, "Invalid previous_tag parameter")
	})
	t.Run("are written into a release on request", func(t *testing.T) {
		r, _, err := gh.Repositories.CreateRelease(ctx, "acme", "shop", &api.RepositoryRelease{TagName: api.String("v1.1.0"), Body: api.String("Hello."), GenerateReleaseNotes: api.Bool(true)})
		must(t, err)
		equal(t, "name", r.GetName(), "v1.1.0")
		if !strings.HasPrefix(r.GetBody(), "Hello.\n\n<!-- Release notes") {
			t.Error(r.GetBody())
		}
	})
}
