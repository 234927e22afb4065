package github

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

type deployment struct {
	id                    int64
	sha, ref, task        string
	original, environment string
	description, creator  string
	payload               any
	transient, production bool
	created, updated      time.Time
	statuses              []*deploymentStatus // oldest first
}

func (d *deployment) state() string {
	if len(d.statuses) == 0 {
		return "pending"
	}
	return d.statuses[len(d.statuses)-1].state
}

func (q *request) deployment(d *deployment) object {
	root := q.api + "/repos/" + q.repo.fullName()
	u := fmt.Sprintf("%s/deployments/%d", root, d.id)
	return object{
		"id": d.id, "node_id": node("Deployment", d.id), "url": u, "statuses_url": u + "/statuses", "repository_url": root,
		"sha": d.sha, "ref": d.ref, "task": d.task, "payload": d.payload, "original_environment": d.original,
		"environment": d.environment, "description": nullable(d.description), "creator": q.user(d.creator),
		"transient_environment": d.transient, "production_environment": d.production,
		"performed_via_github_app": q.app(d.creator), "created_at": stamp(d.created), "updated_at": stamp(d.updated),
	}
}

func (q *request) listDeployments() *reply {
	var found []*deployment
	for _, d := range slices.Backward(q.repo.deployments) {
		match := true
		for name, value := range map[string]string{"sha": d.sha, "ref": d.ref, "task": d.task, "environment": d.environment} {
			wanted := q.query(name)
			match = match && (wanted == "" || wanted == "none" || wanted == value)
		}
		if match {
			found = append(found, d)
		}
	}
	return list(q, found, q.deployment)
}

// createDeployment follows the three answers that GitHub documents: made, merged instead, refused.
// https://docs.github.com/rest/deployments/deployments#create-a-deployment
func (q *request) createDeployment() *reply {
	var in struct {
		Ref         *string         `json:"ref"`
		Task        *string         `json:"task"`
		AutoMerge   *bool           `json:"auto_merge"`
		Contexts    *[]string       `json:"required_contexts"`
		Payload     json.RawMessage `json:"payload"`
		Environment *string         `json:"environment"`
		Description *string         `json:"description"`
		Transient   bool            `json:"transient_environment"`
		Production  *bool           `json:"production_environment"`
	}
	if refused := q.decode(&in); refused != nil {
		return refused
	}
	if in.Ref == nil {
		return unsupplied("ref")
	}
	sha := q.repo.resolve(*in.Ref)
	if sha == "" {
		return refuse(http.StatusUnprocessableEntity, "No ref found for: "+*in.Ref)
	}
	if in.AutoMerge == nil || *in.AutoMerge {
		if a := q.autoMerge(*in.Ref, sha); a != nil {
			return a
		}
	}
	if unmet := q.unmet(sha, in.Contexts); len(unmet) > 0 {
		return refuse(http.StatusConflict, fmt.Sprintf("Conflict: Commit status checks failed for %s.", *in.Ref),
			object{"contexts": unmet, "resource": "Deployment", "field": "required_contexts", "code": "invalid"})
	}
	d := &deployment{
		id: q.nextID(), sha: sha, ref: *in.Ref, task: cmp.Or(deref(in.Task), "deploy"), payload: any(""),
		environment: cmp.Or(deref(in.Environment), "production"), description: deref(in.Description),
		transient: in.Transient, creator: q.token.Login, created: now(), updated: now(),
	}
	d.original, d.production = d.environment, d.environment == "production"
	set(&d.production, in.Production)
	if len(in.Payload) > 0 && string(in.Payload) != "null" {
		if err := json.Unmarshal(in.Payload, &d.payload); err != nil {
			return refuse(http.StatusBadRequest, "Problems parsing JSON")
		}
	}
	q.repo.deployments = append(q.repo.deployments, d)
	q.enter(d.environment)
	return q.created(q.deployment(d))
}

// autoMerge brings a branch up to date with the default branch: the merge is the answer then, and the
// deployment is for the next call. A path that both sides changed is a conflict.
func (q *request) autoMerge(ref, sha string) *reply {
	head := "refs/heads/" + strings.TrimPrefix(strings.TrimPrefix(ref, "refs/"), "heads/")
	base := q.repo.DefaultBranch
	tip := q.repo.refs["refs/heads/"+base]
	missing := q.repo.between(sha, tip)
	if q.repo.refs[head] == "" || head == "refs/heads/"+base || len(missing) == 0 {
		return nil
	}
	theirs := changes(missing)
	for _, f := range changes(q.repo.between(tip, sha)) {
		if slices.ContainsFunc(theirs, func(t File) bool { return t.Path == f.Path || t.Previous == f.Path || t.Path == f.Previous }) {
			return refuse(http.StatusConflict, fmt.Sprintf("Conflict merging %s into %s.", base, ref))
		}
	}
	merge := Commit{Parents: []string{sha, tip}, Author: q.token.Login, Committer: "web-flow",
		Message: fmt.Sprintf("Merge branch '%s' into %s", base, ref), Branch: strings.TrimPrefix(head, "refs/heads/")}
	if _, err := q.repo.addCommit(merge); err != nil {
		return refuse(http.StatusConflict, err.Error())
	}
	return answer(http.StatusAccepted, object{"message": fmt.Sprintf("Auto-merged %s into %s on deployment.", base, ref)})
}

// unmet are the contexts that stand against a deployment: of those required, or of all that were
// reported for the commit, by a status or by a job.
func (q *request) unmet(sha string, required *[]string) []object {
	states := map[string]string{}
	for _, st := range q.repo.combined(sha) {
		states[st.context] = st.state
	}
	for _, run := range q.repo.runs {
		for _, j := range run.Jobs {
			if run.SHA == sha && j.Attempt == run.Attempt {
				states[j.Name] = j.check()
			}
		}
	}
	names := sortedKeys(states)
	if required != nil {
		names = *required
	}
	unmet := []object{}
	for _, name := range names {
		if state := cmp.Or(states[name], "pending"); state != "success" {
			unmet = append(unmet, object{"context": name, "state": state})
		}
	}
	return unmet
}

func (q *request) oneDeployment() *deployment {
	id := q.integer("deployment_id")
	for _, d := range q.repo.deployments {
		if d.id == id {
			return d
		}
	}
	return nil
}

func (q *request) getDeployment() *reply {
	if d := q.oneDeployment(); d != nil {
		return ok(q.deployment(d))
	}
	return notFound()
}

// deleteDeployment takes inactive ones, or the only one.
func (q *request) deleteDeployment() *reply {
	d := q.oneDeployment()
	if d == nil {
		return notFound()
	}
	active := len(d.statuses) > 0 && d.state() == "success"
	if active && len(q.repo.deployments) > 1 {
		return refuse(http.StatusUnprocessableEntity, "We cannot delete an active deployment unless it is the only deployment in a given environment.")
	}
	q.repo.deployments = slices.DeleteFunc(q.repo.deployments, func(x *deployment) bool { return x == d })
	return answer(http.StatusNoContent, nil)
}
