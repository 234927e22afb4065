package github_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/gitlog"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

// On random histories, with merges and several roots, GitHub's API through the client and the local clone say the same
// of every two commits, and both say what git's own list of ancestors says.
func TestGitHubAndGitAgree(t *testing.T) {
	w := online(t)
	drawn, compared, relations := 0, 0, map[promotion.Relation]int{}
	rapid.Check(t, func(rt *rapid.T) {
		if drawn++; drawn > 12 { // each one starts hundreds of processes
			return
		}
		dir := t.TempDir()
		git := func(stdin string, args ...string) string {
			cmd := exec.Command("git", args...)
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
			out, err := cmd.Output()
			if err != nil {
				rt.Fatalf("git %v: %v", args, err)
			}
			return strings.TrimSpace(string(out))
		}
		git("", "init", "-q", "--bare")
		n := rapid.IntRange(2, 7).Draw(rt, "commits")
		parents := make([][]int, n)
		var stream bytes.Buffer
		for i := range n {
			if i > 0 {
				parents[i] = rapid.SliceOfNDistinct(rapid.IntRange(0, i-1), 0, min(2, i), rapid.ID[int]).Draw(rt, "parents")
			}
			fmt.Fprintf(&stream, "commit refs/heads/b%d\nmark :%d\ncommitter a <a@example.com> %d +0000\ndata 4\nb%02d\n\n", i, i+1, 1_700_000_000+i, i)
			for j, p := range parents[i] {
				fmt.Fprintf(&stream, "%s :%d\n", []string{"from", "merge"}[j], p+1)
			}
		}
		git(stream.String(), "fast-import", "--quiet")
		repository := fmt.Sprintf("acme/random%d", drawn)
		must(t, w.AddRepository(hub.Repository{Owner: "acme", Name: fmt.Sprint("random", drawn)}))
		must(t, w.AddToken(hub.Token{Value: "ghs_random", Permissions: hub.ReadOnly()}))
		var hashes []string
		ancestors := make([]map[string]bool, n)
		for i := range n {
			hash := git("", "rev-parse", fmt.Sprint("b", i))
			hashes = append(hashes, hash)
			one := hub.Commit{SHA: hash, Message: fmt.Sprint(i)}
			for _, p := range parents[i] {
				one.Parents = append(one.Parents, hashes[p])
			}
			_, err := w.AddCommit(repository, one)
			must(t, err)
			ancestors[i] = map[string]bool{}
			for _, a := range strings.Fields(git("", "rev-list", hash)) {
				ancestors[i][a] = true
			}
		}
		client, clone := w.open(t, nil, "GITHUB_REPOSITORY", repository, "GITHUB_TOKEN", "ghs_random"), gitlog.In(dir)
		for i, base := range hashes {
			for j, head := range hashes {
				want := promotion.Diverged
				switch {
				case base == head:
					want = promotion.Identical
				case ancestors[j][base]:
					want = promotion.Ahead
				case ancestors[i][head]:
					want = promotion.Behind
				}
				theirs, err := client.Compare(t.Context(), base, head)
				if theirs != want || err != nil {
					rt.Fatalf("GitHub says that %d to %d is %s (%v), and it is %s; parents %v", j, i, theirs, err, want, parents)
				}
				ours, err := clone.Compare(t.Context(), base, head)
				if ours != want || err != nil {
					rt.Fatalf("git says that %d to %d is %s (%v), and it is %s; parents %v", j, i, ours, err, want, parents)
				}
				compared++
				relations[want]++
			}
		}
	})
	t.Logf("%d comparisons agree: %v", compared, relations)
	if len(relations) != 4 {
		t.Errorf("not every relation came up: %v", relations)
	}
}
