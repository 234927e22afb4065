package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A Release is one of the repository's, with its text.
type Release struct {
	ID         int64
	Tag        string
	Name       string
	Body       string
	URL        string
	Draft      bool
	Prerelease bool
}

// ReleaseOptions say how a release is made that is not there yet. They change nothing about one that is.
type ReleaseOptions struct {
	Name       string
	Target     string // the commit or branch of a tag that is not there yet; "" is the default branch
	MakeLatest string // "false", which "" means too, or "legacy": the latest by date and version
	Prerelease bool
	Draft      bool
}

const (
	// MaxReleaseBody is how long the text of a release may be, in characters.
	MaxReleaseBody = 125_000

	releaseRead  = "contents=read"
	releaseWrite = "contents=write"
)

// ReleaseByTag reads the release of a tag; nil if there is none. Drafts have no tag yet, only the name of one: they
// are looked for where asked, if no published release has it, by one more call for a hundred releases. The oldest
// draft of a tag is meant. Needs contents: read, and for drafts contents: write.
//
// https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name
func (c *Client) ReleaseByTag(ctx context.Context, tag string, drafts bool) (*Release, error) {
	deed := fmt.Sprintf("read release %s of %s", clean(tag), c.Repository())
	if err := checkTag(deed, tag); err != nil {
		return nil, err
	}
	r, err := c.findRelease(ctx, tag, drafts)
	if err != nil {
		return nil, c.explainNeeding(ctx, deed, releaseRead, err)
	}
	return r, nil
}

// checkTag keeps names from leading to other addresses than a tag's.
// https://git-scm.com/docs/git-check-ref-format
func checkTag(deed, tag string) error {
	wrong := tag == "" || strings.Contains(tag, "..") || strings.Contains(tag, "//") || strings.Contains(tag, "@{") ||
		strings.HasPrefix(tag, "/") || strings.HasSuffix(tag, "/") || strings.HasSuffix(tag, ".") ||
		strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) })
	for part := range strings.SplitSeq(tag, "/") {
		wrong = wrong || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if wrong {
		return promotion.Fault{What: deed + ": a tag cannot have that name", Detail: clean(tag)}
	}
	return nil
}

func (c *Client) findRelease(ctx context.Context, tag string, drafts bool) (*Release, error) {
	parts := strings.Split(tag, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i]) // go-github takes it for part of an address
	}
	r, _, err := c.api.Repositories.GetReleaseByTag(ctx, c.owner, c.name, strings.Join(parts, "/"))
	switch {
	case err == nil:
		return identified(release(r), r.GetID(), nil)
	case !answeredWith(err, http.StatusNotFound):
		return nil, err
	case !drafts:
		return nil, nil
	}
	var draft *Release
	err = each(ctx, func(ctx context.Context, page api.ListOptions) ([]*api.RepositoryRelease, *api.Response, error) {
		return c.api.Repositories.ListReleases(ctx, c.owner, c.name, &page)
	}, func(r *api.RepositoryRelease) bool {
		if r.GetTagName() == tag && (draft == nil || r.GetID() < draft.ID) {
			draft = release(r)
		}
		return draft == nil || draft.Draft
	})
	return draft, err
}

func release(r *api.RepositoryRelease) *Release {
	return &Release{ID: r.GetID(), Tag: r.GetTagName(), Name: r.GetName(), Body: r.GetBody(), URL: r.GetHTMLURL(),
		Draft: r.GetDraft(), Prerelease: r.GetPrerelease()}
}

// createRelease makes a release, or finds that another run has made it.
func (c *Client) createRelease(ctx context.Context, tag string, o ReleaseOptions, body string) (*Release, error) {
	latest := o.MakeLatest
	if latest == "" {
		latest = "false"
	}
	in := &api.RepositoryRelease{TagName: &tag, Body: &body, MakeLatest: &latest, Prerelease: &o.Prerelease, Draft: &o.Draft}
	if o.Name != "" {
		in.Name = &o.Name
	}
	if o.Target != "" {
		in.TargetCommitish = &o.Target
	}
	made, err := once(ctx, func() (*Release, error) {
		r, _, err := c.api.Repositories.CreateRelease(ctx, c.owner, c.name, in)
		if err != nil {
			return nil, err
		}
		return identified(release(r), r.GetID(), nil)
	}, func() (*Release, bool, error) {
		r, err := c.findRelease(ctx, tag, true)
		return r, r != nil, err
	})
	if exists(err) {
		if made, findErr := c.findRelease(ctx, tag, true); findErr != nil || made != nil {
			return made, findErr
		}
	}
	if err != nil || !made.Draft {
		return made, err
	}
	// Drafts may share a tag. Of two that were made at once the older one stays, and nobody else's is touched.
	first, err := c.findRelease(ctx, tag, true)
	if err != nil || first == nil || first.ID == made.ID {
		return made, err
	}
	if _, err := c.api.Repositories.DeleteRelease(repeatable(ctx), c.owner, c.name, made.ID); err != nil && !gone(err) {
		return made, err
	}
	return first, nil
}

func exists(err error) bool {
	var answered *api.ErrorResponse
	if errors.As(err, &answered) {
		for _, one := range answered.Errors {
			if one.Code == "already_exists" {
				return true
			}
		}
	}
	return false
}
