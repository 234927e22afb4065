package github

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// blob is git's name for a content. A file without content has the name of its path's.
func blob(path string, content *string) string {
	text := path
	if content != nil {
		text = *content
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))
	return hex.EncodeToString(sum[:])
}

// getContents answers with a file or a directory at a ref. A file whose content was never defined is
// a 501: an empty file would be a lie.
func (q *request) getContents() *reply {
	ref := cmp.Or(q.query("ref"), q.repo.DefaultBranch)
	sha := q.repo.resolve(ref)
	if sha == "" {
		return refuse(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	path := strings.Trim(q.vars["path"], "/")
	tree := q.repo.tree(sha)
	if content, ok := tree[path]; ok {
		return q.fileReply(ref, path, content)
	}
	entries := map[string]string{} // child's path to its kind
	for p := range tree {
		rest, below := strings.CutPrefix(p, path+"/")
		if path == "" {
			rest, below = p, true
		}
		if !below {
			continue
		}
		child, _, deeper := strings.Cut(rest, "/")
		kind := "file"
		if deeper {
			kind = "dir"
		}
		entries[strings.TrimPrefix(path+"/"+child, "/")] = kind
	}
	if len(entries) == 0 {
		return notFound()
	}
	listing := []object{}
	for _, p := range slices.Sorted(maps.Keys(entries)) {
		listing = append(listing, q.entry(ref, p, entries[p], tree[p]))
	}
	return ok(listing)
}

func (q *request) fileReply(ref, path string, content *string) *reply {
	if content == nil {
		return refuse(http.StatusNotImplemented, "the sandbox was given no content for "+path)
	}
	if strings.Contains(q.r.Header.Get("Accept"), "raw") {
		return &reply{status: http.StatusOK, raw: []byte(*content), header: http.Header{
			"Content-Type": {"application/vnd.github.raw+json; charset=utf-8"}}}
	}
	o := q.entry(ref, path, "file", content)
	var lines strings.Builder
	for rest := base64.StdEncoding.EncodeToString([]byte(*content)); rest != ""; {
		n := min(60, len(rest))
		lines.WriteString(rest[:n] + "\n")
		rest = rest[n:]
	}
	o["content"], o["encoding"] = lines.String(), "base64"
	return ok(o)
}

func (q *request) entry(ref, path, kind string, content *string) object {
	root := q.api + "/repos/" + q.repo.fullName()
	sha, size := blob(path, content), 0
	if content != nil {
		size = len(*content)
	}
	self := fmt.Sprintf("%s/contents/%s?ref=%s", root, escapePath(path), url.QueryEscape(ref))
	git, page := root+"/git/blobs/"+sha, fmt.Sprintf("%s/%s/blob/%s/%s", q.web, q.repo.fullName(), ref, escapePath(path))
	var download any = fmt.Sprintf("%s/raw/%s/%s/%s", q.web, q.repo.fullName(), ref, escapePath(path))
	if kind == "dir" {
		git, page, download = root+"/git/trees/"+sha, strings.Replace(page, "/blob/", "/tree/", 1), nil
	}
	return object{
		"name": path[strings.LastIndex(path, "/")+1:], "path": path, "sha": sha, "size": size, "type": kind,
		"url": self, "git_url": git, "html_url": page, "download_url": download,
		"_links": object{"self": self, "git": git, "html": page},
	}
}

// getRaw serves what download_url names. A ref with a slash is tried as the longest one that exists.
func (q *request) getRaw() *reply {
	parts := strings.Split(q.vars["path"], "/")
	for n := len(parts) - 1; n > 0; n-- {
		sha := q.repo.resolve(strings.Join(parts[:n], "/"))
		if content := q.repo.tree(sha)[strings.Join(parts[n:], "/")]; content != nil {
			return &reply{status: http.StatusOK, raw: []byte(*content), header: http.Header{
				"Content-Type": {"text/plain; charset=utf-8"}}}
		}
	}
	return notFound()
}
