package gitlog_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/gitlog"
	"github.com/promote-on-success/promote/internal/promotion"
)

// repository is a git repository in a folder of the test.
type repository struct {
	t   *testing.T
	dir string
}

func create(t *testing.T) repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatalf("these tests need git: %v", err)
	}
	r := repository{t, t.TempDir()}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repository) commit(message string) string {
	r.t.Helper()
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

func expect(t *testing.T, c gitlog.Clone, base, head string, want promotion.Relation) {
	t.Helper()
	if got, err := c.Compare(t.Context(), base, head); got != want || err != nil {
		t.Errorf("%.7s to %.7s is %s (%v), want %s", head, base, got, err, want)
	}
}

// unknown expects no answer, with a fault that says these.
func unknown(t *testing.T, c gitlog.Clone, base, head, what, hint string) {
	t.Helper()
	got, err := c.Compare(t.Context(), base, head)
	if f := promotion.FaultOf(err); got != promotion.Unknown || err == nil || !strings.Contains(f.What, what) || !strings.Contains(f.Hint, hint) {
		t.Errorf("got %s, %+v; want %q, hint %q", got, f, what, hint)
	}
}

func TestCompare(t *testing.T) {
	r := create(t)
	one := r.commit("one")
	two := r.commit("two")
	r.git("tag", "-a", "v1", "-m", "a tag of its own")
	three := r.commit("three")
	r.git("checkout", "-q", "-b", "topic", one)
	topic := r.commit("topic")
	r.git("checkout", "-q", "--orphan", "pages")
	root := r.commit("another root")
	clone := gitlog.In(r.dir)

	expect(t, clone, one, three, promotion.Ahead)
	expect(t, clone, three, one, promotion.Behind)
	expect(t, clone, three, topic, promotion.Diverged)
	expect(t, clone, three, root, promotion.Diverged)
	expect(t, clone, two, two, promotion.Identical)
	expect(t, clone, one, r.git("rev-parse", "v1"), promotion.Ahead) // the tag's own object

	t.Run("a folder below is the same clone", func(t *testing.T) {
		below := filepath.Join(r.dir, "a", "b")
		if err := os.MkdirAll(below, 0o755); err != nil {
			t.Fatal(err)
		}
		expect(t, gitlog.In(below), one, three, promotion.Ahead)
	})
	t.Run("variables that name another repository say nothing", func(t *testing.T) {
		other := create(t)
		t.Setenv("GIT_DIR", filepath.Join(other.dir, ".git"))
		t.Setenv("GIT_OBJECT_DIRECTORY", filepath.Join(other.dir, ".git", "objects"))
		expect(t, clone, one, three, promotion.Ahead)
	})
	t.Run("history as somebody wants to see it is not history", func(t *testing.T) {
		r.git("replace", "--graft", three, root) // as if three came after root
		expect(t, clone, root, three, promotion.Diverged)
		r.git("replace", "-d", three)
		grafts := filepath.Join(r.dir, ".git", "info", "grafts")
		if err := os.WriteFile(grafts, []byte(three+" "+root+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		expect(t, clone, root, three, promotion.Diverged)
	})
}

func TestWhatGitCannotTell(t *testing.T) {
	r := create(t)
	one := r.commit("one")
	two := r.commit("two")
	gone := strings.Repeat("d", 40)

	t.Run("of a shallow clone", func(t *testing.T) {
		shallow := repository{t, t.TempDir()}
		shallow.git("clone", "-q", "--depth", "1", "file://"+r.dir, ".")
		unknown(t, gitlog.In(shallow.dir), one, two, "the clone is shallow", "fetch-depth: 0")
		shallow.git("fetch", "-q", "--unshallow")
		expect(t, gitlog.In(shallow.dir), one, two, promotion.Ahead)
	})
	t.Run("of a commit that is not there", func(t *testing.T) {
		unknown(t, gitlog.In(r.dir), gone, two, "the clone does not have both", "git fetch")
		unknown(t, gitlog.In(r.dir), one, gone, "the clone does not have both", "rewritten")
	})
	t.Run("where there is no clone", func(t *testing.T) {
		unknown(t, gitlog.In(t.TempDir()), one, two, "this is no clone", "in a clone")
		unknown(t, gitlog.In(filepath.Join(r.dir, "nowhere")), one, two, "git could not be run", "")
	})
	t.Run("where git is not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		unknown(t, gitlog.In(r.dir), one, two, "git is not installed", "GitHub")
	})
	t.Run("of what are no commits, and git does not see it", func(t *testing.T) {
		for _, bad := range []string{"", "HEAD", "--output=" + filepath.Join(r.dir, "written"), "-h", one[:7], one + "^", "main..topic", "$(touch x)"} {
			unknown(t, gitlog.In(r.dir), one, bad, "is no commit", "")
			unknown(t, gitlog.In(r.dir), bad, one, "is no commit", "")
		}
		if _, err := os.Stat(filepath.Join(r.dir, "written")); !errors.Is(err, os.ErrNotExist) {
			t.Error("an option got through")
		}
	})
	t.Run("in no time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got, err := gitlog.In(r.dir).Compare(ctx, one, two)
		if got != promotion.Unknown || !errors.Is(err, context.Canceled) || !strings.Contains(promotion.FaultOf(err).What, "interrupted") {
			t.Errorf("got %s, %v", got, err)
		}
	})
	t.Run("from a git that hangs", func(t *testing.T) {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		got, err := gitlog.In(r.dir).Compare(ctx, one, two)
		if got != promotion.Unknown || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
			t.Errorf("got %s, %v after %v", got, err, time.Since(begin))
		}
	})
	t.Run("from one that is too old to say whether the clone is whole", func(t *testing.T) {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\necho \"$2\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		unknown(t, gitlog.In(r.dir), one, two, "cannot tell whether the clone is whole", "2.15")
	})
}
