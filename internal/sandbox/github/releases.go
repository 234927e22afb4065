package github

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// releaseLimit is the most characters of a release's body.
const releaseLimit = 125000

type release struct {
	id                          int64
	tag, target, name, body     string
	author                      string
	draft, prerelease           bool
	created, published, updated time.Time
	assets                      []asset
}

type asset struct {
	id            int64
	name, kind    string
	label, digest string
	size          int
	uploader      string
	created       time.Time
}

func (q *request) release(r *release) object {
	root, page := q.api+"/repos/"+q.repo.fullName(), q.web+"/"+q.repo.fullName()
	u := fmt.Sprintf("%s/releases/%d", root, r.id)
	o := object{
		"id": r.id, "node_id": node("Release", r.id), "tag_name": r.tag, "target_commitish": r.target, "name": nullable(r.name),
		"body": r.body, "draft": r.draft, "prerelease": r.prerelease, "immutable": false, "author": q.user(r.author),
		"created_at": stamp(r.created), "published_at": stamp(r.published), "updated_at": stamp(r.updated),
		"url": u, "assets_url": u + "/assets", "html_url": page + "/releases/tag/" + escapePath(r.tag),
		"upload_url":  fmt.Sprintf("%s/api/uploads/repos/%s/releases/%d/assets{?name,label}", q.site, q.repo.fullName(), r.id),
		"tarball_url": root + "/tarball/" + r.tag, "zipball_url": root + "/zipball/" + r.tag,
	}
	if r.draft {
		o["html_url"] = page + "/releases/tag/untagged-" + SHA(u)[:20]
		o["tarball_url"], o["zipball_url"] = nil, nil
	}
	assets := []object{}
	for _, a := range r.assets {
		assets = append(assets, q.asset(r, a))
	}
	o["assets"] = assets
	return o
}

func (q *request) asset(r *release, a asset) object {
	return object{
		"id": a.id, "node_id": node("ReleaseAsset", a.id), "name": a.name, "label": nullable(a.label), "state": "uploaded",
		"content_type": a.kind, "size": a.size, "digest": a.digest, "download_count": 0, "uploader": q.user(a.uploader),
		"created_at": stamp(a.created), "updated_at": stamp(a.created),
		"url":                  fmt.Sprintf("%s/repos/%s/releases/assets/%d", q.api, q.repo.fullName(), a.id),
		"browser_download_url": fmt.Sprintf("%s/%s/releases/download/%s/%s", q.web, q.repo.fullName(), escapePath(r.tag), escapePath(a.name)),
	}
}

// visible are the releases that the token may see, newest first: drafts are for those who can write.
func (q *request) visible() []*release {
	var seen []*release
	for _, r := range slices.Backward(q.repo.releases) {
		if !r.draft || q.token.has("contents", "write", q.repo) {
			seen = append(seen, r)
		}
	}
	slices.SortStableFunc(seen, func(a, b *release) int { return b.created.Compare(a.created) })
	return seen
}

func (q *request) listReleases() *reply { return list(q, q.visible(), q.release) }

func (q *request) oneRelease() *release {
	id := q.integer("release_id")
	for _, r := range q.visible() {
		if r.id == id {
			return r
		}
	}
	return nil
}

func (q *request) getRelease() *reply {
	if r := q.oneRelease(); r != nil {
		return ok(q.release(r))
	}
	return notFound()
}

// published finds the release of a tag. Drafts have no tag yet.
func (r *repository) published(tag string) *release {
	for _, x := range r.releases {
		if x.tag == tag && !x.draft {
			return x
		}
	}
	return nil
}

func (q *request) getReleaseByTag() *reply {
	if r := q.repo.published(q.vars["tag"]); r != nil {
		return ok(q.release(r))
	}
	return notFound()
}

// latestRelease is the one that was made the latest, else the newest that is no draft and no prerelease.
func (r *repository) latestRelease() *release {
	var newest *release
	for _, x := range r.releases {
		if x.draft || x.prerelease {
			continue
		}
		if x.id == r.latest {
			return x
		}
		if newest == nil || !x.created.Before(newest.created) {
			newest = x
		}
	}
	return newest
}

func (q *request) getLatestRelease() *reply {
	if r := q.repo.latestRelease(); r != nil {
		return ok(q.release(r))
	}
	return notFound()
}

// releaseInput is the body of create and update; an absent member keeps what was there.
type releaseInput struct {
	Tag        *string `json:"tag_name"`
	Target     *string `json:"target_commitish"`
	Name       *string `json:"name"`
	Body       *string `json:"body"`
	Draft      *bool   `json:"draft"`
	Prerelease *bool   `json:"prerelease"`
	MakeLatest *string `json:"make_latest"`
	Generate   bool    `json:"generate_release_notes"`
}

