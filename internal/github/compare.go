package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

var _ promotion.History = (*Client)(nil)

// Compare tells how head stands to base, by one call at most: what two commits are to each other never changes, so it
// is asked once. Needs contents: read.
//
// https://docs.github.com/en/rest/commits/commits#compare-two-commits
func (c *Client) Compare(ctx context.Context, base, head string) (promotion.Relation, error) {
	deed := fmt.Sprintf("compare commit %.7s with %.7s of %s", head, base, c.Repository())
	for _, commit := range []string{base, head} {
		if wrong := promotion.CheckCommit(commit); wrong != "" {
			return promotion.Unknown, promotion.Fault{What: "compare commits of " + c.Repository() + ": " + wrong, Accepted: promotion.AcceptedCommit}
		}
	}
	if base == head {
		return promotion.Identical, nil
	}
	if known, is := c.compared.get(base, head); is {
		return known.relation, known.err
	}

	// Only the status matters: one commit a page keeps the answer small.
	req, err := c.api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/compare/%s...%s?per_page=1", c.owner, c.name, base, head), nil)
	if err != nil {
		return promotion.Unknown, c.explain(ctx, deed, err)
	}
	var answer struct {
		Status string `json:"status"`
	}
	_, err = c.api.Do(ctx, req, &answer)
	var refused *api.ErrorResponse
	relation := promotion.Relation(answer.Status)
	switch {
	case err == nil && (relation == promotion.Identical || relation == promotion.Ahead || relation == promotion.Behind || relation == promotion.Diverged):
	case err == nil:
		err = promotion.Fault{What: deed + ": GitHub's answer does not say how they stand to each other",
			Hint: "check GITHUB_API_URL: it may name a server that is not GitHub"}
		return promotion.Unknown, err
	case errors.As(err, &refused) && refused.Response.StatusCode == http.StatusNotFound && strings.HasPrefix(refused.Message, "No common ancestor"):
		relation = promotion.Diverged // both are there, and have nothing in common
	case errors.As(err, &refused) && refused.Response.StatusCode == http.StatusNotFound:
		err = &failure{promotion.Fault{
			What: deed + ": GitHub does not have both, or hides them from the token (404)",
			Hint: absentHint,
		}, err}
		c.compared.put(base, head, known{promotion.Unknown, err, time.Now().Add(absentFor)})
		return promotion.Unknown, err
	default:
		return promotion.Unknown, c.explain(ctx, deed, err)
	}
	c.compared.put(base, head, known{relation: relation})
	c.compared.put(head, base, known{relation: relation.Inverse()})
	return relation, nil
}

// absentHint is what it may mean that GitHub does not have a commit.
const absentHint = "history may have been rewritten by a force-push since, the repository may be a fork without that commit, the commit may not be pushed, or the token may lack `permissions: {contents: read}`"

// absentFor is how long a commit that GitHub did not have is not asked for again; meanwhile it may be pushed.
const absentFor = time.Minute

// A memory keeps what was asked, for a run that asks again while it waits.
type memory struct {
	mu    sync.Mutex
	known map[[2]string]known
}

type known struct {
	relation promotion.Relation
	err      error
	until    time.Time // zero: for ever
}

func (m *memory) get(base, head string) (known, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, is := m.known[[2]string{base, head}]
	if is && !k.until.IsZero() && !time.Now().Before(k.until) {
		is = false
	}
	return k, is
}

// maxKnown bounds the memory of a run that waits for hours while others come and go.
const maxKnown = 10_000

func (m *memory) put(base, head string, k known) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= maxKnown {
		m.known = map[[2]string]known{}
	}
	m.known[[2]string{base, head}] = k
}
