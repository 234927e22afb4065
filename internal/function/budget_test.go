package function_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
)

// TestCallsPerFunction prints what one function costs, by operation, and holds it to the budget: 15 calls a second are
// what an account has for everything but GetFunction (100/s) and Invoke.
func TestCallsPerFunction(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(t *testing.T, w *world, p promotion.Package, latest promotion.Snapshot, r promotion.Routing)
		shared int // calls in the class that all share
		writes int
		reads  int
	}{
		"unchanged": {shared: 1, reads: 3},
		"changed": {func(t *testing.T, w *world, p promotion.Package, latest promotion.Snapshot, r promotion.Routing) {
			v, err := w.Upload(t.Context(), fn, p, latest, w.say)
			if err != nil {
				t.Fatal(err)
			}
			w.finds(t, v, p.Digest, "128")
			if _, err := w.Move(t.Context(), fn, "live", r.Revision, v); err != nil {
				t.Fatal(err)
			}
		}, 3, 2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{}, function.Options{})
			w.cloud.Publish(fn)
			w.cloud.Alias(fn, "live", "1")
			p := w.pack(t, "B")
			w.cloud.ResetCalls()
			// What the plan reads.
			latest := w.latest(t)
			r, err := w.Read(t.Context(), fn, "live")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Version(t.Context(), fn, r.Version); err != nil {
				t.Fatal(err)
			}
			if c.do != nil {
				c.do(t, w, p, latest, r)
			}
			shared, writes, reads := 0, 0, 0
			for op, n := range w.cloud.Count("lambda") {
				if op != "GetFunction" {
					shared += n
				}
				if strings.HasPrefix(op, "Get") || strings.HasPrefix(op, "List") {
					reads += n
				} else {
					writes += n
				}
			}
			t.Logf("%s: %v", name, w.cloud.Count("lambda"))
			if shared > c.shared || writes != c.writes || reads > c.reads {
				t.Errorf("%d calls in the shared class, %d writes, %d reads; want at most %d, %d, %d", shared, writes, reads, c.shared, c.writes, c.reads)
			}
		})
	}
}

// receiver is a Lambda that takes code, checks that it is the expected archive, and keeps none of it.
func receiver(t *testing.T, digest promotion.Digest, size int64) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPut {
			return answer(r, 404, `{}`, "X-Amzn-Errortype", "ResourceNotFoundException"), nil
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return nil, err
		}
		if n != r.ContentLength || n < size*4/3 {
			t.Errorf("got %d bytes, announced were %d", n, r.ContentLength)
		}
		text, err := json.Marshal(map[string]any{"Version": "2", "CodeSha256": digest, "State": "Pending"})
		return answer(r, 200, string(text)), err
	}
}

func TestArchivesAreSentWithoutBeingHeldInMemory(t *testing.T) {
	const functions, each = 8, 16 << 20
	ws := t.TempDir()
	program := strings.Repeat("0123456789abcdef", each/16)
	files(t, ws, map[string]string{"dist/bootstrap*": program[:each/4]})
	write(t, filepath.Join(ws, "app.zip"), stored(t, "bootstrap", program))

	measuring := account(wired(nil), function.Options{Workspace: ws})
	for _, artifact := range []promotion.Function{zipArtifact("app.zip"), dirArtifact("dist/")} {
		p, err := measuring.Package(t.Context(), artifact)
		if err != nil {
			t.Fatal(err)
		}
		a := account(wired(receiver(t, p.Digest, p.Size)), function.Options{Workspace: ws, TempDir: t.TempDir()})
		var before, afterwards runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var all sync.WaitGroup
		for range functions {
			all.Go(func() {
				if _, err := a.Upload(t.Context(), fn, p, promotion.Snapshot{Revision: "r1"}, quiet); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		runtime.ReadMemStats(&afterwards)
		allocated := afterwards.TotalAlloc - before.TotalAlloc
		t.Logf("%d uploads of %s, %d KB each: %.1f MB allocated in all", functions, p.Origin, p.Size>>10, float64(allocated)/(1<<20))
		if allocated > each {
			t.Errorf("%d bytes were allocated in all, want less than one archive", allocated)
		}
	}
}

func TestTheArchiveOfADirectoryHoldsItsFiles(t *testing.T) {
	ws := t.TempDir()
	files(t, ws, map[string]string{"dist/bootstrap*": "#!/bin/sh\n", "dist/lib/é.json": "{}", "dist/lib/a.txt": strings.Repeat("a", 5000)})
	if err := os.MkdirAll(filepath.Join(ws, "dist/empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	var got struct{ ZipFile []byte }
	p := made(t, ws, "dist")
	a := account(wired(func(r *http.Request) (*http.Response, error) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		return answer(r, 200, `{"Version":"2","CodeSha256":"`+string(p.Digest)+`"}`), nil
	}), function.Options{Workspace: ws})
	if _, err := a.Upload(t.Context(), fn, p, promotion.Snapshot{Revision: "r1"}, quiet); err != nil {
		t.Fatal(err)
	}
	if digest(got.ZipFile) != p.Digest || int64(len(got.ZipFile)) != p.Size {
		t.Errorf("what was sent has the digest %s and %d bytes, want %s and %d", digest(got.ZipFile), len(got.ZipFile), p.Digest, p.Size)
	}
	archive, err := zip.NewReader(bytes.NewReader(got.ZipFile), int64(len(got.ZipFile)))
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, f := range archive.File {
		content, err := fs.ReadFile(archive, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, fmt.Sprintf("%s %s %d %d", f.Name, f.Mode(), len(content), f.Modified.Year()))
	}
	want := []string{"bootstrap -rwxr-xr-x 10 1980", "lib/a.txt -rw-r--r-- 5000 1980", "lib/é.json -rw-r--r-- 2 1980"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}

func TestTheRequestHoldsTheArchiveWhateverItsLength(t *testing.T) {
	for _, n := range []int{1, 2, 3, 24<<10 - 130, 24<<10 - 129, 24<<10 - 128, 24 << 10, 100_001} {
		ws := t.TempDir()
		content := stored(t, "bootstrap", strings.Repeat("x", n))
		write(t, filepath.Join(ws, "app.zip"), content)
		var got struct {
			ZipFile    string
			Publish    bool
			RevisionId string
		}
		var fields map[string]any
		a := account(wired(func(r *http.Request) (*http.Response, error) {
			text, err := io.ReadAll(r.Body)
			if err == nil {
				err = json.Unmarshal(text, &got)
			}
			if err == nil {
				err = json.Unmarshal(text, &fields)
			}
			if err != nil {
				t.Error(err)
			}
			reply, err := json.Marshal(map[string]any{"Version": "2", "CodeSha256": digest(content)})
			return answer(r, 200, string(reply)), err
		}), function.Options{Workspace: ws})
		p, err := a.Package(t.Context(), zipArtifact("app.zip"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Upload(t.Context(), fn, p, promotion.Snapshot{Revision: "r1"}, quiet); err != nil {
			t.Fatal(err)
		}
		if got.ZipFile != base64.StdEncoding.EncodeToString(content) || !got.Publish || got.RevisionId != "r1" || len(fields) != 3 {
			t.Errorf("%d bytes: the request has the fields %d, publish %v, revision %q, or another archive", len(content), len(fields), got.Publish, got.RevisionId)
		}
	}
}
