package github

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

type status struct {
	id                           int64
	sha, context, state          string
	description, target, creator string
	created                      time.Time
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (q *request) status(st *status) object {
	return object{
		"id": st.id, "node_id": node("StatusContext", st.id), "state": st.state, "context": st.context,
		"description": nullable(st.description), "target_url": nullable(st.target), "creator": q.user(st.creator),
		"url":        fmt.Sprintf("%s/repos/%s/statuses/%s", q.api, q.repo.fullName(), st.sha),
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d?v=4", q.web, userID(st.creator)),
		"created_at": stamp(st.created), "updated_at": stamp(st.created),
	}
}

func (q *request) createStatus() *reply {
	sha := q.vars["sha"]
	if q.repo.commits[sha] == nil {
		return noCommit(sha)
	}
	var in struct {
		State       *string `json:"state"`
		Context     string  `json:"context"`
		Description string  `json:"description"`
		Target      string  `json:"target_url"`
	}
	if refused := q.decode(&in); refused != nil {
		return refused
	}
	switch {
	case in.State == nil:
		return unsupplied("state")
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, *in.State):
		return invalid(detail("Status", "state", "custom", "state is not included in the list"))
	case utf8.RuneCountInString(in.Description) > descriptionLimit:
		return invalid(detail("Status", "description", "custom",
			fmt.Sprintf("description is too long (maximum is %d characters)", descriptionLimit)))
	case !isURL(in.Target):
		return invalid(detail("Status", "target_url", "custom", "target_url must use http(s) scheme"))
	}
	st := &status{id: q.nextID(), sha: sha, context: cmp.Or(in.Context, "default"), state: *in.State,
		description: in.Description, target: in.Target, creator: q.token.Login, created: now()}
	q.repo.statuses = append(q.repo.statuses, st)
	return q.created(q.status(st))
}

func (q *request) listStatuses() *reply {
	sha := q.repo.resolve(q.vars["ref"])
	if sha == "" {
		return noCommit(q.vars["ref"])
	}
	var found []*status
	for _, st := range slices.Backward(q.repo.statuses) {
		if st.sha == sha {
			found = append(found, st)
		}
	}
	return list(q, found, q.status)
}

// combined is the newest status of each context of a commit, by context.
func (r *repository) combined(sha string) []*status {
	newest := map[string]*status{}
	for _, st := range r.statuses {
		if st.sha == sha {
			newest[st.context] = st
		}
	}
	var all []*status
	for _, name := range sortedKeys(newest) {
		all = append(all, newest[name])
	}
	return all
}

func (q *request) getCombinedStatus() *reply {
	sha := q.repo.resolve(q.vars["ref"])
	if sha == "" {
		return notFound()
	}
	all := q.repo.combined(sha)
	state := "success"
	for _, st := range all {
		switch {
		case st.state == "error" || st.state == "failure":
			state = "failure"
		case st.state == "pending" && state == "success":
			state = "pending"
		}
	}
	if len(all) == 0 {
		state = "pending"
	}
	u := q.api + "/repos/" + q.repo.fullName() + "/commits/" + sha
	a := list(q, all, func(st *status) object {
		o := q.status(st)
		delete(o, "creator")
		return o
	})
	a.body = object{"state": state, "sha": sha, "total_count": len(all), "statuses": a.body,
		"repository": q.repository(q.repo), "commit_url": u, "url": u + "/status"}
	return a
}
