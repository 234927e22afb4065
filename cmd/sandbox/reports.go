package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// reportsFolder is where, in the demo's folder, what was written for people stays when the demo is over.
const reportsFolder = "reports"

// A report is a text that promote wrote for people to read on GitHub.
type report struct{ title, file, text string }

// keep puts a report into a file. One that says nothing of what it is about is not one.
func (d *show) keep(r report, says ...string) error {
	for _, what := range says {
		if !strings.Contains(r.text, what) {
			return fmt.Errorf("%s: it does not name %q: %q", r.title, what, r.text)
		}
	}
	folder := filepath.Join(d.folder, reportsFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	d.reports = append(d.reports, r)
	return os.WriteFile(filepath.Join(folder, r.file), []byte(r.text), 0o644)
}

// written shows what promote wrote for people: the comment on a merge's pull request, a run's summary, and the release of
// the tag.
func (d *show) written(ctx context.Context) error {
	const good, last = 2, 8
	comment, err := d.comment(ctx, merges[good-1].pull)
	if err != nil {
		return err
	}
	release, err := d.releaseOf(ctx, tag)
	if err != nil {
		return err
	}
	for _, r := range []struct {
		report
		n int
	}{
		{report{fmt.Sprintf("The comment on pull request #%d, the good release's", merges[good-1].pull), "comment.md", comment}, good},
		{report{"The job summary of release " + tag, "summary.md", d.summaries[last]}, last},
		{report{"The notes of release " + tag, "release-notes.md", release}, last},
	} {
		if err := d.keep(r.report, append([]string{commit(r.n)[:7]}, shopFunctions...)...); err != nil {
			return err
		}
	}
	d.title("What people read", "On GitHub, which renders it. Here is how it begins; whole it is in "+filepath.Join(d.folder, reportsFolder)+".")
	for i, r := range d.reports {
		if i > 0 {
			fmt.Fprintln(d.out)
		}
		fmt.Fprintf(d.out, "%s (%s):\n%s", r.title, r.file, excerpt(r.text, r.file))
	}
	return nil
}

// comment is what was written on a pull request, "" if nothing was.
func (d *show) comment(ctx context.Context, pull int) (string, error) {
	var comments []struct{ Body string }
	if err := d.ask(ctx, fmt.Sprintf("issues/%d/comments", pull), &comments); err != nil || len(comments) == 0 {
		return "", err
	}
	if len(comments) > 1 {
		return "", fmt.Errorf("pull request #%d has %d comments, and one was expected", pull, len(comments))
	}
	return comments[0].Body, nil
}

// releaseOf is the text of a tag's release, "" if there is none.
func (d *show) releaseOf(ctx context.Context, tag string) (string, error) {
	var release struct{ Body string }
	err := d.ask(ctx, "releases/tags/"+tag, &release)
	if errors.Is(err, errNotThere) {
		err = nil
	}
	return release.Body, err
}

var errNotThere = errors.New("there is no such thing")

// ask reads something of the repository from the sandbox's GitHub, as any client would.
func (d *show) ask(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.hub+"/repos/"+repositoryOwner+"/"+repositoryName+"/"+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+d.box.Env()["GITHUB_TOKEN"])
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("read %s from GitHub: %w", path, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 10<<20))
	switch {
	case err != nil:
		return fmt.Errorf("read %s from GitHub: %w", path, err)
	case answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("read %s from GitHub: %w", path, errNotThere)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("read %s from GitHub: it answered %d %s", path, answer.StatusCode, body)
	}
	return json.Unmarshal(body, into)
}
