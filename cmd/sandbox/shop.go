package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// shopFunctions are the functions of examples/shop.
var shopFunctions = []string{"catalog", "checkout", "payments"}

// A merge is one commit of the shop's main branch, with what it builds.
type merge struct {
	pull   int // the pull request that it came from
	title  string
	holds  [3]int // which release's code each of shopFunctions has at this commit
	broken string // the function whose code does not work
}

// merges are the shop's history, the first one first. Who refers to one counts from 1.
var merges = []merge{
	{11, "feat: open the shop", [3]int{1, 1, 1}, ""},
	{12, "feat: pay by bank transfer", [3]int{1, 2, 2}, ""},
	{13, "feat: talk to the new card network", [3]int{1, 3, 3}, "payments"},
	{14, "revert: talk to the new card network", [3]int{1, 2, 2}, ""},
	{15, "perf: answer from memory", [3]int{5, 5, 5}, ""},
	{16, "feat: sell cups in pairs", [3]int{6, 6, 6}, ""},
	{17, "feat: ask for a review", [3]int{7, 7, 7}, ""},
	{18, "fix: ask for a review only once", [3]int{8, 8, 8}, ""},
}

const (
	repositoryOwner, repositoryName = "octo-org", "shop"

	// tag is what the last merge is released as.
	tag = "v1.1.0"
)

// commit is the name of a merge's commit.
func commit(n int) string { return strings.Repeat(fmt.Sprintf("%x%x", n, 10-n), 20) }

// tellGitHub gives the sandbox's GitHub the shop's history: what is newer than what is for GitHub to say.
func tellGitHub(hub *github.Service) error {
	const repository, author = repositoryOwner + "/" + repositoryName, "octocat"
	for i, m := range merges {
		c := github.Commit{SHA: commit(i + 1), Message: fmt.Sprintf("%s (#%d)", m.title, m.pull), Author: author, Branch: "main"}
		for at, f := range shopFunctions {
			if m.holds[at] == i+1 {
				c.Files = append(c.Files, github.File{Path: f + "/main.go", Additions: 1})
			}
		}
		if _, err := hub.AddCommit(repository, c); err != nil {
			return err
		}
		if err := hub.PutPull(repository, github.PullRequest{
			Number: m.pull, Title: m.title, Author: author, Head: "change-" + strconv.Itoa(m.pull),
			Merged: true, MergeCommit: c.SHA, HeadSHA: c.SHA, Commits: []string{c.SHA},
		}); err != nil {
			return err
		}
	}
	return hub.AddTag(repository, github.Tag{Name: tag, SHA: commit(len(merges))})
}

// build compiles promote and the shop's functions into bin/, by the settings that the demo itself was built with: so most
// of their packages are compiled already.
func (d *show) build(ctx context.Context) error {
	source, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the source (run this in the project's folder): %w", err)
	}
	d.source = strings.TrimSpace(string(source))
	bin := filepath.Join(d.folder, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", bin, "./cmd/promote"}
	for _, f := range shopFunctions {
		args = append(args, "./examples/shop/"+f)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = d.source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build promote and the shop: %w\n%s", err, out)
	}
	for _, f := range shopFunctions {
		if d.code[f], err = archive(filepath.Join(bin, f)); err != nil {
			return fmt.Errorf("zip %s: %w", f, err)
		}
	}
	return nil
}

// checkout is the folder of a merge's commit with what was built from it: promote.yaml and dist/.
func (d *show) checkout(n int) (string, error) {
	folder := filepath.Join(d.folder, "checkout-"+strconv.Itoa(n))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Join(folder, "dist"), 0o755); err != nil {
		return "", err
	}
	for i, f := range shopFunctions {
		code, err := merges[n-1].code(i, d.code[f])
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, "dist", f+".zip"), code, 0o644); err != nil {
			return "", err
		}
	}
	configuration, err := os.ReadFile(filepath.Join(d.source, "examples", "shop", "promote.yaml"))
	if err != nil {
		return "", fmt.Errorf("read the example's configuration: %w", err)
	}
	return folder, os.WriteFile(filepath.Join(folder, "promote.yaml"), configuration, 0o644)
}

// code is what a merge builds of one of shopFunctions: the program, and what it is a release of.
func (m merge) code(i int, program []byte) ([]byte, error) {
	about, err := json.Marshal(map[string]any{"release": strconv.Itoa(m.holds[i]), "broken": m.broken == shopFunctions[i]})
	if err != nil {
		return nil, err
	}
	return withFile(program, "release.json", about)
}
