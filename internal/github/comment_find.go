package github

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A thread is the place of one comment: a pull request, and the marker of who writes there.
type thread struct {
	pull   int
	marker string
}

type comment struct {
	id   int64
	url  string
	body string
}

// comments are those that this client has written, by their place, so that they need not be looked for again.
type comments struct {
	sync.Mutex
	ids map[thread]int64
}

func (c *comments) get(at thread) (id int64, is bool) { id, is = c.ids[at]; return id, is }
func (c *comments) forget(at thread)                  { delete(c.ids, at) }
func (c *comments) put(at thread, id int64) {
	if c.ids == nil {
		c.ids = map[thread]int64{}
	}
	c.ids[at] = id
}

// A job's token cannot ask REST who it is, and needs no permission to ask this. A bot's name ends with [bot] as the
// viewer's, and does not as an author's.
const commentsQuery = `query($owner: String!, $name: String!, $pull: Int!, $after: String) {
  viewer { login }
  repository(owner: $owner, name: $name) { pullRequest(number: $pull) {
    comments(first: 100, after: $after) { nodes { url body author { __typename login } } pageInfo { hasNextPage endCursor } }
  } }
}`

type actor struct {
	Kind  string `json:"__typename"`
	Login string `json:"login"`
}

// name is the login as people and REST know it.
func (a *actor) name() string {
	switch {
	case a == nil:
		return ""
	case a.Kind == "Bot" && !strings.HasSuffix(a.Login, "[bot]"):
		return a.Login + "[bot]"
	}
	return a.Login
}

type pageInfo struct {
	HasNextPage bool   `json:"hasNextPage"`
	EndCursor   string `json:"endCursor"`
}

// A comment's number has outgrown the Int that GraphQL gives it as, and servers of some age have no larger one.
var commentNumber = regexp.MustCompile(`#issuecomment-([0-9]{1,18})$`)

// ownComments finds what this token's owner wrote with the marker, or with a former one, the oldest first. One call for a
// hundred comments.
//
// https://docs.github.com/en/graphql/reference/objects#issuecomment
func (c *Client) ownComments(ctx context.Context, at thread, former ...string) ([]comment, error) {
	variables := map[string]any{"owner": c.owner, "name": c.name, "pull": at.pull}
	markers := append([]string{at.marker}, former...)
	var mine []comment
	for range maxPages {
		var answer struct {
			Viewer     actor `json:"viewer"`
			Repository struct {
				PullRequest struct {
					Comments struct {
						Nodes []struct {
							URL    string `json:"url"`
							Body   string `json:"body"`
							Author *actor `json:"author"`
						} `json:"nodes"`
						PageInfo pageInfo `json:"pageInfo"`
					} `json:"comments"`
				} `json:"pullRequest"`
			} `json:"repository"`
		}
		if err := c.query(ctx, commentsQuery, variables, &answer); err != nil {
			return nil, err
		}
		if answer.Viewer.Login == "" {
			return nil, promotion.Fault{What: "GitHub does not say who the token belongs to"}
		}
		page := answer.Repository.PullRequest.Comments
		for _, one := range page.Nodes {
			number := commentNumber.FindStringSubmatch(one.URL)
			if number == nil || one.Author.name() != answer.Viewer.Login || !slices.ContainsFunc(markers, func(m string) bool { return strings.Contains(one.Body, m) }) {
				continue
			}
			id, _ := strconv.ParseInt(number[1], 10, 64) // 18 digits fit
			mine = append(mine, comment{id, one.URL, one.Body})
		}
		if !page.PageInfo.HasNextPage {
			slices.SortFunc(mine, func(a, b comment) int { return cmp.Compare(a.id, b.id) })
			return mine, nil
		}
		variables["after"] = page.PageInfo.EndCursor
	}
	return nil, errMore
}
