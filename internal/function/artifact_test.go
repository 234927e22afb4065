package function_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

func TestAReadyArchiveIsMeasuredAsItIs(t *testing.T) {
	ws := t.TempDir()
	content := archived(t, map[string]string{"bootstrap*": "#!/bin/sh\n"})
	write(t, filepath.Join(ws, "dist/app.zip"), content)
	p, err := offline(t, function.Options{Workspace: ws}).Package(t.Context(), zipArtifact("dist/app.zip"))
	if err != nil {
		t.Fatal(err)
	}
	want := promotion.Package{Kind: promotion.ArtifactZip, Path: "dist/app.zip", Origin: "dist/app.zip", Digest: digest(content), Size: int64(len(content))}
	if p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
}

func TestAnArtifactThatCannotBeDeployedIsRefusedWithTheRemedy(t *testing.T) {
	big := func(t *testing.T, path string, n int64) {
		write(t, path, nil)
		if err := os.Truncate(path, n); err != nil {
			t.Fatal(err)
		}
	}
	entry := func(name string, declared uint64) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		if _, err := w.CreateRaw(&zip.FileHeader{Name: name, UncompressedSize64: declared}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	link := func(t *testing.T, to, at string) {
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	files(t, outside, map[string]string{"secret": "x"})
	for name, c := range map[string]struct {
		arrange func(t *testing.T, ws string)
		fn      promotion.Function
		want    []string
	}{
		"absent archive":            {nil, zipArtifact("dist/app.zip"), []string{"dist/app.zip does not exist", "build it"}},
		"absent directory":          {nil, dirArtifact("dist/"), []string{"dist does not exist", "build it"}},
		"absolute path":             {nil, zipArtifact("/tmp/app.zip"), []string{"absolute path", "relative to the workspace"}},
		"absolute directory":        {nil, dirArtifact("/tmp/"), []string{"absolute path"}},
		"path out of the workspace": {nil, zipArtifact("../app.zip"), []string{"outside of the workspace"}},
		"directory out of it":       {nil, dirArtifact("dist/../.."), []string{"outside of the workspace"}},
		"link out of the workspace": {func(t *testing.T, ws string) { link(t, filepath.Join(outside, "secret"), filepath.Join(ws, "app.zip")) },
			zipArtifact("app.zip"), []string{"symbolic link that leads out"}},
		"directory for an archive": {func(t *testing.T, ws string) { files(t, ws, map[string]string{"dist/a": ""}) },
			zipArtifact("dist"), []string{"dist is a directory", "dist/"}},
		"archive for a directory": {func(t *testing.T, ws string) { files(t, ws, map[string]string{"app.zip": ""}) },
			dirArtifact("app.zip/"), []string{"is not a directory"}},
		"pipe": {func(t *testing.T, ws string) {
			if err := syscall.Mkfifo(filepath.Join(ws, "app.zip"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, zipArtifact("app.zip"), []string{"not a regular file"}},
		"text": {func(t *testing.T, ws string) { files(t, ws, map[string]string{"app.zip": "<html>404</html>"}) },
			zipArtifact("app.zip"), []string{"not a zip archive"}},
		"cut off": {func(t *testing.T, ws string) {
			whole := archived(t, map[string]string{"bootstrap*": strings.Repeat("x", 100)})
			write(t, filepath.Join(ws, "app.zip"), whole[:len(whole)-30])
		}, zipArtifact("app.zip"), []string{"cut off"}},
		"empty archive": {func(t *testing.T, ws string) { write(t, filepath.Join(ws, "app.zip"), archived(t, nil)) },
			zipArtifact("app.zip"), []string{"empty archive"}},
		"empty directory": {func(t *testing.T, ws string) {
			if err := os.MkdirAll(filepath.Join(ws, "dist/sub"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, dirArtifact("dist/"), []string{"empty directory"}},
		"name that climbs": {func(t *testing.T, ws string) {
			write(t, filepath.Join(ws, "app.zip"), archived(t, map[string]string{"../etc/passwd": ""}))
		}, zipArtifact("app.zip"), []string{`"../etc/passwd"`, "leads out"}},
		"absolute name": {func(t *testing.T, ws string) {
			write(t, filepath.Join(ws, "app.zip"), archived(t, map[string]string{"/bootstrap": ""}))
		}, zipArtifact("app.zip"), []string{`"/bootstrap"`, "relative"}},
		"backslashes": {func(t *testing.T, ws string) {
			write(t, filepath.Join(ws, "app.zip"), archived(t, map[string]string{`lib\x.py`: ""}))
		}, zipArtifact("app.zip"), []string{"forward slashes"}},
		"unpacks to too much": {func(t *testing.T, ws string) { write(t, filepath.Join(ws, "app.zip"), entry("bootstrap", 262_144_001)) },
			zipArtifact("app.zip"), []string{"unpacks to 250.0 MB", "image"}},
		"too large a directory": {func(t *testing.T, ws string) { big(t, filepath.Join(ws, "dist/model.bin"), 262_144_001) },
			dirArtifact("dist/"), []string{"unpacks to", "image"}},
		"link out of the directory": {func(t *testing.T, ws string) {
			files(t, ws, map[string]string{"shared/x.py": "", "dist/a.py": ""})
			link(t, "../shared/x.py", filepath.Join(ws, "dist/x.py"))
		}, dirArtifact("dist/"), []string{"dist/x.py is a symbolic link", "out of dist/"}},
		"dangling link": {func(t *testing.T, ws string) { link(t, "nowhere", filepath.Join(ws, "dist/x.py")) },
			dirArtifact("dist/"), []string{"dist/x.py is a symbolic link that leads nowhere"}},
		"link to a directory above": {func(t *testing.T, ws string) {
			files(t, ws, map[string]string{"dist/a/b.py": ""})
			link(t, "..", filepath.Join(ws, "dist/a/up"))
		}, dirArtifact("dist/"), []string{"dist/a/up is a symbolic link to a directory that holds it"}},
		"socket in a directory": {func(t *testing.T, ws string) {
			files(t, ws, map[string]string{"dist/a": ""})
			if err := syscall.Mkfifo(filepath.Join(ws, "dist/pipe"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, dirArtifact("dist/"), []string{"dist/pipe is neither a file nor a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			ws := t.TempDir()
			if c.arrange != nil {
				c.arrange(t, ws)
			}
			c.fn.Where = promotion.Where{File: "promote.yaml", Line: 7, Column: 3}
			_, err := offline(t, function.Options{Workspace: ws, ArtifactBucket: "artifacts"}).Package(t.Context(), c.fn)
			text := faultText(t, err)
			contains(t, text, append(c.want, "promote.yaml:7:3")...)
			if strings.Contains(text, ws) {
				t.Errorf("%q shows where the workspace is", text)
			}
		})
	}
}

func TestALargeArchiveNeedsAnArtifactBucket(t *testing.T) {
	ws := t.TempDir()
	path := filepath.Join(ws, "app.zip")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "model.bin", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, zeros{}, 52_428_800); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.Bytes())

	_, err = offline(t, function.Options{Workspace: ws}).Package(t.Context(), zipArtifact("app.zip"))
	contains(t, faultText(t, err), "50.0 MB", "artifact-bucket")

	p, err := offline(t, function.Options{Workspace: ws, ArtifactBucket: "artifacts"}).Package(t.Context(), zipArtifact("app.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Bucket != "artifacts" || !strings.HasPrefix(p.Key, "promote/") || len(p.Key) != len("promote/.zip")+64 || p.ObjectVersion != "" {
		t.Errorf("it goes to %q %q %q, want a key made of its digest", p.Bucket, p.Key, p.ObjectVersion)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// made measures a directory twice, and reads the archive that would be sent.
func made(t testing.TB, ws, dir string) promotion.Package {
	t.Helper()
	p, err := account(wired(nil), function.Options{Workspace: ws}).Package(t.Context(), dirArtifact(dir))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheArchiveOfADirectoryFollowsFromItsFilesAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tree := rapid.MapOfN(
			rapid.StringMatching(`[a-c](/[a-c.é-]{1,3}x){0,3}\*?`),
			rapid.StringN(0, 300, -1), 1, 12).Draw(rt, "tree")
		names := make([]string, 0, len(tree))
		for n := range tree {
			names = append(names, n)
		}
		sort.Strings(names)
		order := rapid.Permutation(names).Draw(rt, "order")
		age := time.Duration(rapid.IntRange(0, 1e6).Draw(rt, "age")) * time.Second
		umask := rapid.SampledFrom([]os.FileMode{0, 0o022, 0o077}).Draw(rt, "umask")

		a, b := t.TempDir(), t.TempDir()
		if !plant(t, a, names, tree, 0, 0) || !plant(t, b, order, tree, age, umask) {
			rt.Skip("a name is a file and a directory")
		}
		one, two := made(t, a, "dist/"), made(t, b, "dist/")
		if one.Digest != two.Digest || one.Size != two.Size {
			rt.Fatalf("the same tree gave %s (%d bytes) and %s (%d bytes)", one.Digest, one.Size, two.Digest, two.Size)
		}

		// And it does follow from them: one byte more is another archive.
		file := filepath.Join(b, "dist", strings.TrimSuffix(order[0], "*"))
		if err := os.WriteFile(file, append([]byte(tree[order[0]]), 'x'), 0o644); err != nil {
			t.Fatal(err)
		}
		if made(t, b, "dist/").Digest == one.Digest {
			rt.Fatalf("a change of %s was not noticed", order[0])
		}
	})
}

// plant writes the files in the given order; it tells whether that was possible.
func plant(t *testing.T, ws string, order []string, tree map[string]string, age time.Duration, umask os.FileMode) bool {
	t.Helper()
	for _, n := range order {
		mode := os.FileMode(0o666)
		name, executable := strings.CutSuffix(n, "*")
		if executable {
			mode = 0o777
		}
		path := filepath.Join(ws, "dist", name)
		if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
			return false
		}
		if _, err := os.Lstat(path); err == nil {
			return false // with and without the executable bit
		}
		if os.WriteFile(path, []byte(tree[n]), 0o600) != nil {
			return false
		}
		if err := os.Chmod(path, mode&^umask); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

func TestAKnownTreeHasAKnownDigest(t *testing.T) {
	// This digest changes when Go's compressor does: then every directory that users deploy looks changed once, which
	// the release notes have to say.
	ws := t.TempDir()
	files(t, ws, map[string]string{"dist/bootstrap*": "#!/bin/sh\necho hello\n", "dist/lib/data.json": strings.Repeat(`{"a":1}`, 100)})
	p := made(t, ws, "dist/")
	const want = "++o1gjWLVjUF55udJNUz5FO6gaJ4jR2Id58RmUZq6LA="
	if p.Digest != want || p.Path != "dist/" || p.Origin != "dist/" {
		t.Errorf("got %+v, want digest %s", p, want)
	}
}

func TestLinksInsideADirectoryAreFollowed(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	files(t, a, map[string]string{"dist/run*": "x", "dist/real/mod.py": "y"})
	for to, at := range map[string]string{"run": "dist/bootstrap", "real": "dist/pkg"} {
		if err := os.Symlink(to, filepath.Join(a, at)); err != nil {
			t.Fatal(err)
		}
	}
	files(t, b, map[string]string{"dist/run*": "x", "dist/bootstrap*": "x", "dist/real/mod.py": "y", "dist/pkg/mod.py": "y"})
	if one, two := made(t, a, "dist/"), made(t, b, "dist/"); one.Digest != two.Digest {
		t.Errorf("links gave %s, the files that they point to %s", one.Digest, two.Digest)
	}
}

func BenchmarkMeasureDirectory(b *testing.B) { benchmarkMeasure(b, dirArtifact("dist/")) }
func BenchmarkMeasureArchive(b *testing.B)   { benchmarkMeasure(b, zipArtifact("app.zip")) }

// benchmarkMeasure measures 16 MB that compress as a program does, by half.
func benchmarkMeasure(b *testing.B, f promotion.Function) {
	ws := b.TempDir()
	program := make([]byte, 16<<20)
	state := uint32(1)
	for i := range program {
		state = state*1664525 + 1013904223
		program[i] = byte(state>>24) & 0x1f
	}
	files(b, ws, map[string]string{"dist/bootstrap*": string(program)})
	write(b, filepath.Join(ws, "app.zip"), archived(b, map[string]string{"bootstrap*": string(program)}))
	a := account(wired(nil), function.Options{Workspace: ws})
	b.SetBytes(int64(len(program)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Package(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}
