package report

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// Changes are what lies between the commit that was promoted before and this one.
type Changes struct {
	Base, Head string // commits; Base is "" on a first promotion
	Commits    []Commit
	Pulls      []Pull
	Truncated  bool   // there are more than were read
	CompareURL string // where GitHub shows all of them
}

// A Commit is one that came with the changes.
type Commit struct {
	SHA    string
	Title  string // the first line of its message
	Author string // the login, or the name where there is none
	Pull   int    // of a pull request that it came with; 0 for none
}

// A Pull is a pull request that was merged.
type Pull struct {
	Number int
	Title  string
	Author string // the login
	Labels []string
	Closes []int // issues of the same repository
}

// Categories say under which headings changes are told: .github/release.yml, as GitHub reads it
// (https://docs.github.com/repositories/releasing-projects-on-github/automatically-generated-release-notes). With the
// zero value it is told by the prefixes of conventional commits.
type Categories struct {
	exclude exclusion
	list    []category
}

type category struct {
	Title   string    `yaml:"title"`
	Labels  []string  `yaml:"labels"`
	Exclude exclusion `yaml:"exclude"`
}

type exclusion struct {
	Labels  []string `yaml:"labels"`
	Authors []string `yaml:"authors"`
}

// ParseCategories reads .github/release.yml.
func ParseCategories(text []byte) (Categories, error) {
	var file struct {
		Changelog struct {
			Exclude    exclusion  `yaml:"exclude"`
			Categories []category `yaml:"categories"`
		} `yaml:"changelog"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return Categories{}, fmt.Errorf("read the categories of the release notes: %s", yaml.FormatError(err, false, false))
	}
	return Categories{exclude: file.Changelog.Exclude, list: file.Changelog.Categories}, nil
}

// covers tells whether a change is left out. An app is named with and without "[bot]".
func (x exclusion) covers(author string, labels []string) bool {
	bare := func(login string) string { return strings.TrimSuffix(strings.ToLower(login), "[bot]") }
	for _, a := range x.Authors {
		if bare(a) == bare(author) {
			return true
		}
	}
	return carries(labels, x.Labels)
}

func carries(labels, wanted []string) bool {
	for _, l := range labels {
		for _, w := range wanted {
			if strings.EqualFold(l, w) {
				return true
			}
		}
	}
	return false
}

func (c category) holds(e entry) bool {
	every := false
	for _, l := range c.Labels {
		every = every || l == "*"
	}
	return (every || carries(e.labels, c.Labels)) && !c.Exclude.covers(e.author, e.labels)
}

// otherChanges is the heading of what no category holds.
const otherChanges = "Other changes"

// conventional are headings with the prefixes of https://www.conventionalcommits.org that belong under them.
var conventional = []struct {
	title    string
	prefixes []string
}{
	{"Breaking changes", nil}, // any prefix with an exclamation mark
	{"Features", []string{"feat", "feature"}},
	{"Fixes", []string{"fix", "bugfix", "hotfix"}},
	{"Performance", []string{"perf"}},
	{"Reverts", []string{"revert"}},
	{"Maintenance", []string{"build", "chore", "ci", "deps", "docs", "refactor", "style", "test"}},
}

// An entry is one change, from a pull request or a commit of its own.
type entry struct {
	title, author string
	labels        []string
	pull          int
	closes        []int
	commit        string
}

// A chapter is changes under one heading.
type chapter struct {
	title   string
	entries []entry
}

// entries are the pull requests, and those commits that came with none.
func (ch Changes) entries() []entry {
	var list []entry
	known := map[int]bool{}
	for _, p := range ch.Pulls {
		known[p.Number] = true
		list = append(list, entry{title: p.Title, author: p.Author, labels: p.Labels, pull: p.Number, closes: p.Closes})
	}
	for _, c := range ch.Commits {
		if !known[c.Pull] {
			list = append(list, entry{title: c.Title, author: c.Author, pull: c.Pull, commit: c.SHA})
		}
	}
	return list
}

// chapters sort changes into categories; empty ones are left out.
func (cat Categories) chapters(list []entry) []chapter {
	var titles []string
	of := func(e entry) string { return conventionalTitle(e.title) }
	if len(cat.list) > 0 {
		of = func(e entry) string {
			for _, c := range cat.list {
				if c.holds(e) {
					return c.Title
				}
			}
			return otherChanges
		}
		for _, c := range cat.list {
			titles = append(titles, c.Title)
		}
	} else {
		for _, c := range conventional {
			titles = append(titles, c.title)
		}
	}
	found := map[string][]entry{}
	for _, e := range list {
		if !cat.exclude.covers(e.author, e.labels) {
			found[of(e)] = append(found[of(e)], e)
		}
	}
	var chapters []chapter
	for _, t := range append(titles, otherChanges) {
		if found[t] != nil {
			chapters = append(chapters, chapter{t, found[t]})
			delete(found, t)
		}
	}
	return chapters
}

func conventionalTitle(title string) string {
	prefix, _, is := strings.Cut(oneLine(title), ":")
	if !is {
		return otherChanges
	}
	prefix = strings.ToLower(prefix)
	breaking := strings.HasSuffix(prefix, "!")
	kind, scope, scoped := strings.Cut(strings.TrimSuffix(prefix, "!"), "(")
	if scoped && !strings.HasSuffix(scope, ")") {
		return otherChanges
	}
	for _, c := range conventional {
		for _, p := range c.prefixes {
			if kind == p && breaking {
				return conventional[0].title
			}
			if kind == p {
				return c.title
			}
		}
	}
	return otherChanges
}
