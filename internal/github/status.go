package github

import (
	"context"
	"fmt"
	"slices"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	maxDescription   = 140 // characters, of a status and of a deployment
	statusPermission = "statuses=write"
)

// CommitStatus sets what a commit shows in one context: error, failure, pending or success. A description of more
// than 140 characters is cut. One call. Needs statuses: write.
//
// https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
func (c *Client) CommitStatus(ctx context.Context, commit, name, state, description, targetURL string) error {
	deed := fmt.Sprintf("set status %s of commit %.7s of %s", clean(name), commit, c.Repository())
	if wrong := promotion.CheckCommit(commit); wrong != "" {
		return promotion.Fault{What: "set status of a commit of " + c.Repository() + ": " + wrong, Accepted: promotion.AcceptedCommit}
	}
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, state) {
		return promotion.Fault{What: deed + ": there is no such state", Accepted: "error, failure, pending or success", Detail: clean(state)}
	}
	in := &api.RepoStatus{Context: &name, State: &state, Description: api.String(cut(description))}
	if targetURL != "" {
		in.TargetURL = &targetURL
	}
	_, err := once(ctx, func() (bool, error) {
		made, _, err := c.api.Repositories.CreateStatus(ctx, c.owner, c.name, commit, in)
		return identified(true, made.GetID(), err)
	}, func() (_, is bool, err error) {
		err = each(ctx, func(ctx context.Context, page api.ListOptions) ([]*api.RepoStatus, *api.Response, error) {
			return c.api.Repositories.ListStatuses(ctx, c.owner, c.name, commit, &page)
		}, func(one *api.RepoStatus) bool {
			if one.GetContext() != name {
				return true
			}
			is = one.GetState() == state && one.GetDescription() == in.GetDescription() && one.GetTargetURL() == targetURL
			return false // the newest comes first, and it alone counts
		})
		return is, is, err
	})
	if err != nil {
		return c.explainNeeding(ctx, deed, statusPermission, err)
	}
	return nil
}

// cut shortens a description to what GitHub takes.
func cut(text string) string {
	if runes := []rune(text); len(runes) > maxDescription {
		return string(runes[:maxDescription-1]) + "…"
	}
	return text
}
