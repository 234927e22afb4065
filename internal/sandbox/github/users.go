package github

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
)

// links makes the addresses of an answer: api is the root of REST, web that of the pages.
type links struct{ site, api, web string }

func newLinks(site string) links { return links{site: site, api: site + "/api/v3", web: site} }

// node makes a global id in GitHub's older, readable form.
func node(kind string, id any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%03d:%s%v", len(kind), kind, id))
}

// userID is GitHub's number of the well-known, and a number derived from the login of all others.
func userID(login string) int64 {
	switch login {
	case "github-actions[bot]":
		return 41898282
	case "dependabot[bot]":
		return 49699333
	case "web-flow":
		return 19864447
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(login)) // never fails
	return int64(h.Sum32()>>4) + 1000
}

func isBot(login string) bool { return strings.HasSuffix(login, "[bot]") }

// user is an account as other resources show it; the empty login is null.
func (l links) user(login string) any {
	if login == "" || login == "-" {
		return nil
	}
	u := l.api + "/users/" + strings.NewReplacer("[", "%5B", "]", "%5D").Replace(login)
	kind, page := "User", l.web+"/"+login
	if isBot(login) {
		kind, page = "Bot", l.web+"/apps/"+strings.TrimSuffix(login, "[bot]")
	}
	return object{
		"login": login, "id": userID(login), "node_id": node(kind, userID(login)),
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d?v=4", l.web, userID(login)), "gravatar_id": "",
		"url": u, "html_url": page, "type": kind, "user_view_type": "public", "site_admin": false,
		"followers_url": u + "/followers", "following_url": u + "/following{/other_user}",
		"gists_url": u + "/gists{/gist_id}", "starred_url": u + "/starred{/owner}{/repo}",
		"subscriptions_url": u + "/subscriptions", "organizations_url": u + "/orgs", "repos_url": u + "/repos",
		"events_url": u + "/events{/privacy}", "received_events_url": u + "/received_events",
	}
}

// app is the app behind a bot, as what it makes shows it; null for people.
func (l links) app(login string) any {
	if !isBot(login) {
		return nil
	}
	name := strings.TrimSuffix(login, "[bot]")
	id := userID("app " + name)
	if name == "github-actions" {
		id = 15368
	}
	return object{
		"id": id, "slug": name, "node_id": node("App", id), "name": name, "description": nil, "owner": l.account("github"),
		"external_url": l.web + "/features/actions", "html_url": l.web + "/apps/" + name, "events": []string{},
		"permissions": object{}, "created_at": "2018-07-30T09:30:17Z", "updated_at": "2024-04-10T20:33:16Z",
	}
}

// account is the owner of a repository: an organization.
func (l links) account(login string) any {
	u, _ := l.user(login).(object)
	u["type"] = "Organization"
	return u
}

func (l links) profile(login string) object {
	u, _ := l.user(login).(object)
	for _, k := range []string{"name", "company", "location", "email", "hireable", "bio", "twitter_username"} {
		u[k] = nil
	}
	for _, k := range []string{"public_repos", "public_gists", "followers", "following"} {
		u[k] = 0
	}
	u["blog"], u["created_at"], u["updated_at"] = "", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
	return u
}

// getViewer answers who the token belongs to. An app's token belongs to no user.
func (q *request) getViewer() *reply {
	if q.token.Kind == Installation {
		return q.token.forbidden()
	}
	u := q.profile(q.token.Login)
	for _, k := range []string{"collaborators", "disk_usage", "owned_private_repos", "private_gists", "total_private_repos"} {
		u[k] = 0
	}
	u["two_factor_authentication"] = true
	return ok(u)
}

func (q *request) getUser() *reply {
	if !q.logins[q.vars["username"]] {
		return notFound()
	}
	return ok(q.profile(q.vars["username"]))
}

func (q *request) getRateLimit() *reply {
	show := func(w *window) object {
		return object{"limit": w.Limit, "used": w.Used, "remaining": w.remaining(), "reset": w.Reset.Unix()}
	}
	core := show(&q.token.core)
	search := object{"limit": 30, "used": 0, "remaining": 30, "reset": q.token.core.Reset.Unix()}
	return answer(http.StatusOK, object{
		"resources": object{"core": core, "search": search, "graphql": show(&q.token.graphql)}, "rate": core,
	})
}
