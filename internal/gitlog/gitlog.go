// Package gitlog answers from a local clone how commits stand to each other, where a person runs promote in one. It
// asks git itself, and only where the clone is whole: in a shallow one, what git does not see looks like what is not
// there.
//
// git is started without a shell, with commits that can be nothing else, without its environment's say in which
// repository it reads, and for a limited time. Nothing is fetched and nothing is written.
package gitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// within is how long one comparison may take. In a history of a million commits git needs some seconds.
const within = 30 * time.Second

// A Clone is a directory of a working tree, or a bare repository.
type Clone struct{ dir string }

var _ promotion.History = Clone{}

// In returns the clone that the directory is in, if there is one; [Clone.Compare] tells if there is none.
func In(dir string) Clone { return Clone{dir} }

// Compare tells how head stands to base, by asking git which one is the other's ancestor.
func (c Clone) Compare(ctx context.Context, base, head string) (promotion.Relation, error) {
	deed := fmt.Sprintf("compare commit %.7s with %.7s in the local clone", head, base)
	for _, commit := range []string{base, head} {
		if wrong := promotion.CheckCommit(commit); wrong != "" {
			return promotion.Unknown, promotion.Fault{What: "compare commits in the local clone: " + wrong, Accepted: promotion.AcceptedCommit}
		}
	}
	if base == head {
		return promotion.Identical, nil
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()

	shallow, err := c.git(ctx, "rev-parse", "--is-shallow-repository")
	switch {
	case err != nil:
		return promotion.Unknown, explain(ctx, deed, err)
	case shallow == "true":
		return promotion.Unknown, promotion.Fault{What: deed + ": the clone is shallow, so that git does not see the whole history",
			Hint: "in a workflow, check out with fetch-depth: 0; elsewhere, git fetch --unshallow"}
	case shallow != "false": // git before 2.15 repeats the question
		return promotion.Unknown, promotion.Fault{What: deed + ": this git cannot tell whether the clone is whole", Hint: "use git 2.15 or newer"}
	}
	for _, question := range []struct {
		older, newer string
		yes          promotion.Relation
	}{{base, head, promotion.Ahead}, {head, base, promotion.Behind}} {
		_, err := c.git(ctx, "merge-base", "--is-ancestor", question.older, question.newer)
		var no *exec.ExitError
		switch {
		case err == nil:
			return question.yes, nil
		case !errors.As(err, &no) || no.ExitCode() != 1:
			return promotion.Unknown, explain(ctx, deed, err)
		}
	}
	return promotion.Diverged, nil
}

// git runs one question and returns its first line. Its error is an [*exec.ExitError] with what git said, or the reason
// why there was no answer.
func (c Clone) git(ctx context.Context, question ...string) (string, error) {
	// That grafts are switched off below is not worth advice.
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "advice.graftFileDeprecated=false"}, question...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.dir, environment(os.Environ()), 2*time.Second
	var out, said limited
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		exit.Stderr = said.Bytes()
	}
	line, _, _ := strings.Cut(out.String(), "\n")
	return line, err
}

// environment leaves git what it needs to be found and to be trusted. Variables of git's own could name another
// repository, or replace commits; a clone without all of its objects must not fetch them now.
func environment(given []string) []string {
	env := []string{"LC_ALL=C", "GIT_GRAFT_FILE=" + os.DevNull, "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0"}
	for _, pair := range given {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "GIT_") && name != "LC_ALL" || strings.HasPrefix(name, "GIT_CONFIG") {
			env = append(env, pair)
		}
	}
	return env
}

// explain says why there was no answer.
func explain(ctx context.Context, deed string, err error) error {
	var exit *exec.ExitError
	f := promotion.Fault{}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", promotion.Fault{What: deed + ": git did not answer in time, or was interrupted"}, ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		f.What, f.Hint = "git is not installed", "install git, or let GitHub be asked"
	case errors.As(err, &exit):
		said := strings.Join(strings.Fields(string(exit.Stderr)), " ")
		f.What, f.Detail = "git does not know", said
		switch {
		case strings.Contains(said, "not a git repository"):
			f.What, f.Hint = "this is no clone", "run it in a clone of the repository"
		case strings.Contains(said, "dubious ownership"):
			f.What, f.Hint = "git does not trust the clone, which belongs to somebody else", "git config --global --add safe.directory names the directories to trust"
		case strings.Contains(said, "Not a valid commit name"), strings.Contains(said, "bad object"):
			f.What, f.Hint = "the clone does not have both", "git fetch; if it is still missing, history may have been rewritten, or it is another repository's"
		}
	default:
		f.What, f.Detail = "git could not be run", err.Error()
	}
	f.What = deed + ": " + f.What
	return f
}

// limited keeps the beginning of what is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	const most = 4 << 10
	if room := most - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
