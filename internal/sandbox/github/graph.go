package github

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var abbreviation = regexp.MustCompile(`^[0-9a-f]{4,39}$`)

// resolve finds the commit that a name means: a SHA or the unambiguous beginning of one, a branch, a
// tag, or either with heads/, tags/ or refs/ before it. It returns "" when there is none.
func (r *repository) resolve(name string) string {
	if r.commits[name] != nil {
		return name
	}
	if name == "HEAD" {
		name = r.DefaultBranch
	}
	short := strings.TrimPrefix(name, "refs/")
	for _, ref := range []string{"refs/" + short, "refs/heads/" + name, "refs/tags/" + name} {
		if sha, ok := r.refs[ref]; ok {
			return r.peel(sha)
		}
	}
	if abbreviation.MatchString(name) {
		var found []string
		for _, sha := range r.order {
			if strings.HasPrefix(sha, name) {
				found = append(found, sha)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return ""
}

// peel follows an annotated tag to its commit.
func (r *repository) peel(sha string) string {
	if t := r.objects[sha]; t != nil {
		return t.SHA
	}
	return sha
}

// reach is the set of commits that can be reached from the given ones, these included.
func (r *repository) reach(from ...string) map[string]bool {
	seen := map[string]bool{}
	for stack := from; len(stack) > 0; {
		sha := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c := r.commits[sha]; c != nil && !seen[sha] {
			seen[sha] = true
			stack = append(stack, c.Parents...)
		}
	}
	return seen
}

// between lists the commits that head has and base has not, parents first.
func (r *repository) between(base, head string) []*Commit {
	have, want := r.reach(base), r.reach(head)
	var list []*Commit
	for _, sha := range r.order {
		if want[sha] && !have[sha] {
			list = append(list, r.commits[sha])
		}
	}
	return list
}

// mergeBase is the best common ancestor, or "". A commit is always added after its parents, so the
// common ancestor that was added last cannot be an ancestor of another one.
func (r *repository) mergeBase(a, b string) string {
	left, right := r.reach(a), r.reach(b)
	for _, sha := range slices.Backward(r.order) {
		if left[sha] && right[sha] {
			return sha
		}
	}
	return ""
}

// changes sums up what a list of commits did to each path, as one diff would show it. A merge adds
// only paths that none of the commits before it touched.
func changes(commits []*Commit) []File {
	sum := map[string]File{}
	for _, c := range commits {
		for _, f := range c.Files {
			old, touched := sum[f.Path]
			if touched && len(c.Parents) > 1 {
				continue
			}
			if before, ok := sum[f.Previous]; f.Previous != "" && ok {
				delete(sum, f.Previous)
				f.Additions += before.Additions
				f.Deletions += before.Deletions
				if before.Status == "added" {
					f.Status, f.Previous = "added", ""
				}
			}
			if !touched {
				sum[f.Path] = f
				continue
			}
			f.Additions += old.Additions
			f.Deletions += old.Deletions
			switch {
			case old.Status == "added" && f.Status == "removed":
				delete(sum, f.Path)
				continue
			case old.Status == "added" || old.Status == "renamed" && f.Status == "modified":
				f.Status, f.Previous = old.Status, old.Previous
			case old.Status == "removed" && f.Status == "added":
				f.Status = "modified"
			}
			sum[f.Path] = f
		}
	}
	list := make([]File, 0, len(sum))
	for _, path := range slices.Sorted(maps.Keys(sum)) {
		list = append(list, sum[path])
	}
	return list
}

// filesOf is the diff of one commit against its first parent.
func (r *repository) filesOf(c *Commit) []File {
	if len(c.Files) == 0 && len(c.Parents) > 1 {
		return changes(r.between(c.Parents[0], c.SHA))
	}
	return changes([]*Commit{c})
}

// tree is every path at a commit with its content: nil for a file whose content was never given.
func (r *repository) tree(sha string) map[string]*string {
	var line []*Commit // the first-parent chain, newest first
	for c := r.commits[sha]; c != nil; {
		line = append(line, c)
		if len(c.Parents) == 0 {
			break
		}
		c = r.commits[c.Parents[0]]
	}
	tree := map[string]*string{}
	apply := func(c *Commit) {
		for _, f := range c.Files {
			delete(tree, f.Previous)
			switch {
			case f.Status == "removed":
				delete(tree, f.Path)
			case f.Content != nil:
				tree[f.Path] = f.Content
			default:
				tree[f.Path] = nil
			}
		}
	}
	for _, c := range slices.Backward(line) {
		for _, side := range c.Parents[min(1, len(c.Parents)):] {
			for _, merged := range r.between(c.Parents[0], side) {
				apply(merged)
			}
		}
		apply(c)
	}
	return tree
}
