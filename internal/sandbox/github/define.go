package github

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (r *repository) addCommit(c Commit) (string, error) {
	if c.Date.IsZero() {
		c.Date = now()
	}
	c.Date = c.Date.UTC()
	if c.Branch != "" && len(c.Parents) == 0 {
		if tip := r.refs["refs/heads/"+c.Branch]; tip != "" {
			c.Parents = []string{tip}
		}
	}
	if c.SHA == "" {
		c.SHA = SHA(fmt.Sprintln(r.fullName(), len(r.order), c.Parents, c.Message, c.Author, c.Date))
	}
	if !shaPattern.MatchString(c.SHA) {
		return "", fmt.Errorf("commit %q: a sha has 40 lower-case hexadecimal digits", c.SHA)
	}
	if r.commits[c.SHA] != nil {
		return "", fmt.Errorf("commit %s exists", c.SHA)
	}
	for _, p := range c.Parents {
		if r.commits[p] == nil {
			return "", fmt.Errorf("commit %s: unknown parent %q", c.SHA, p)
		}
	}
	files, err := checkFiles(c.Files)
	if err != nil {
		return "", fmt.Errorf("commit %s: %w", c.SHA, err)
	}
	c.Files = files
	r.commits[c.SHA] = &c
	r.order = append(r.order, c.SHA)
	if c.Branch != "" {
		r.refs["refs/heads/"+c.Branch] = c.SHA
	}
	return c.SHA, nil
}

func checkFiles(files []File) ([]File, error) {
	files = slices.Clone(files)
	for i := range files {
		f := &files[i]
		f.Status = cmp.Or(f.Status, "modified")
		switch {
		case f.Path == "" || strings.HasPrefix(f.Path, "/"):
			return nil, fmt.Errorf("file %q: a path is relative and not empty", f.Path)
		case !slices.Contains([]string{"added", "modified", "removed", "renamed"}, f.Status):
			return nil, fmt.Errorf("file %s: status %q is none of added, modified, removed, renamed", f.Path, f.Status)
		case (f.Status == "renamed") != (f.Previous != ""):
			return nil, fmt.Errorf("file %s: a renamed file, and no other, has a previous path", f.Path)
		}
	}
	return files, nil
}

func (r *repository) setRef(ref, sha string) error {
	if !strings.HasPrefix(ref, "refs/heads/") && !strings.HasPrefix(ref, "refs/tags/") {
		return fmt.Errorf("ref %q: refs/heads/... and refs/tags/... can be set", ref)
	}
	if sha == "" {
		delete(r.refs, ref)
		delete(r.tags, strings.TrimPrefix(ref, "refs/tags/"))
		return nil
	}
	if r.commits[sha] == nil {
		return fmt.Errorf("ref %s: no commit %q", ref, sha)
	}
	r.refs[ref] = sha
	return nil
}

func (r *repository) addTag(t Tag) error {
	if t.Name == "" {
		return errors.New("a tag has a name")
	}
	if err := r.setRef("refs/tags/"+t.Name, t.SHA); err != nil {
		return err
	}
	if t.Date.IsZero() {
		t.Date = now()
	}
	if t.Message != "" {
		t.Tagger = cmp.Or(t.Tagger, r.Owner)
		r.tags[t.Name] = &t
		object := SHA("tag " + r.fullName() + " " + t.Name + " " + t.SHA)
		r.objects[object] = &t
		r.refs["refs/tags/"+t.Name] = object
	}
	return nil
}

func (r *repository) putIssue(i Issue) error {
	if i.Number <= 0 || r.pulls[i.Number] != nil {
		return fmt.Errorf("issue %d: a number is positive and not that of a pull request", i.Number)
	}
	i.Author = cmp.Or(i.Author, r.Owner)
	if i.CreatedAt.IsZero() {
		i.CreatedAt = now()
	}
	if i.Closed && i.ClosedAt.IsZero() {
		i.ClosedAt = i.CreatedAt
	}
	r.issues[i.Number] = &i
	return nil
}

func (r *repository) putPull(p PullRequest) error {
	if p.Number <= 0 || r.issues[p.Number] != nil {
		return fmt.Errorf("pull request %d: a number is positive and not that of an issue", p.Number)
	}
	p.Author = cmp.Or(p.Author, r.Owner)
	p.Base = cmp.Or(p.Base, r.DefaultBranch)
	p.HeadSHA = cmp.Or(p.HeadSHA, r.refs["refs/heads/"+p.Head], p.MergeCommit)
	if p.Merged && p.MergeCommit == "" {
		return fmt.Errorf("pull request %d: a merged one has a merge commit", p.Number)
	}
	for _, sha := range append([]string{p.HeadSHA, cmp.Or(p.MergeCommit, p.HeadSHA)}, p.Commits...) {
		if r.commits[sha] == nil {
			return fmt.Errorf("pull request %d: no commit %q", p.Number, sha)
		}
	}
	for _, n := range p.Closes {
		if r.issues[n] == nil {
			return fmt.Errorf("pull request %d: it closes issue %d, which does not exist", p.Number, n)
		}
	}
	files, err := checkFiles(p.Files)
	if err != nil {
		return fmt.Errorf("pull request %d: %w", p.Number, err)
	}
	p.Files = files
	if p.CreatedAt.IsZero() {
		p.CreatedAt = r.commits[p.HeadSHA].Date
	}
	if p.Merged {
		p.Closed = true
		p.MergedBy = cmp.Or(p.MergedBy, p.Author)
		if p.MergedAt.IsZero() {
			p.MergedAt = r.commits[p.MergeCommit].Date
		}
		p.ClosedAt = p.MergedAt
	}
	if p.Closed && p.ClosedAt.IsZero() {
		p.ClosedAt = p.CreatedAt
	}
	r.pulls[p.Number] = &p
	return nil
}
