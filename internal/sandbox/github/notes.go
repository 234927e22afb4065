package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// notes are what GitHub writes about the changes since the release before.
type notes struct{ name, body string }

// notesConfig is .github/release.yml.
// https://docs.github.com/repositories/releasing-projects-on-github/automatically-generated-release-notes
type notesConfig struct {
	Changelog struct {
		Exclude    exclusion       `yaml:"exclude"`
		Categories []notesCategory `yaml:"categories"`
	} `yaml:"changelog"`
}

type notesCategory struct {
	Title   string    `yaml:"title"`
	Labels  []string  `yaml:"labels"`
	Exclude exclusion `yaml:"exclude"`
}

type exclusion struct {
	Labels  []string `yaml:"labels"`
	Authors []string `yaml:"authors"`
}

func (x exclusion) covers(p *PullRequest) bool {
	return carries(p, x.Labels) || slices.ContainsFunc(x.Authors, func(a string) bool {
		return strings.EqualFold(strings.TrimSuffix(a, "[bot]"), strings.TrimSuffix(p.Author, "[bot]"))
	})
}

func (c notesCategory) holds(p *PullRequest) bool {
	return (slices.Contains(c.Labels, "*") || carries(p, c.Labels)) && !c.Exclude.covers(p)
}

func carries(p *PullRequest, labels []string) bool {
	return slices.ContainsFunc(p.Labels, func(l Label) bool {
		return slices.ContainsFunc(labels, func(name string) bool { return strings.EqualFold(name, l.Name) })
	})
}

func (q *request) generateNotes() *reply {
	var in struct {
		Tag      *string `json:"tag_name"`
		Target   string  `json:"target_commitish"`
		Previous string  `json:"previous_tag_name"`
		Config   string  `json:"configuration_file_path"`
	}
	if refused := q.decode(&in); refused != nil {
		return refused
	}
	if in.Tag == nil {
		return unsupplied("tag_name")
	}
	n, refused := q.notes(*in.Tag, in.Target, in.Previous, in.Config)
	if refused != nil {
		return refused
	}
	return ok(object{"name": n.name, "body": n.body})
}

func (q *request) notes(tag, target, previous, configPath string) (notes, *reply) {
	where := tag
	sha := q.repo.resolve("refs/tags/" + tag)
	if sha == "" {
		if where = target; where == "" {
			where = q.repo.DefaultBranch
		}
		if sha = q.repo.resolve(where); sha == "" {
			return notes{}, refuse(http.StatusBadRequest, "Invalid target_commitish parameter")
		}
	}
	if previous == "" {
		previous = q.tagBefore(tag, sha)
	}
	from := ""
	if previous != "" {
		if from = q.repo.resolve("refs/tags/" + previous); from == "" {
			return notes{}, refuse(http.StatusBadRequest, "Invalid previous_tag parameter")
		}
	}
	config, comment, refused := q.notesConfig(sha, where, configPath)
	if refused != nil {
		return notes{}, refused
	}
	return notes{name: tag, body: comment + q.changelog(tag, previous, config, q.merged(from, sha))}, nil
}

// tagBefore is the tag of the newest published release that the commit builds upon.
func (q *request) tagBefore(tag, sha string) string {
	behind := q.repo.reach(sha)
	var best *release
	for _, r := range q.repo.releases {
		at := q.repo.resolve("refs/tags/" + r.tag)
		if r.draft || r.tag == tag || at == sha || !behind[at] {
			continue
		}
		if best == nil || !r.created.Before(best.created) {
			best = r
		}
	}
	if best == nil {
		return ""
	}
	return best.tag
}

func (q *request) notesConfig(sha, where, path string) (config notesConfig, comment string, refused *reply) {
	paths := []string{".github/release.yml", ".github/release.yaml"}
	if path != "" {
		paths = []string{path}
	}
	tree := q.repo.tree(sha)
	for _, p := range paths {
		content := tree[p]
		if content == nil {
			continue
		}
		if err := yaml.Unmarshal([]byte(*content), &config); err != nil {
			return config, "", invalid(detail("ReleaseNotes", "configuration_file_path", "invalid", p+" cannot be read"))
		}
		return config, fmt.Sprintf("<!-- Release notes generated using configuration in %s at %s -->\n\n", p, where), nil
	}
	return config, "", nil
}

// merged are the merged pull requests of a range, in the order in which they came.
func (q *request) merged(from, to string) []*PullRequest {
	var found []*PullRequest
	for _, c := range q.repo.between(from, to) {
		for _, p := range q.repo.pullsWith(c.SHA) {
			if p.Merged && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	return found
}

func (q *request) changelog(tag, previous string, config notesConfig, pulls []*PullRequest) string {
	page := q.web + "/" + q.repo.fullName()
	pulls = slices.DeleteFunc(pulls, config.Changelog.Exclude.covers)
	line := func(p *PullRequest) string {
		return fmt.Sprintf("* %s by @%s in %s\n", p.Title, p.Author, number(page, "pull", p.Number))
	}
	var b strings.Builder
	if len(pulls) > 0 {
		b.WriteString("## What's Changed\n")
	}
	rest := pulls
	for _, c := range config.Changelog.Categories {
		var in, out []*PullRequest
		for _, p := range rest {
			if c.holds(p) {
				in = append(in, p)
			} else {
				out = append(out, p)
			}
		}
		if rest = out; len(in) > 0 {
			b.WriteString("### " + c.Title + "\n")
		}
		for _, p := range in {
			b.WriteString(line(p))
		}
	}
	if len(config.Changelog.Categories) > 0 && len(rest) > 0 {
		b.WriteString("### Other Changes\n")
	}
	for _, p := range rest {
		b.WriteString(line(p))
	}
	if welcome := q.newcomers(page, pulls); welcome != "" {
		b.WriteString("\n## New Contributors\n" + welcome)
	} else if len(pulls) > 0 {
		b.WriteString("\n")
	}
	if len(pulls) > 0 {
		b.WriteString("\n")
	}
	if previous == "" {
		return b.String() + fmt.Sprintf("**Full Changelog**: %s/commits/%s", page, tag)
	}
	return b.String() + fmt.Sprintf("**Full Changelog**: %s/compare/%s...%s", page, previous, tag)
}

func (q *request) newcomers(page string, pulls []*PullRequest) string {
	first := map[string]int{}
	for _, p := range q.repo.allPulls() {
		if _, known := first[p.Author]; p.Merged && !known {
			first[p.Author] = p.Number
		}
	}
	var b strings.Builder
	for _, p := range pulls {
		if first[p.Author] == p.Number {
			fmt.Fprintf(&b, "* @%s made their first contribution in %s\n", p.Author, number(page, "pull", p.Number))
		}
	}
	return b.String()
}
