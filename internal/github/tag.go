package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxTags is how many annotated tags may lie on top of each other: a tag of a tag is rare, more a mistake.
const maxTags = 5

// Commit finds the commit that a hash means: of an annotated tag's object the commit that it was made for, of anything
// else the hash itself. Ask it where the run is about a tag. One call, and one more for each annotated tag. Needs
// contents: read.
//
// https://docs.github.com/en/rest/git/tags#get-a-tag
func (c *Client) Commit(ctx context.Context, hash string) (string, error) {
	deed := fmt.Sprintf("find the commit of %.7s in %s", hash, c.Repository())
	for range maxTags {
		if wrong := promotion.CheckCommit(hash); wrong != "" {
			return "", promotion.Fault{What: "find the commit of a tag of " + c.Repository() + ": " + wrong, Accepted: promotion.AcceptedCommit}
		}
		tag, _, err := c.api.Git.GetTag(ctx, c.owner, c.name, hash)
		var refused *api.ErrorResponse
		if errors.As(err, &refused) && refused.Response.StatusCode == http.StatusNotFound {
			return hash, nil // no tag's object, so it is the commit itself
		}
		if err != nil {
			return "", c.explain(ctx, deed, err)
		}
		hash = tag.GetObject().GetSHA()
		switch kind := tag.GetObject().GetType(); kind {
		case "commit":
			if wrong := promotion.CheckCommit(hash); wrong != "" {
				return "", promotion.Fault{What: deed + ": GitHub's answer has none", Detail: wrong}
			}
			return hash, nil
		case "tag":
		default:
			return "", promotion.Fault{What: deed + ": the tag is not of a commit", Detail: clean(kind)}
		}
	}
	return "", promotion.Fault{What: fmt.Sprintf("%s: more than %d tags lie on top of each other", deed, maxTags)}
}
