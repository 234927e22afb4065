package github

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A PullRequest is what a report says of one.
type PullRequest struct {
	Number int
	Title  string
	URL    string
	Author string // a login; a bot's ends with [bot]; "" of an account that is gone
	Labels []string
	Merged bool

	// Known of a pull request that was asked for itself.
	Open        bool
	Fork        bool   // its branch is in another repository, so that its jobs have a token that can only read
	Base        string // the branch that it is for
	Head        string // the newest commit of its branch
	MergeCommit string // once it is merged

	// Known of one among [Changes].
	Closes []Issue
}

// An Issue is one that a pull request closes.
type Issue struct {
	Number int
	Title  string
	URL    string
}

const pullPermission = "pull_requests=read"

// PullRequest reads one, by one call. Needs pull-requests: read.
//
// https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
func (c *Client) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	deed := fmt.Sprintf("read pull request #%d of %s", number, c.Repository())
	if number <= 0 {
		return PullRequest{}, promotion.Fault{What: deed + ": there is none of that number"}
	}
	p, _, err := c.api.PullRequests.Get(ctx, c.owner, c.name, number)
	if err == nil && p.GetNumber() != number {
		err = strange()
	}
	if err != nil {
		return PullRequest{}, c.explainNeeding(ctx, deed, pullPermission, err)
	}
	return c.pullRequest(p), nil
}

// PullRequestsOf finds whose commit this is: the merged ones that became it, then the open ones of which it is the
// newest. There may be none. One call. Needs pull-requests: read.
//
// https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit
func (c *Client) PullRequestsOf(ctx context.Context, commit string) ([]PullRequest, error) {
	deed := fmt.Sprintf("find the pull request of commit %.7s of %s", commit, c.Repository())
	if wrong := promotion.CheckCommit(commit); wrong != "" {
		return nil, promotion.Fault{What: "find the pull request of a commit of " + c.Repository() + ": " + wrong, Accepted: promotion.AcceptedCommit}
	}
	list, err := all(ctx, func(ctx context.Context, page api.ListOptions) ([]*api.PullRequest, *api.Response, error) {
		return c.api.PullRequests.ListPullRequestsWithCommit(ctx, c.owner, c.name, commit, &page)
	})
	if err != nil {
		return nil, c.explainNeeding(ctx, deed, pullPermission, err)
	}
	var found []PullRequest
	for _, one := range list {
		if p := c.pullRequest(one); p.Merged && p.MergeCommit == commit || p.Open && p.Head == commit {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b PullRequest) int {
		if a.Merged != b.Merged {
			return map[bool]int{true: -1, false: 1}[a.Merged]
		}
		return cmp.Compare(a.Number, b.Number)
	})
	return found, nil
}

func (c *Client) pullRequest(p *api.PullRequest) PullRequest {
	out := PullRequest{Number: p.GetNumber(), Title: p.GetTitle(), URL: p.GetHTMLURL(), Author: p.GetUser().GetLogin(),
		Open: p.GetState() == "open", Merged: !p.GetMergedAt().IsZero(), Base: p.GetBase().GetRef(), Head: p.GetHead().GetSHA(),
		Fork: !strings.EqualFold(p.GetHead().GetRepo().GetFullName(), p.GetBase().GetRepo().GetFullName())}
	if out.Merged { // of an open one it is GitHub's trial
		out.MergeCommit = p.GetMergeCommitSHA()
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	return out
}
