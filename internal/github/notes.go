package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// GenerateNotes asks GitHub for the notes that it would write itself, by .github/release.yml, and makes nothing. The
// tag need not exist if target names a commit or a branch; previous is the tag to count from, "" for the release
// before. One call. Needs contents: write.
//
// https://docs.github.com/en/rest/releases/releases#generate-release-notes-content-for-a-release
func (c *Client) GenerateNotes(ctx context.Context, tag, previous, target string) (name, body string, err error) {
	deed := fmt.Sprintf("have GitHub write the notes of %s of %s", clean(tag), c.Repository())
	o := &api.GenerateNotesOptions{TagName: tag}
	if err := checkTag(deed, tag); err != nil {
		return "", "", err
	}
	if previous != "" {
		if err := checkTag(deed, previous); err != nil {
			return "", "", err
		}
		o.PreviousTagName = &previous
	}
	if target != "" {
		o.TargetCommitish = &target
	}
	notes, _, err := c.api.Repositories.GenerateReleaseNotes(repeatable(ctx), c.owner, c.name, o)
	if err == nil && notes.Name == "" {
		err = strange()
	}
	if err != nil {
		return "", "", c.explainNeeding(ctx, deed, releaseWrite, err)
	}
	return notes.Name, notes.Body, nil
}

// File reads a file of the repository at a commit, branch or tag, up to 1 MB; nil if it is not there, or there is no
// such commit. One call. Needs contents: read.
//
// https://docs.github.com/en/rest/repos/contents#get-repository-content
func (c *Client) File(ctx context.Context, path, ref string) ([]byte, error) {
	deed := fmt.Sprintf("read %s of %s", clean(path), c.Repository())
	if path == "" || strings.HasPrefix(path, "/") || strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path+"/", "/./") {
		return nil, promotion.Fault{What: deed + ": it is no path within the repository", Accepted: "folder/file"}
	}
	file, folder, _, err := c.api.Repositories.GetContents(ctx, c.owner, c.name, path, &api.RepositoryContentGetOptions{Ref: ref})
	switch {
	case answeredWith(err, http.StatusNotFound):
		return nil, nil
	case err != nil:
		return nil, c.explainNeeding(ctx, deed, "contents=read", err)
	case folder != nil || file.GetType() != "file":
		return nil, promotion.Fault{What: deed + ": it is no file"}
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, promotion.Fault{What: deed + ": GitHub does not send its content", Hint: "files of more than 1 MB cannot be read", Detail: clean(err.Error())}
	}
	return []byte(text), nil
}
