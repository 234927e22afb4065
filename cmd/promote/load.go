package main

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
)

// lockVariable carries the token of the code lock from mode lock to the job's later steps.
const lockVariable = "PROMOTE_CODE_LOCK"

// A surrounding is what a run knows before its configuration is read.
type surrounding struct {
	getenv     func(string) string
	workspace  string // the folder that paths are relative to
	mode       promotion.Mode
	commit     string
	repository string
	runURL     string
	actor      string

	repositoryID string
	ref          string
	runID        string
	attempt      string
}

// surroundingOf is what the runner says about this run; elsewhere it says nothing.
func surroundingOf(step *actions.Step, getenv func(string) string, workspace string, mode promotion.Mode) surrounding {
	return surrounding{
		getenv: getenv, workspace: workspace, mode: mode,
		repository: step.Repository(), runURL: step.RunURL(), actor: step.Actor(),
		repositoryID: step.RepositoryID(), ref: step.Ref(), runID: step.RunID(), attempt: step.Attempt(),
	}
}

// load reads the configuration file and makes a request of everything that was given.
func (s surrounding) load(inputs map[string]config.Input) (config.Result, []promotion.Fault) {
	return config.Load(config.Source{
		Mode:       s.mode,
		Inputs:     inputs,
		File:       readFile(s.workspace, inputs),
		Getenv:     s.getenv,
		Commit:     s.commit,
		Repository: s.repository,
		RunURL:     s.runURL,
		Actor:      s.actor,
		Release:    releaseID(time.Now(), cmp.Or(inputs["commit"].Value, s.commit)),

		RepositoryID: s.repositoryID,
		Ref:          s.ref,
		RunID:        s.runID,
		Attempt:      s.attempt,
		LockOwner:    promotion.Secret(s.getenv(lockVariable)),
	})
}

func readFile(workspace string, inputs map[string]config.Input) config.File {
	name, explicit := config.FileName(inputs)
	file := config.File{Name: name, Explicit: explicit}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(workspace, path)
	}
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		file.Data = data
		if data == nil {
			file.Data = []byte{}
		}
	case errors.Is(err, fs.ErrNotExist):
	default:
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = p.Err // its name is told anyway
		}
		file.Err = err
	}
	return file
}

// releaseID names a release: by its time, so that ids sort, its commit, so that a person recognises it, and enough
// chance to be unique.
func releaseID(now time.Time, commit string) string {
	id := now.UTC().Format("20060102T150405Z")
	if wholeCommit.MatchString(commit) {
		id += "-" + commit[:7]
	}
	chance := make([]byte, 4)
	rand.Read(chance) // never fails: https://pkg.go.dev/crypto/rand#Read
	return id + "-" + hex.EncodeToString(chance)
}
