package github

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/github/graphql"
)

// nodes finds things by their global ids, in the order of the ids: deployments, since nothing else is asked for so.
func (q *request) nodes(args map[string]any) (any, error) {
	ids, _ := args["ids"].([]any)
	found := make([]any, 0, len(ids))
	for _, id := range ids {
		one, err := q.nodeOf(fmt.Sprint(id))
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

func (q *request) nodeOf(id string) (any, error) {
	for _, r := range q.repos {
		if !q.token.sees(r) {
			continue
		}
		for _, d := range r.deployments {
			if node("Deployment", d.id) != id {
				continue
			}
			inside := *q
			inside.repo = r
			if !q.token.may("deployments=read", r) {
				return nil, &graphql.Error{Type: "FORBIDDEN", Message: "Resource not accessible by integration",
					Extensions: map[string]any{"saml_failure": false}}
			}
			return inside.queryDeployment(d), nil
		}
	}
	return nil, &graphql.Error{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'", id)}
}

func (q *request) queryDeployment(d *deployment) graphql.Value {
	payload, _ := json.Marshal(d.payload) // it was JSON when it came
	// A deployment that succeeded, and was not ended since, is the active one.
	state := strings.ToUpper(d.state())
	if state == "SUCCESS" {
		state = "ACTIVE"
	}
	v := graphql.Value{
		"__typename": "Deployment", "id": node("Deployment", d.id), "databaseId": d.id, "commitOid": d.sha, "task": d.task,
		"environment": d.environment, "originalEnvironment": d.original, "latestEnvironment": d.environment,
		"description": nullable(d.description), "payload": string(payload), "creator": q.actor(d.creator), "state": state,
		"createdAt": stamp(d.created), "updatedAt": stamp(d.updated), "latestStatus": nil,
		"repository": lazy(func() any { return q.queryRepository() }),
		"commit":     lazy(func() any { return q.queryObject(d.sha) }),
	}
	if n := len(d.statuses); n > 0 {
		st := d.statuses[n-1]
		v["latestStatus"] = graphql.Value{
			"__typename": "DeploymentStatus", "id": node("DeploymentStatus", st.id), "state": strings.ToUpper(st.state),
			"description": nullable(st.description), "environmentUrl": nullable(st.url), "logUrl": nullable(st.log),
			"creator": q.actor(st.creator), "createdAt": stamp(st.created), "updatedAt": stamp(st.created),
		}
	}
	return v
}
