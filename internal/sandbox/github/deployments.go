package github

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// descriptionLimit is the most characters of a status's description.
const descriptionLimit = 140

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

type deploymentStatus struct {
	id                            int64
	state, description            string
	environment, url, log, target string
	creator                       string
	created                       time.Time
}

type environment struct {
	id      int64
	name    string
	created time.Time
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

func (q *request) deploymentStatus(d *deployment, st *deploymentStatus) object {
	root := q.api + "/repos/" + q.repo.fullName()
	u := fmt.Sprintf("%s/deployments/%d", root, d.id)
	return object{
		"id": st.id, "node_id": node("DeploymentStatus", st.id), "url": fmt.Sprintf("%s/statuses/%d", u, st.id),
		"state": st.state, "description": st.description, "environment": st.environment, "environment_url": st.url,
		"log_url": st.log, "target_url": st.target, "creator": q.user(st.creator), "deployment_url": u,
		"repository_url": root, "performed_via_github_app": q.app(st.creator), "created_at": stamp(st.created), "updated_at": stamp(st.created),
	}
}

func (q *request) listDeploymentStatuses() *reply {
	d := q.oneDeployment()
	if d == nil {
		return notFound()
	}
	newest := slices.Clone(d.statuses)
	slices.Reverse(newest)
	return list(q, newest, func(st *deploymentStatus) object { return q.deploymentStatus(d, st) })
}

func (q *request) getDeploymentStatus() *reply {
	if d := q.oneDeployment(); d != nil {
		for _, st := range d.statuses {
			if st.id == q.integer("status_id") {
				return ok(q.deploymentStatus(d, st))
			}
		}
	}
	return notFound()
}

var deploymentStates = []string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}

// createDeploymentStatus adds a status. A success ends what came before it in the environment: GitHub
// adds "inactive" to each earlier deployment whose state is success, unless that one is transient or
// in production, or auto_inactive is false.
// https://docs.github.com/rest/deployments/statuses#create-a-deployment-status
func (q *request) createDeploymentStatus() *reply {
	d := q.oneDeployment()
	if d == nil {
		return notFound()
	}
	var in struct {
		State          *string `json:"state"`
		Description    string  `json:"description"`
		Environment    string  `json:"environment"`
		EnvironmentURL string  `json:"environment_url"`
		Log            string  `json:"log_url"`
		Target         string  `json:"target_url"`
		AutoInactive   *bool   `json:"auto_inactive"`
	}
	if refused := q.decode(&in); refused != nil {
		return refused
	}
	switch {
	case in.State == nil:
		return unsupplied("state")
	case !slices.Contains(deploymentStates, *in.State):
		return invalid(detail("DeploymentStatus", "state", "custom", "state is not included in the list"))
	case utf8.RuneCountInString(in.Description) > descriptionLimit:
		return invalid(detail("DeploymentStatus", "description", "custom",
			fmt.Sprintf("description is too long (maximum is %d characters)", descriptionLimit)))
	case !isURL(in.Log) || !isURL(in.Target) || !isURL(in.EnvironmentURL):
		return invalid(detail("DeploymentStatus", "target_url", "custom", "target_url must use http(s) scheme"))
	}
	st := &deploymentStatus{
		id: q.nextID(), state: *in.State, description: in.Description, url: in.EnvironmentURL, created: now(),
		environment: cmp.Or(in.Environment, d.environment), log: cmp.Or(in.Log, in.Target), target: cmp.Or(in.Log, in.Target),
		creator: q.token.Login,
	}
	if st.environment != d.environment {
		q.enter(st.environment)
	}
	d.statuses, d.environment, d.updated = append(d.statuses, st), st.environment, st.created
	if st.state == "success" && (in.AutoInactive == nil || *in.AutoInactive) {
		for _, old := range q.repo.deployments {
			if old.id < d.id && old.environment == d.environment && !old.transient && !old.production && old.state() == "success" {
				ended := *old.statuses[len(old.statuses)-1]
				ended.id, ended.state, ended.created = q.nextID(), "inactive", st.created
				old.statuses, old.updated = append(old.statuses, &ended), st.created
			}
		}
	}
	return q.created(q.deploymentStatus(d, st))
}

func isURL(s string) bool {
	return s == "" || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// enter makes an environment when it is first named.
func (q *request) enter(name string) {
	if !slices.ContainsFunc(q.repo.environments, func(e *environment) bool { return e.name == name }) {
		q.repo.environments = append(q.repo.environments, &environment{id: q.nextID(), name: name, created: now()})
	}
}

func (q *request) environment(e *environment) object {
	return object{
		"id": e.id, "node_id": node("Environment", e.id), "name": e.name, "created_at": stamp(e.created), "updated_at": stamp(e.created),
		"url":              fmt.Sprintf("%s/repos/%s/environments/%s", q.api, q.repo.fullName(), escapePath(e.name)),
		"html_url":         fmt.Sprintf("%s/%s/deployments/activity_log?environments_filter=%s", q.web, q.repo.fullName(), escapePath(e.name)),
		"protection_rules": []object{}, "deployment_branch_policy": nil,
	}
}

func (q *request) listEnvironments() *reply {
	a := list(q, q.repo.environments, q.environment)
	a.body = object{"total_count": len(q.repo.environments), "environments": a.body}
	return a
}

func (q *request) getEnvironment() *reply {
	for _, e := range q.repo.environments {
		if e.name == q.vars["environment_name"] {
			return ok(q.environment(e))
		}
	}
	return notFound()
}
