package github

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// repository is a repository as pull requests, runs and statuses show it.
func (l links) repository(r *repository) object {
	u := l.api + "/repos/" + r.fullName()
	o := object{
		"id": r.ID, "node_id": node("Repository", r.ID), "name": r.Name, "full_name": r.fullName(),
		"private": !r.Public, "owner": l.account(r.Owner), "html_url": l.web + "/" + r.fullName(),
		"description": nullable(r.Description), "fork": false, "url": u,
	}
	for key, tail := range map[string]string{
		"archive": "/{archive_format}{/ref}", "assignees": "/assignees{/user}", "blobs": "/git/blobs{/sha}",
		"branches": "/branches{/branch}", "collaborators": "/collaborators{/collaborator}", "comments": "/comments{/number}",
		"commits": "/commits{/sha}", "compare": "/compare/{base}...{head}", "contents": "/contents/{+path}",
		"contributors": "/contributors", "deployments": "/deployments", "downloads": "/downloads", "events": "/events",
		"forks": "/forks", "git_commits": "/git/commits{/sha}", "git_refs": "/git/refs{/sha}", "git_tags": "/git/tags{/sha}",
		"hooks": "/hooks", "issue_comment": "/issues/comments{/number}", "issue_events": "/issues/events{/number}",
		"issues": "/issues{/number}", "keys": "/keys{/key_id}", "labels": "/labels{/name}", "languages": "/languages",
		"merges": "/merges", "milestones": "/milestones{/number}", "notifications": "/notifications{?since,all,participating}",
		"pulls": "/pulls{/number}", "releases": "/releases{/id}", "stargazers": "/stargazers", "statuses": "/statuses/{sha}",
		"subscribers": "/subscribers", "subscription": "/subscription", "tags": "/tags", "teams": "/teams", "trees": "/git/trees{/sha}",
	} {
		o[key+"_url"] = u + tail
	}
	return o
}

// fullRepository adds what the repository's own address shows.
func (l links) fullRepository(r *repository) object {
	o := l.repository(r)
	host := strings.TrimPrefix(strings.TrimPrefix(l.web, "https://"), "http://")
	created, pushed := time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC()
	for i, sha := range r.order {
		if d := r.commits[sha].Date; i == 0 || d.After(pushed) {
			pushed = d
		}
	}
	if len(r.order) > 0 {
		created = r.commits[r.order[0]].Date
	}
	maps.Copy(o, object{
		"clone_url": l.web + "/" + r.fullName() + ".git", "git_url": "git://" + host + "/" + r.fullName() + ".git",
		"ssh_url": "git@" + host + ":" + r.fullName() + ".git", "svn_url": l.web + "/" + r.fullName(),
		"default_branch": r.DefaultBranch, "visibility": visibility(r), "homepage": nil, "language": nil, "mirror_url": nil,
		"license": nil, "archived": false, "disabled": false, "has_issues": true, "has_projects": false, "has_wiki": false,
		"has_pages": false, "has_downloads": true, "has_discussions": false, "is_template": false, "topics": []string{},
		"allow_forking": true, "web_commit_signoff_required": false,
		"pushed_at": stamp(pushed), "created_at": stamp(created), "updated_at": stamp(pushed), "size": len(r.order),
	})
	issues := 0
	for _, i := range r.issues {
		if !i.Closed {
			issues++
		}
	}
	for _, p := range r.pulls {
		if !p.Closed {
			issues++
		}
	}
	o["open_issues"], o["open_issues_count"] = issues, issues
	for _, k := range []string{"forks", "forks_count", "stargazers_count", "watchers", "watchers_count"} {
		o[k] = 0
	}
	return o
}

func visibility(r *repository) string {
	if r.Public {
		return "public"
	}
	return "private"
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// stamp writes a time as GitHub does; the zero time is null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func (q *request) getRepository() *reply {
	o := q.fullRepository(q.repo)
	o["network_count"], o["subscribers_count"] = 0, 0
	o["permissions"] = object{
		"admin": false, "maintain": false, "push": q.token.has("contents", "write", q.repo), "triage": false, "pull": true,
	}
	return ok(o)
}

func (q *request) reference(name string) object {
	sha, kind := q.repo.refs[name], "commit"
	if q.repo.objects[sha] != nil {
		kind = "tag"
	}
	root := q.api + "/repos/" + q.repo.fullName() + "/git/"
	return object{
		"ref": name, "node_id": node("Ref", q.repo.fullName()+":"+name), "url": root + name,
		"object": object{"sha": sha, "type": kind, "url": root + kind + "s/" + sha},
	}
}

func (q *request) getRef() *reply {
	name := "refs/" + q.vars["ref"]
	if q.repo.refs[name] == "" {
		return notFound()
	}
	return ok(q.reference(name))
}

func (q *request) listMatchingRefs() *reply {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(q.repo.refs)) {
		if strings.HasPrefix(name, "refs/"+q.vars["ref"]) {
			names = append(names, name)
		}
	}
	return list(q, names, q.reference)
}

func (q *request) getTagObject() *reply {
	sha := q.vars["tag_sha"]
	t := q.repo.objects[sha]
	if t == nil {
		return notFound()
	}
	root := q.api + "/repos/" + q.repo.fullName() + "/git/"
	return ok(object{
		"node_id": node("Tag", sha), "tag": t.Name, "sha": sha, "url": root + "tags/" + sha, "message": t.Message,
		"tagger":       object{"name": t.Tagger, "email": email(t.Tagger), "date": stamp(t.Date)},
		"object":       object{"type": "commit", "sha": t.SHA, "url": root + "commits/" + t.SHA},
		"verification": unsigned(),
	})
}

func (q *request) listTags() *reply {
	var names []string
	for _, ref := range slices.Sorted(maps.Keys(q.repo.refs)) {
		if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
			names = append(names, name)
		}
	}
	slices.Reverse(names)
	root := q.api + "/repos/" + q.repo.fullName()
	return list(q, names, func(name string) object {
		sha := q.repo.peel(q.repo.refs["refs/tags/"+name])
		return object{
			"name": name, "node_id": node("Ref", q.repo.fullName()+":refs/tags/"+name),
			"commit":      object{"sha": sha, "url": root + "/commits/" + sha},
			"zipball_url": root + "/zipball/refs/tags/" + name, "tarball_url": root + "/tarball/refs/tags/" + name,
		}
	})
}

func (q *request) getBranch() *reply {
	name := q.vars["branch"]
	sha := q.repo.refs["refs/heads/"+name]
	if sha == "" {
		return refuse(404, "Branch not found")
	}
	u := q.api + "/repos/" + q.repo.fullName() + "/branches/" + name
	return ok(object{
		"name": name, "commit": q.commit(q.repo, q.repo.commits[sha]), "protected": false, "protection_url": u + "/protection",
		"_links": object{"self": u, "html": fmt.Sprintf("%s/%s/tree/%s", q.web, q.repo.fullName(), name)},
		"protection": object{"enabled": false, "required_status_checks": object{
			"enforcement_level": "off", "contexts": []string{}, "checks": []object{},
		}},
	})
}
