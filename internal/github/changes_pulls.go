package github

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// batch is how many commits, or pull requests, are asked for by one query. GitHub ends queries after ten seconds.
// https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit
const batch = 50

// maxPulls keeps commits that went through many pull requests, one into the other, within the calls.
const maxPulls = 300

// addPullRequests finds which merged pull requests brought the commits, and keeps those that concern the paths.
//
// https://docs.github.com/en/graphql/reference/objects#commit
func (c *Client) addPullRequests(ctx context.Context, found *Changes, paths []pattern) error {
	brought := map[string]int{} // by commit
	var numbers []int
	for some := range slices.Chunk(found.Commits, batch) {
		if err := c.bringers(ctx, some, brought, &numbers); err != nil {
			return err
		}
	}
	if spare := len(numbers) - maxPulls; spare > 0 {
		numbers, found.Truncated = numbers[spare:], true
	}
	var pulls []PullRequest
	elsewhere := map[int]bool{}
	for some := range slices.Chunk(numbers, batch) {
		if err := c.details(ctx, some, paths, func(p PullRequest, here bool) {
			if elsewhere[p.Number] = !here; here {
				pulls = append(pulls, p)
			}
		}); err != nil {
			return err
		}
	}
	found.PullRequests = pulls
	for i, one := range found.Commits {
		found.Commits[i].PullRequest = brought[one.SHA]
	}
	found.Commits = slices.DeleteFunc(found.Commits, func(one Commit) bool { return elsewhere[one.PullRequest] })
	return nil
}

// bringers asks for the merged pull requests of commits. Where one went through several, on its way to a branch of
// others, each of them is among the changes, and the one that was merged last is said to have brought it.
func (c *Client) bringers(ctx context.Context, commits []Commit, brought map[string]int, numbers *[]int) error {
	var q strings.Builder
	for i, one := range commits {
		fmt.Fprintf(&q, "c%d: object(oid: %q) { ... on Commit { associatedPullRequests(first: 5) { nodes { number merged } } } }\n", i, one.SHA)
	}
	var answer struct {
		Repository map[string]struct {
			AssociatedPullRequests struct {
				Nodes []struct {
					Number int  `json:"number"`
					Merged bool `json:"merged"`
				} `json:"nodes"`
			} `json:"associatedPullRequests"`
		} `json:"repository"`
	}
	if err := c.query(ctx, c.ofRepository(q.String()), c.variables(), &answer); err != nil {
		return err
	}
	for i, one := range commits {
		for _, p := range answer.Repository[fmt.Sprint("c", i)].AssociatedPullRequests.Nodes {
			if !p.Merged {
				continue
			}
			brought[one.SHA] = max(brought[one.SHA], p.Number)
			if !slices.Contains(*numbers, p.Number) {
				*numbers = append(*numbers, p.Number)
			}
		}
	}
	return nil
}

func (c *Client) ofRepository(fields string) string {
	return "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {\n" + fields + "} }"
}

func (c *Client) variables() map[string]any { return map[string]any{"owner": c.owner, "name": c.name} }

// details reads what a report says of pull requests, and whether they concern the paths.
func (c *Client) details(ctx context.Context, numbers []int, paths []pattern, hand func(p PullRequest, here bool)) error {
	var q strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&q, "p%d: pullRequest(number: %d) { title url merged author { __typename login } labels(first: 20) { nodes { name } } "+
			"closingIssuesReferences(first: 20) { nodes { number title url } }", n, n)
		if len(paths) > 0 {
			q.WriteString(" files(first: 100) { nodes { path } pageInfo { hasNextPage } }")
		}
		q.WriteString(" }\n")
	}
	var answer struct {
		Repository map[string]*struct {
			Title  string `json:"title"`
			URL    string `json:"url"`
			Merged bool   `json:"merged"`
			Author *actor `json:"author"`
			Labels struct {
				Nodes []struct {
					Name string `json:"name"`
				} `json:"nodes"`
			} `json:"labels"`
			Closes struct {
				Nodes []Issue `json:"nodes"`
			} `json:"closingIssuesReferences"`
			Files *struct {
				Nodes []struct {
					Path string `json:"path"`
				} `json:"nodes"`
				PageInfo pageInfo `json:"pageInfo"`
			} `json:"files"`
		} `json:"repository"`
	}
	err := c.query(ctx, c.ofRepository(q.String()), c.variables(), &answer)
	// Issues need a permission of their own, and are not worth the rest.
	if failed, is := err.(*graphErrors); err != nil && !(is && failed.only("closingIssuesReferences")) { //nolint:errorlint // as query returns it
		return err
	}
	for _, n := range numbers {
		p := answer.Repository[fmt.Sprint("p", n)]
		if p == nil {
			continue
		}
		here := p.Files == nil || p.Files.PageInfo.HasNextPage
		if p.Files != nil {
			for _, f := range p.Files.Nodes {
				here = here || matchAny(paths, f.Path)
			}
		}
		out := PullRequest{Number: n, Title: p.Title, URL: p.URL, Author: p.Author.name(), Merged: p.Merged, Closes: p.Closes.Nodes}
		for _, l := range p.Labels.Nodes {
			out.Labels = append(out.Labels, l.Name)
		}
		hand(out, here)
	}
	return nil
}

// As GitHub writes the first line of a squashed pull request, and of a merge, whose message goes on with the title.
// https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request
var (
	squashed = regexp.MustCompile(`^(.*?)\s*\(#([0-9]{1,9})\)$`)
	merge    = regexp.MustCompile(`^Merge pull request #([0-9]{1,9}) from (\S+)$`)
)

// byTitle makes of the commits' titles what can be known without GitHub's help.
func byTitle(found *Changes, web string) {
	found.PullRequests = nil
	seen := map[int]bool{}
	for i, one := range found.Commits {
		p := PullRequest{Author: one.Author, Merged: true}
		if m := squashed.FindStringSubmatch(one.Title); m != nil {
			p.Title = m[1]
			p.Number, _ = strconv.Atoi(m[2]) // nine digits fit
		} else if m := merge.FindStringSubmatch(one.Title); m != nil {
			p.Number, _ = strconv.Atoi(m[1])
			p.Title, p.Author = cmp.Or(one.second, m[2]), "" // who merged is not who wrote
		}
		if p.Number == 0 {
			continue
		}
		found.Commits[i].PullRequest = p.Number
		if !seen[p.Number] {
			seen[p.Number] = true
			p.URL = fmt.Sprintf("%s/pull/%d", web, p.Number)
			found.PullRequests = append(found.PullRequests, p)
		}
	}
}
