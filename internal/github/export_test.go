package github

import (
	"context"
	"net/url"
	"strings"
	"testing"

	api "github.com/google/go-github/v60/github"
)

// Located are the addresses that a client would use.
func Located(apiURL, uploadURL, graphQL, graphQLOfJob string) (rest, upload, graphql *url.URL, err error) {
	a, err := locate(apiURL, uploadURL, graphQL, graphQLOfJob)
	return a.api, a.upload, a.graphql, err
}

// Comments lists what was said about an issue, as a list that has pages.
func (c *Client) Comments(ctx context.Context, issue int) ([]string, error) {
	list, err := all(ctx, func(ctx context.Context, page api.ListOptions) ([]*api.IssueComment, *api.Response, error) {
		return c.api.Issues.ListComments(ctx, c.owner, c.name, issue, &api.IssueListCommentsOptions{ListOptions: page})
	})
	var bodies []string
	for _, one := range list {
		bodies = append(bodies, one.GetBody())
	}
	if err != nil {
		err = c.explain(ctx, "list comments", err)
	}
	return bodies, err
}

// Comment makes a call that changes something.
func (c *Client) Comment(ctx context.Context, issue int, body string) error {
	_, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.name, issue, &api.IssueComment{Body: &body})
	if err != nil {
		err = c.explain(ctx, "comment", err)
	}
	return err
}

// DeleteComments deletes everything that was said.
func (c *Client) DeleteComments(ctx context.Context, issue int) error {
	list, _, err := c.api.Issues.ListComments(ctx, c.owner, c.name, issue, nil)
	for _, one := range list {
		if _, err := c.api.Issues.DeleteComment(ctx, c.owner, c.name, one.GetID()); err != nil {
			return err
		}
	}
	return err
}

// WriteRelease gives a release a text, as a person would.
func (c *Client) WriteRelease(ctx context.Context, id int64, body string) error {
	_, _, err := c.api.Repositories.EditRelease(ctx, c.owner, c.name, id, &api.RepositoryRelease{Body: &body})
	return err
}

// Releases counts them, drafts included.
func (c *Client) Releases(t testing.TB) int {
	t.Helper()
	list, _, err := c.api.Repositories.ListReleases(t.Context(), c.owner, c.name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// JobDeploys files a deployment as GitHub does for the `environment:` of a job.
func (c *Client) JobDeploys(t testing.TB, environment, commit string) int64 {
	t.Helper()
	d, _, err := c.api.Repositories.CreateDeployment(t.Context(), c.owner, c.name, &api.DeploymentRequest{Ref: &commit, Environment: &environment,
		AutoMerge: api.Bool(false), RequiredContexts: &[]string{}})
	if err != nil {
		t.Fatal(err)
	}
	return d.GetID()
}

// Statuses counts those of a deployment.
func (c *Client) Statuses(t testing.TB, deployment int64) int {
	t.Helper()
	list, _, err := c.api.Repositories.ListDeploymentStatuses(t.Context(), c.owner, c.name, deployment, nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// StatusesOf are those of a commit, the newest first.
func (c *Client) StatusesOf(t testing.TB, commit string) string {
	t.Helper()
	list, _, err := c.api.Repositories.ListStatuses(t.Context(), c.owner, c.name, commit, nil)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, one := range list {
		texts = append(texts, one.GetContext()+" "+one.GetState()+" "+one.GetDescription())
	}
	return strings.Join(texts, "; ")
}
