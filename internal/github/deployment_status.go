package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

var deploymentStates = []string{"queued", "in_progress", "success", "failure", "error", "inactive"}

// DeploymentStatus gives a deployment its state: queued, in_progress, success, failure, error or inactive, with the
// environment's address and the log's, "" for none, and a description that is cut to 140 characters. On success GitHub
// itself makes earlier ones of the environment inactive, but not production's, for which see
// [Client.DeactivateOthers]. One call. Needs deployments: write.
//
// https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status
func (c *Client) DeploymentStatus(ctx context.Context, id int64, state, environmentURL, logURL, description string) error {
	deed := fmt.Sprintf("set deployment %d of %s to %s", id, c.Repository(), clean(state))
	if !slices.Contains(deploymentStates, state) {
		return promotion.Fault{What: deed + ": there is no such state", Accepted: strings.Join(deploymentStates, ", ")}
	}
	in := &api.DeploymentStatusRequest{State: &state, Description: api.String(cut(description))}
	for to, address := range map[**string]string{&in.EnvironmentURL: environmentURL, &in.LogURL: logURL} {
		if address != "" {
			*to = &address
		}
	}
	_, err := once(ctx, func() (bool, error) {
		made, _, err := c.api.Repositories.CreateDeploymentStatus(ctx, c.owner, c.name, id, in)
		return identified(true, made.GetID(), err)
	}, func() (is, found bool, err error) {
		list, _, err := c.api.Repositories.ListDeploymentStatuses(ctx, c.owner, c.name, id, &api.ListOptions{PerPage: 1})
		is = len(list) > 0 && list[0].GetState() == state && list[0].GetLogURL() == logURL && list[0].GetDescription() == in.GetDescription()
		return is, is, err
	})
	if err != nil {
		return c.explainNeeding(ctx, deed, deploymentWrite, err)
	}
	return nil
}

// A deploymentState is what became of a deployment, by its newest status.
type deploymentState struct {
	state string // as in [Client.DeploymentStatus]; "" if it has none
	log   string
	url   string
}

const statesQuery = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Deployment { latestStatus { state logUrl environmentUrl } } } }`

// states says what became of each deployment, in their order, by one call for all of them, of which there may be a
// hundred. REST would take a call for each.
//
// https://docs.github.com/en/graphql/reference/objects#deployment
func (c *Client) states(ctx context.Context, list []Deployment) ([]deploymentState, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ids := make([]string, len(list))
	for i, one := range list {
		ids[i] = one.node
	}
	var answer struct {
		Nodes []struct {
			LatestStatus *struct {
				State          string `json:"state"`
				LogURL         string `json:"logUrl"`
				EnvironmentURL string `json:"environmentUrl"`
			} `json:"latestStatus"`
		} `json:"nodes"`
	}
	if err := c.query(ctx, statesQuery, map[string]any{"ids": ids}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Nodes) != len(list) {
		return nil, promotion.Fault{What: "GitHub does not say what became of each deployment"}
	}
	states := make([]deploymentState, len(list))
	for i, one := range answer.Nodes {
		if s := one.LatestStatus; s != nil {
			states[i] = deploymentState{strings.ToLower(s.State), s.LogURL, s.EnvironmentURL}
		}
	}
	return states, nil
}
