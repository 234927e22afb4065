package report

import (
	"regexp"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A Context is what a report needs besides the outcome: what is needed for links, and what the runner knows. With its
// zero value there are no links.
type Context struct {
	ServerURL  string // GitHub's: "https://github.com"
	Repository string // "owner/name", of the commits; "" for the outcome's own
	Workflow   string // its name, or its file; it tells one sticky comment from another
	Steps      []ShiftStep
}

// A ShiftStep is one step of a weighted shift, as it went.
type ShiftStep struct {
	Weight  float64 // the candidates' share, 0 to 1
	Baked   time.Duration
	Verdict promotion.Verdict // of the gate; "" if it was not asked
	Reason  string            // why it did not pass
}

// of fills in what the outcome knows.
func (c Context) of(r promotion.Request) Context {
	if c.Repository == "" {
		c.Repository = r.Repository
	}
	return c
}

// What may stand in a link as it is. Whatever is not of this form is shown and leads nowhere.
var (
	linkable     = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%/+=?&-]*)?$`)
	pagesOfCode  = regexp.MustCompile(`^/[A-Za-z0-9-]+/[A-Za-z0-9._-]+/(?:compare|commit|actions/runs)/[A-Za-z0-9._/-]+$`)
	repositories = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
	commits      = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	logins       = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$`)
)

// leads tells whether an address may stand in a link as it is: a commit, a comparison or a run on the server that the
// context names. An issue's would be a reference, which shows there.
func (c Context) leads(url string) bool {
	path, is := strings.CutPrefix(url, strings.TrimRight(c.ServerURL, "/"))
	return is && c.ServerURL != "" && linkable.MatchString(url) && pagesOfCode.MatchString(path)
}

// link makes a link of Markdown that is written already. It leads to a page of code, or nowhere.
func (c Context) link(markdown, url string) string {
	if !c.leads(url) {
		return markdown
	}
	return linked(markdown, url)
}

func linked(markdown, url string) string { return "[" + markdown + "](" + url + ")" }

// url is the address of something in a repository; "" for one whose name is none.
func (c Context) url(repository, path string) string {
	if !linkable.MatchString(c.ServerURL) || !repositories.MatchString(repository) {
		return ""
	}
	return strings.TrimRight(c.ServerURL, "/") + "/" + repository + path
}

// compareURL is the address at which GitHub shows what lies between two commits. So many digits tell two commits of a
// repository apart, and hundreds of rows keep their links.
func (c Context) compareURL(from, to string) string {
	if !commits.MatchString(from) || !commits.MatchString(to) {
		return ""
	}
	const digits = 12
	return c.url(c.Repository, "/compare/"+from[:min(len(from), digits)]+"..."+to[:min(len(to), digits)])
}

func (c Context) commitURL(repository, hash string) string {
	if !commits.MatchString(hash) {
		return ""
	}
	return c.url(repository, "/commit/"+hash)
}

// between shows two commits with a link to what lies between them; one of them where there is no other.
func (c Context) between(from, to string) string {
	switch {
	case to == "":
		return Code(shortCommit(from))
	case from == "" || from == to:
		return c.link(Code(shortCommit(to)), c.commitURL(c.Repository, to))
	}
	return c.link(Code(shortCommit(from)+"..."+shortCommit(to)), c.compareURL(from, to))
}

// runNumber is the part of a run's address that names it.
var runNumber = regexp.MustCompile(`/actions/runs/([0-9]+)(?:/attempts/[0-9]+)?$`)

// runName is what a person calls a run: "run 4711", "run 4711, attempt 2"; its address where that is another.
func runName(url, attempt string) string {
	m := runNumber.FindStringSubmatch(url)
	if m == nil {
		return oneLine(url)
	}
	if attempt = oneLine(attempt); attempt != "" && attempt != "1" {
		return "run " + m[1] + ", attempt " + attempt
	}
	return "run " + m[1]
}