func (q *request) createRelease() *reply {
	r := &release{target: q.repo.DefaultBranch, author: q.token.Login, created: now()}
	var in releaseInput
	if refused := q.decode(&in); refused != nil {
		return refused
	}
	if in.Tag == nil {
		return unsupplied("tag_name")
	}
	if in.Generate {
		notes, refused := q.notes(*in.Tag, deref(in.Target), "", "")
		if refused != nil {
			return refused
		}
		body := strings.TrimPrefix(deref(in.Body)+"\n\n"+notes.body, "\n\n")
		in.Body = &body
		if deref(in.Name) == "" {
			in.Name = &notes.name
		}
	}
	if refused := q.apply(r, in, true); refused != nil {
		return refused
	}
	r.id = q.nextID()
	q.repo.releases = append(q.repo.releases, r)
	q.crown(r, cmp.Or(deref(in.MakeLatest), "true"))
	return q.created(q.release(r))
}

func (q *request) updateRelease() *reply {
	r := q.oneRelease()
	if r == nil {
		return notFound()
	}
	var in releaseInput
	if refused := q.decode(&in); refused != nil {
		return refused
	}
	draft := r.draft
	if refused := q.apply(r, in, false); refused != nil {
		return refused
	}
	if made := deref(in.MakeLatest); made != "" || draft && !r.draft {
		q.crown(r, cmp.Or(made, "true"))
	}
	return ok(q.release(r))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// apply checks the whole input before it changes the release, so that a refusal changes nothing.
func (q *request) apply(r *release, in releaseInput, fresh bool) *reply {
	next := *r
	set(&next.tag, in.Tag)
	set(&next.target, in.Target)
	set(&next.name, in.Name)
	set(&next.body, in.Body)
	set(&next.draft, in.Draft)
	set(&next.prerelease, in.Prerelease)
	var faults []object
	if next.tag == "" || strings.ContainsAny(next.tag, " ~^:?*[\\\t\n") || strings.Contains(next.tag, "..") {
		faults = append(faults, detail("Release", "tag_name", "custom", "tag_name is not a valid tag"))
	}
	if other := q.repo.published(next.tag); other != nil && other.id != r.id && !next.draft {
		faults = append(faults, detail("Release", "tag_name", "already_exists", ""))
	}
	if utf8.RuneCountInString(next.body) > releaseLimit {
		faults = append(faults, detail("Release", "body", "custom", fmt.Sprintf("body is too long (maximum is %d characters)", releaseLimit)))
	}
	if m := in.MakeLatest; m != nil && !slices.Contains([]string{"true", "false", "legacy"}, *m) {
		faults = append(faults, detail("Release", "make_latest", "custom", "make_latest must be one of true, false, legacy"))
	}
	target := q.repo.resolve(next.target)
	tagged := q.repo.resolve("refs/tags/" + next.tag)
	if tagged == "" && target == "" {
		faults = append(faults, detail("Release", "target_commitish", "invalid", ""))
	}
	if len(faults) > 0 {
		return invalid(faults...)
	}
	if !next.draft {
		if tagged == "" {
			tagged = target
			q.repo.refs["refs/tags/"+next.tag] = target
		}
		if r.draft || fresh {
			next.published = now()
		}
		next.created = q.repo.commits[tagged].Date
	}
	next.updated = now()
	*r = next
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// crown makes a release the latest one, or not. Drafts and prereleases never are.
func (q *request) crown(r *release, how string) {
	switch {
	case r.draft || r.prerelease:
	case how == "true":
		q.repo.latest = r.id
	case how == "legacy":
		q.repo.latest = 0
	case q.repo.latest == r.id:
		q.repo.latest = 0
	}
}

// deleteRelease leaves the tag.
func (q *request) deleteRelease() *reply {
	r := q.oneRelease()
	if r == nil {
		return notFound()
	}
	q.repo.releases = slices.DeleteFunc(q.repo.releases, func(x *release) bool { return x == r })
	return answer(http.StatusNoContent, nil)
}

func (q *request) uploadAsset() *reply {
	r := q.oneRelease()
	name := q.query("name")
	switch {
	case r == nil:
		return notFound()
	case name == "":
		return refuse(http.StatusBadRequest, "Multipart form data required")
	case slices.ContainsFunc(r.assets, func(a asset) bool { return a.name == name }):
		return invalid(detail("ReleaseAsset", "name", "already_exists", ""))
	}
	sum := sha256.Sum256(q.body)
	a := asset{
		id: q.nextID(), name: name, label: q.query("label"), size: len(q.body), uploader: q.token.Login, created: now(),
		kind: cmp.Or(q.r.Header.Get("Content-Type"), "application/octet-stream"), digest: "sha256:" + hex.EncodeToString(sum[:]),
	}
	r.assets = append(r.assets, a)
	return q.created(q.asset(r, a))
}
