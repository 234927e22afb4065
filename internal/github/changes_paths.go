package github

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A pattern names files: the parts of a path, in which * is anything and a part ** any number of parts.
type pattern []string

// patterns reads what a person wrote. A folder means what lies in it.
func patterns(paths []string) []pattern {
	var list []pattern
	for _, one := range paths {
		one = strings.Trim(strings.TrimPrefix(one, "./"), "/")
		if one == "" || one == "." {
			return nil // the whole repository
		}
		list = append(list, strings.Split(one, "/"))
	}
	return list
}

func matchAny(list []pattern, file string) bool {
	parts := strings.Split(file, "/")
	return len(list) == 0 || slices.ContainsFunc(list, func(p pattern) bool { return p.match(parts) })
}

func (p pattern) match(file []string) bool {
	switch {
	case len(p) == 0:
		return true // what is left of the file lies in the folder
	case p[0] == "**":
		return p[1:].match(file) || len(file) > 0 && p.match(file[1:])
	case len(file) == 0:
		return false
	}
	same, err := path.Match(p[0], file[0])
	return (same || err != nil && p[0] == file[0]) && p[1:].match(file[1:])
}

// root is the folder or file that a pattern begins with; "" if that is the whole repository.
func (p pattern) root() string {
	at := slices.IndexFunc(p, func(part string) bool { return strings.ContainsAny(part, `*?[\`) })
	if at < 0 {
		at = len(p)
	}
	return path.Join(p[:at]...)
}

const (
	maxHistories  = 10 // paths that are asked for by one query
	historyRounds = 3  // of a hundred commits each
)

// dropElsewhere leaves out the commits without a pull request that the history of none of the paths knows. If there
// are too many paths, or the histories cannot be had or end too late, what is not known to be elsewhere stays.
//
// https://docs.github.com/en/graphql/reference/objects#commit
func (c *Client) dropElsewhere(ctx context.Context, found *Changes, head string, paths []pattern) {
	loose := map[string]bool{} // commits of which it is not known yet
	position := map[string]int{}
	for i, one := range found.Commits {
		position[one.SHA] = i
		if one.PullRequest == 0 {
			loose[one.SHA] = true
		}
	}
	after := map[string]string{} // by path: where its history goes on
	for _, p := range paths {
		after[p.root()] = ""
	}
	if _, everything := after[""]; everything || len(after) > maxHistories || len(loose) == 0 {
		return
	}
	here := map[string]bool{}
	for range historyRounds {
		if err := c.histories(ctx, head, after, func(sha string) (within bool) {
			here[sha] = true
			_, within = position[sha]
			return within
		}); err != nil {
			return
		}
		if len(after) == 0 {
			break
		}
	}
	if len(after) > 0 {
		return
	}
	found.Commits = slices.DeleteFunc(found.Commits, func(one Commit) bool { return loose[one.SHA] && !here[one.SHA] })
}

// histories reads a page of each path's history, from head backwards, and takes from after those that have come to
// their end or out of the range. A page within which no commit is of the range is out of it: the order is by time, and
// clocks that are wrong by a hundred commits are not worth more calls.
func (c *Client) histories(ctx context.Context, head string, after map[string]string, see func(sha string) (within bool)) error {
	var q strings.Builder
	variables, roots := c.variables(), make([]string, 0, len(after))
	declared := "$owner: String!, $name: String!"
	for root, cursor := range after {
		i := len(roots)
		roots = append(roots, root)
		variables[fmt.Sprint("path", i)] = root
		declared += fmt.Sprintf(", $path%d: String, $after%d: String", i, i)
		if cursor != "" {
			variables[fmt.Sprint("after", i)] = cursor
		}
		fmt.Fprintf(&q, "h%d: history(first: 100, path: $path%d, after: $after%d) { nodes { oid } pageInfo { hasNextPage endCursor } }\n", i, i, i)
	}
	text := fmt.Sprintf("query(%s) { repository(owner: $owner, name: $name) { object(oid: %q) { ... on Commit {\n%s} } } }", declared, head, q.String())
	var answer struct {
		Repository struct {
			Object map[string]struct {
				Nodes []struct {
					OID string `json:"oid"`
				} `json:"nodes"`
				PageInfo pageInfo `json:"pageInfo"`
			} `json:"object"`
		} `json:"repository"`
	}
	if err := c.query(ctx, text, variables, &answer); err != nil {
		return err
	}
	for i, root := range roots {
		page, within := answer.Repository.Object[fmt.Sprint("h", i)], false
		for _, one := range page.Nodes {
			within = see(one.OID) || within
		}
		if after[root] = page.PageInfo.EndCursor; !within || !page.PageInfo.HasNextPage {
			delete(after, root)
		}
	}
	return nil
}
