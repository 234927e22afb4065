package main

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// gitPatience bounds how long git may take to name the commit: it may wait for a slow disk, or for a person.
const gitPatience = 2 * time.Second

var wholeCommit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// headCommit is the commit that the folder's repository is at, "" where there is no git, no repository or no commit.
func headCommit(ctx context.Context, folder string) string {
	ctx, cancel := context.WithTimeout(ctx, gitPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "--verify", "HEAD")
	cmd.Dir, cmd.WaitDelay = folder, gitPatience/10
	out, err := cmd.Output()
	if commit := strings.TrimSpace(string(out)); err == nil && wholeCommit.MatchString(commit) {
		return commit
	}
	return ""
}
