// Package workflow reads the workflow file of the running job, where it is checked out, and tells what its concurrency
// group lacks: a job that promotes should stand in one that does not cancel, and a job that rolls back should not
// stand in the group of what it has to stop.
//
// It is advice, and never in the way: what is not checked out, not readable, too large or not clear is no finding. What
// an expression will be is not guessed. Where several jobs can be the running one (a reusable workflow that is called
// twice), only what is true of each of them is told.
//
// https://docs.github.com/actions/writing-workflows/choosing-what-your-workflow-does/control-the-concurrency-of-workflows-and-jobs
package workflow

import (
	"regexp"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A Job is the running job, as the runner's environment and the configuration name it.
type Job struct {
	WorkflowRef string // GITHUB_WORKFLOW_REF: owner/name/.github/workflows/release.yml@refs/heads/main, of the outermost caller
	Repository  string // GITHUB_REPOSITORY: owner/name
	ID          string // GITHUB_JOB; within a reusable workflow the id that the job has there
	Action      string // GITHUB_ACTION_REPOSITORY; "" for an action of the workspace

	App, Environment string // what the run is about, for the name of a group; either may be ""
}

// Findings tells what is amiss with the running job's concurrency group: nothing, or one fault that holds every line
// to add or to change. Read gives a file of the workspace by its path, such as .github/workflows/release.yml; it
// need not give more than [Largest] and one more byte.
func Findings(j Job, read func(path string) ([]byte, error), mode promotion.Mode) []promotion.Fault {
	path, ok := j.path()
	if !ok || read == nil {
		return nil
	}
	s := &search{job: j, read: read, files: map[string]*file{}, effort: mostEffort}
	s.follow(path, nil, call{})
	routes := s.likely()
	if len(routes) == 0 || s.unclear {
		return nil
	}
	var found []finding
	for i, r := range routes {
		these := s.findings(r, mode)
		if i == 0 {
			found = these
			continue
		}
		found = slices.DeleteFunc(found, func(f finding) bool { return !slices.Contains(these, f) })
	}
	if len(found) == 0 || s.unclear {
		return nil
	}
	f := s.fault(routes[0], found, mode)
	if s.unclear {
		return nil
	}
	return []promotion.Fault{f}
}

var (
	workflowPath = regexp.MustCompile(`^\.github/workflows/[^/\\\x60[:cntrl:]]+\.ya?ml$`)
	jobID        = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// path is the workflow's file. One of another repository, such as a workflow that an organization requires, is not in
// this workspace.
func (j Job) path() (string, bool) {
	ref, _, _ := strings.Cut(j.WorkflowRef, "@")
	n := len(j.Repository)
	if n == 0 || len(ref) <= n+1 || !strings.EqualFold(ref[:n], j.Repository) || ref[n] != '/' {
		return "", false
	}
	path := ref[n+1:]
	return path, workflowPath.MatchString(path) && jobID.MatchString(j.ID)
}

// A finding is one thing that is amiss, at one place.
type finding struct {
	kind kind
	at   position
	job  string // the other job that a group is shared with; the running one itself where an input chooses the mode
}

type kind int

const (
	missing kind = iota // no group
	cancels             // the next run cancels this one
	shared              // what has to be free to start waits for what it is to stop
)

// findings tells what is amiss with the groups of one route.
func (s *search) findings(r route, mode promotion.Mode) []finding {
	var found []finding
	switch mode {
	case promotion.ModeRun, promotion.ModePromote, promotion.ModeDeploy, promotion.ModeLock:
		for _, g := range r.groups {
			if g.cancels {
				found = append(found, finding{kind: cancels, at: g.cancelsAt})
			}
		}
		if len(r.groups) == 0 && !r.elsewhere {
			found = append(found, finding{kind: missing, at: r.job.at})
		}
	case promotion.ModeRollback, promotion.ModeAbort, promotion.ModeUnlock:
		for _, g := range r.groups {
			if other, is := s.sharedWith(r, g); is {
				found = append(found, finding{kind: shared, at: g.at, job: other})
			}
		}
	}
	return found
}
