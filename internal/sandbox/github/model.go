package github

import "time"

// A Repository is the definition of one repository: what a test or a demo wants to exist before the
// first call. Everything but Owner and Name may be left out. Commits are added in order, so a commit
// comes after its parents.
type Repository struct {
	Owner string `json:"owner"`
	Name  string `json:"name"`
	// ID is the repository's number; 0 takes the next free one.
	ID int64 `json:"id,omitempty"`
	// DefaultBranch is "main" when it is empty.
	DefaultBranch string `json:"default_branch,omitempty"`
	Description   string `json:"description,omitempty"`
	// Public repositories may be read by every token; others only by tokens that name them.
	Public bool `json:"public,omitempty"`
	// FormerNames ("owner/name") answer with a redirect to the repository, as after a rename.
	FormerNames []string `json:"former_names,omitempty"`

	Commits  []Commit          `json:"commits,omitempty"`
	Branches map[string]string `json:"branches,omitempty"` // name to sha
	Tags     []Tag             `json:"tags,omitempty"`
	Issues   []Issue           `json:"issues,omitempty"`
	Pulls    []PullRequest     `json:"pulls,omitempty"`
	Runs     []Run             `json:"runs,omitempty"`
}

// A Commit is one node of a repository's graph.
type Commit struct {
	// SHA is 40 hexadecimal digits; empty derives one from the rest of the commit.
	SHA string `json:"sha,omitempty"`
	// Parents are full SHAs of known commits. Without any, the parent is Branch's tip, if there is one.
	Parents []string `json:"parents,omitempty"`
	Message string   `json:"message"`
	// Author and Committer are logins. An empty Committer is the author; "-" as Author is a person
	// whom GitHub cannot match to an account (author: null).
	Author      string    `json:"author,omitempty"`
	AuthorName  string    `json:"author_name,omitempty"`
	AuthorEmail string    `json:"author_email,omitempty"`
	Committer   string    `json:"committer,omitempty"`
	Date        time.Time `json:"date,omitzero"` // zero is now
	Files       []File    `json:"files,omitempty"`
	// Branch, when given, is moved to this commit.
	Branch string `json:"branch,omitempty"`
}

// A File is what one commit or one pull request did to one path.
type File struct {
	Path string `json:"path"`
	// Status is added, modified (the default), removed or renamed.
	Status    string `json:"status,omitempty"`
	Additions int    `json:"additions,omitempty"`
	Deletions int    `json:"deletions,omitempty"`
	Previous  string `json:"previous,omitempty"` // the path before a rename
	Patch     string `json:"patch,omitempty"`
	// Content, when given, is what the contents API returns at this commit and after it.
	Content *string `json:"content,omitempty"`
}

// A Tag names a commit. With a Message it is an annotated tag, with an object of its own.
type Tag struct {
	Name    string    `json:"name"`
	SHA     string    `json:"sha"` // the commit
	Message string    `json:"message,omitempty"`
	Tagger  string    `json:"tagger,omitempty"` // a login
	Date    time.Time `json:"date,omitzero"`
}

// A Label of an issue or a pull request. Color is six hexadecimal digits.
type Label struct {
	Name        string `json:"name"`
	Color       string `json:"color,omitempty"`
	Description string `json:"description,omitempty"`
}

// An Issue shares its numbers with the pull requests of the repository.
type Issue struct {
	Number    int       `json:"number"`
	Title     string    `json:"title"`
	Body      string    `json:"body,omitempty"`
	Author    string    `json:"author,omitempty"`
	Labels    []Label   `json:"labels,omitempty"`
	Closed    bool      `json:"closed,omitempty"`
	Locked    bool      `json:"locked,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
}

// A PullRequest asks for Head to be merged into Base.
type PullRequest struct {
	Number int     `json:"number"`
	Title  string  `json:"title"`
	Body   string  `json:"body,omitempty"`
	Author string  `json:"author,omitempty"`
	Labels []Label `json:"labels,omitempty"`
	Draft  bool    `json:"draft,omitempty"`
	Locked bool    `json:"locked,omitempty"`

	// Head is the branch's name, HeadSHA its tip (empty: the branch's), HeadOwner the owner of the fork
	// that it lies in (empty: this repository). Base is the default branch when it is empty.
	Head      string `json:"head"`
	HeadSHA   string `json:"head_sha,omitempty"`
	HeadOwner string `json:"head_owner,omitempty"`
	Base      string `json:"base,omitempty"`

	Merged bool `json:"merged,omitempty"`
	Closed bool `json:"closed,omitempty"` // without having been merged
	// MergeCommit is the commit on Base that came of the merge, squash or rebase; for an open pull
	// request it is GitHub's test merge.
	MergeCommit string    `json:"merge_commit,omitempty"`
	MergedBy    string    `json:"merged_by,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	MergedAt    time.Time `json:"merged_at,omitzero"`
	ClosedAt    time.Time `json:"closed_at,omitzero"`

	// Commits are the pull request's own commits. Empty: what Head has and Base does not.
	Commits []string `json:"commits,omitempty"`
	// Files are the changed files. Empty: what the commits changed.
	Files []File `json:"files,omitempty"`
	// Closes are the numbers of the issues that it closes.
	Closes []int `json:"closes,omitempty"`
}

// A Run is one workflow run with its jobs. Times that are zero are now.
type Run struct {
	ID   int64  `json:"id"`
	Name string `json:"name,omitempty"` // the workflow's
	// Path is the workflow's file: ".github/workflows/promote.yml".
	Path       string    `json:"path,omitempty"`
	Event      string    `json:"event,omitempty"` // "push" when empty
	Branch     string    `json:"branch,omitempty"`
	SHA        string    `json:"sha"`
	Title      string    `json:"title,omitempty"`
	Number     int       `json:"number,omitempty"`
	Attempt    int       `json:"attempt,omitempty"`    // 1 when zero
	Status     string    `json:"status,omitempty"`     // queued, in_progress (the default), completed, ...
	Conclusion string    `json:"conclusion,omitempty"` // success, failure, cancelled, ...
	Actor      string    `json:"actor,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	UpdatedAt  time.Time `json:"updated_at,omitzero"`
	Jobs       []Job     `json:"jobs,omitempty"`
}

// A Job of a [Run]. A job that is not completed counts as a pending context of its commit, which is
// what makes a deployment with default contexts fail from inside a workflow.
type Job struct {
	ID          int64     `json:"id,omitempty"`
	Name        string    `json:"name"`
	Attempt     int       `json:"attempt,omitempty"` // the run's when zero
	Status      string    `json:"status,omitempty"`
	Conclusion  string    `json:"conclusion,omitempty"`
	Labels      []string  `json:"labels,omitempty"`
	RunnerName  string    `json:"runner_name,omitempty"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	CompletedAt time.Time `json:"completed_at,omitzero"`
	Steps       []Step    `json:"steps,omitempty"`
}

// A Step of a [Job].
type Step struct {
	Name       string `json:"name"`
	Status     string `json:"status,omitempty"`
	Conclusion string `json:"conclusion,omitempty"`
}
