package github

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// descriptionLimit is the most characters of a status's description.
const descriptionLimit = 140

type deploymentStatus struct {
	id                            int64
	state, description            string
	environment, url, log, target string
	creator                       string
	created                       time.Time
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
