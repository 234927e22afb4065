package github

import (
	"fmt"
	"slices"
	"time"
)

type environment struct {
	id      int64
	name    string
	created time.Time
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
