package github

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// repository is a [Repository] with what has happened in it since.
type repository struct {
	Repository
	commits map[string]*Commit
	order   []string // SHAs as they were added
	refs    map[string]string
	tags    map[string]*Tag // by tag name
	objects map[string]*Tag // annotated tags by the SHA of their own object
	issues  map[int]*Issue
	pulls   map[int]*PullRequest
	runs    map[int64]*Run

	comments     []*comment
	releases     []*release
	latest       int64 // the release that was made the latest by name, or 0
	deployments  []*deployment
	environments []*environment
	statuses     []*status
}

func (r *repository) fullName() string { return r.Owner + "/" + r.Name }

var (
	shaPattern  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// SHA derives a commit's name from any text, for definitions that want to speak of "c1".
func SHA(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// AddRepository makes a repository with everything that its definition holds. The error names each
// part that cannot be; nothing is added then.
func (s *Service) AddRepository(def Repository) error {
	if !namePattern.MatchString(def.Owner) || !namePattern.MatchString(def.Name) {
		return fmt.Errorf("add repository %q: owner and name consist of letters, digits, '.', '_' and '-'", def.Owner+"/"+def.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := append([]string{def.Owner + "/" + def.Name}, def.FormerNames...)
	for _, n := range names {
		if s.repos[strings.ToLower(n)] != nil {
			return fmt.Errorf("add repository %s/%s: the name %s is taken", def.Owner, def.Name, n)
		}
	}
	def.DefaultBranch = cmp.Or(def.DefaultBranch, "main")
	if def.ID == 0 {
		def.ID = s.nextID()
	}
	r := &repository{
		Repository: def, commits: map[string]*Commit{}, refs: map[string]string{}, tags: map[string]*Tag{},
		objects: map[string]*Tag{}, issues: map[int]*Issue{}, pulls: map[int]*PullRequest{}, runs: map[int64]*Run{},
	}
	var faults []error
	note := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	for _, c := range def.Commits {
		_, err := r.addCommit(c)
		note(err)
	}
	for name, sha := range def.Branches {
		note(r.setRef("refs/heads/"+name, sha))
	}
	for _, t := range def.Tags {
		note(r.addTag(t))
	}
	for _, i := range def.Issues {
		note(r.putIssue(i))
	}
	for _, p := range def.Pulls {
		note(r.putPull(p))
	}
	for _, run := range def.Runs {
		note(s.putRun(r, run))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("add repository %s: %w", r.fullName(), err)
	}
	for _, n := range names {
		s.repos[strings.ToLower(n)] = r
	}
	s.meet(r)
	return nil
}

// change carries out an edit of one repository under the lock.
func (s *Service) change(deed, repo string, edit func(*repository) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[strings.ToLower(repo)]
	if r == nil {
		return fmt.Errorf("%s: no repository %q", deed, repo)
	}
	if err := edit(r); err != nil {
		return fmt.Errorf("%s of %s: %w", deed, repo, err)
	}
	s.meet(r)
	return nil
}

// AddCommit adds a commit to the repository ("owner/name") and returns its SHA.
func (s *Service) AddCommit(repo string, c Commit) (sha string, err error) {
	err = s.change("add commit", repo, func(r *repository) error {
		sha, err = r.addCommit(c)
		return err
	})
	return sha, err
}

// SetRef creates or moves a branch or a lightweight tag: "refs/heads/main", "refs/tags/v1".
// An empty SHA deletes it.
func (s *Service) SetRef(repo, ref, sha string) error {
	return s.change("set ref", repo, func(r *repository) error { return r.setRef(ref, sha) })
}

// AddTag adds a tag, annotated if it has a message.
func (s *Service) AddTag(repo string, t Tag) error {
	return s.change("add tag", repo, func(r *repository) error { return r.addTag(t) })
}

// PutIssue creates an issue or replaces the one of its number.
func (s *Service) PutIssue(repo string, i Issue) error {
	return s.change("put issue", repo, func(r *repository) error { return r.putIssue(i) })
}

// PutPull creates a pull request or replaces the one of its number, as when it is merged.
func (s *Service) PutPull(repo string, p PullRequest) error {
	return s.change("put pull request", repo, func(r *repository) error { return r.putPull(p) })
}

// PutRun creates a workflow run or replaces the one of its id.
func (s *Service) PutRun(repo string, run Run) error {
	return s.change("put run", repo, func(r *repository) error { return s.putRun(r, run) })
}

// meet remembers everybody whom a repository mentions, so that they can be looked up.
func (s *Service) meet(r *repository) {
	add := func(logins ...string) {
		for _, l := range logins {
			if l != "" && l != "-" {
				s.logins[l] = true
			}
		}
	}
	add(r.Owner)
	for _, c := range r.commits {
		add(c.Author, c.Committer)
	}
	for _, t := range r.tags {
		add(t.Tagger)
	}
	for _, i := range r.issues {
		add(i.Author)
	}
	for _, p := range r.pulls {
		add(p.Author, p.MergedBy, p.HeadOwner)
	}
	for _, run := range r.runs {
		add(run.Actor)
	}
}
