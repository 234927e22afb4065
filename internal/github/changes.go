package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// MaxChanges is how many commits [Client.Changes] tells of: the newest ones.
const MaxChanges = 250

// Changes are what head has and base has not.
type Changes struct {
	Relation     promotion.Relation // of head to base; an older head has no commits of its own
	Commits      []Commit           // the oldest first
	PullRequests []PullRequest      // the merged ones, in the order of their first commit
	Total        int                // commits between the two, before any was left out
	Truncated    bool               // there are more commits than are told of
	URL          string             // where a person sees all of it; "" where base and head are the same

	// ByTitle is why the pull requests are no more than what the commits' titles say of them: a Fault; nil where
	// GitHub told of them. Then their labels and issues are not known, nor are the files behind a filter by paths.
	ByTitle error
}

// A Commit is one of [Changes].
type Commit struct {
	SHA         string
	Title       string // the first line of its message
	Author      string // a login; a bot's ends with [bot]; "" where GitHub knows no account
	AuthorName  string // as git has it
	PullRequest int    // that brought it, 0 if none is known

	second string // the first line after the title that is not empty
}

// ChangesOptions narrow down what is of interest.
type ChangesOptions struct {
	// Paths are folders and files of the repository, "services/checkout" or "go.mod", or patterns, "services/*/api/**";
	// none is everything. A pull request is kept if it changes one of them, judged by its first hundred files, or if it
	// has more than that; a commit without a pull request if the history of the path knows it, where a pattern counts as
	// the folder that it begins with. What cannot be judged is kept: rather one line too much than one missing.
	Paths []string
}

// Changes tells what lies between two commits. 250 commits and up to 300 pull requests take at most 15 calls: one for
// the commits, one for the pull requests of each 50 of them, one for each 50 pull requests, and with Paths up to 3 for
// their history. Needs contents: read and pull-requests: read, and for the issues that were closed issues: read;
// without the latter two it tells less.
//
// https://docs.github.com/en/rest/commits/commits#compare-two-commits
func (c *Client) Changes(ctx context.Context, base, head string, o ChangesOptions) (Changes, error) {
	deed := fmt.Sprintf("find what changed from %.7s to %.7s in %s", base, head, c.Repository())
	for _, commit := range []string{base, head} {
		if wrong := promotion.CheckCommit(commit); wrong != "" {
			return Changes{}, promotion.Fault{What: "find what changed in " + c.Repository() + ": " + wrong, Accepted: promotion.AcceptedCommit}
		}
	}
	if base == head {
		return Changes{Relation: promotion.Identical}, nil
	}
	found, err := c.compared250(ctx, base, head)
	if err != nil {
		err = c.explainNeeding(ctx, deed, "contents=read", err)
		var f *failure
		if errors.As(err, &f) && gone(err) {
			f.fault.Hint = absentHint
		}
		return Changes{}, err
	}
	if len(found.Commits) == 0 {
		return found, nil
	}
	paths := patterns(o.Paths)
	err = c.addPullRequests(ctx, &found, paths)
	if err == nil && len(paths) > 0 {
		c.dropElsewhere(ctx, &found, head, paths)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return Changes{}, c.explain(ctx, deed, err)
	case err != nil:
		found.ByTitle = c.explainNeeding(ctx, "find the pull requests from "+strings.TrimPrefix(deed, "find what changed from "), pullPermission, err)
		byTitle(&found, c.web())
	}
	return found, nil
}

// compared250 reads the commits. Without asking for a page the answer has the newest 250, and with pages it would
// begin with the oldest, at a hundred a call.
func (c *Client) compared250(ctx context.Context, base, head string) (Changes, error) {
	comparison, _, err := c.api.Repositories.CompareCommits(ctx, c.owner, c.name, base, head, nil)
	var refused *api.ErrorResponse
	if errors.As(err, &refused) && refused.Response.StatusCode == http.StatusNotFound && strings.HasPrefix(refused.Message, "No common ancestor") {
		return Changes{Relation: promotion.Diverged}, nil
	}
	if err != nil {
		return Changes{}, err
	}
	found := Changes{Relation: promotion.Relation(comparison.GetStatus()), Total: comparison.GetTotalCommits(), URL: comparison.GetHTMLURL()}
	list := comparison.Commits[max(0, len(comparison.Commits)-MaxChanges):]
	found.Truncated = found.Total > len(list)
	for _, one := range list {
		title, rest, _ := strings.Cut(one.GetCommit().GetMessage(), "\n")
		second, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
		found.Commits = append(found.Commits, Commit{SHA: one.GetSHA(), Title: strings.TrimSpace(title), second: second,
			Author: one.GetAuthor().GetLogin(), AuthorName: one.GetCommit().GetAuthor().GetName()})
	}
	return found, nil
}

// web is where people see the repository.
func (c *Client) web() string {
	base := *c.api.BaseURL
	base.Host = strings.TrimPrefix(base.Host, "api.")
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), "/api/v3")
	return strings.TrimSuffix(base.String(), "/") + "/" + c.Repository()
}
