package function

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// A tree is a directory of the workspace that is an artifact.
type tree struct {
	path string
	root *os.Root
}

// An entry is a file of a tree, by its name in the archive.
type entry struct {
	name string
	mode fs.FileMode
	size int64
}

// openTree opens a directory of the workspace. It has to be closed.
func (a *Account) openTree(dir string) (*tree, error) {
	if err := local(dir); err != nil {
		return nil, err
	}
	workspace, err := a.workspace()
	if err != nil {
		return nil, err
	}
	defer workspace.Close()
	dir = path.Clean(dir)
	info, err := workspace.Stat(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	if !info.IsDir() {
		return nil, fault("leave the slash at its end out if it is a zip archive", "the artifact %s is not a directory", dir)
	}
	root, err := workspace.OpenRoot(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	return &tree{path: dir, root: root}, nil
}

func (t *tree) close() { t.root.Close() }

// measureDir hashes the archive of a directory without keeping it.
func (a *Account) measureDir(ctx context.Context, dir string, sum hash.Hash) (int64, error) {
	t, err := a.openTree(dir)
	if err != nil {
		return 0, err
	}
	defer t.close()
	var n counter
	err = t.zip(ctx, io.MultiWriter(sum, &n))
	return int64(n), err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// zip writes the tree as an archive whose bytes follow from the files' names, contents and executable bits alone: not
// from times, owners, umask, or the order in which a file system lists names. Directories have no entries of their
// own, since git does not keep empty ones either. (The bytes also follow from Go's compressor: another release of it
// may make every directory look changed, once.)
func (t *tree) zip(ctx context.Context, w io.Writer) error {
	entries, err := t.list()
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	archive := zip.NewWriter(buffered)
	for _, e := range entries {
		if err := t.add(ctx, archive, e); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return fault("", "zip %s/: %v", t.path, plain(err))
	}
	if err := buffered.Flush(); err != nil {
		return fault("the temporary directory (TMPDIR) has to have room for the archive", "zip %s/: %v", t.path, plain(err))
	}
	return nil
}

// epoch is the first moment that an archive can hold.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (t *tree) add(ctx context.Context, archive *zip.Writer, e entry) error {
	header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: epoch}
	header.SetMode(e.mode)
	to, err := archive.CreateHeader(header)
	if err != nil {
		return fault("", "zip %s/%s: %v", t.path, e.name, err)
	}
	file, err := t.root.Open(e.name)
	if err != nil {
		return unreadable(t.path+"/"+e.name, err)
	}
	defer file.Close()
	if _, err := io.Copy(to, reader{ctx, file}); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fault("the artifact has to be readable, and the temporary directory (TMPDIR) to have room for its archive", "zip %s/%s: %v", t.path, e.name, plain(err))
	}
	return nil
}

// list finds the tree's files, sorted by name.
func (t *tree) list() ([]entry, error) {
	top, err := t.root.Stat(".")
	if err != nil {
		return nil, unreadable(t.path, err)
	}
	var entries []entry
	if err := t.walk(".", []fs.FileInfo{top}, &entries); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fault("look at the step that builds it", "the artifact %s/ is an empty directory", t.path)
	}
	unpacked := int64(0)
	for _, e := range entries {
		unpacked += e.size
	}
	if unpacked > maxUnpacked {
		return nil, tooLarge(t.path+"/", unpacked)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return entries, nil
}

// walk goes down a directory. Symbolic links are followed inside the tree: package managers make them, and an archive
// of links would depend on where they point. above holds the directories on the way down, which a link must not lead
// back to.
func (t *tree) walk(dir string, above []fs.FileInfo, entries *[]entry) error {
	listed, err := fs.ReadDir(t.root.FS(), dir)
	if err != nil {
		return unreadable(path.Join(t.path, dir), err)
	}
	for _, l := range listed {
		name := path.Join(dir, l.Name())
		info, err := t.root.Stat(name)
		switch {
		case err != nil && l.Type()&fs.ModeSymlink != 0:
			return fault("copy what it points to into the directory", "%s/%s is a symbolic link that leads nowhere, or out of %s/", t.path, name, t.path)
		case err != nil:
			return unreadable(t.path+"/"+name, err)
		case info.IsDir():
			if slices.ContainsFunc(above, func(up fs.FileInfo) bool { return os.SameFile(up, info) }) {
				return fault("remove the link", "%s/%s is a symbolic link to a directory that holds it", t.path, name)
			}
			if err := t.walk(name, append(slices.Clip(above), info), entries); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			mode := fs.FileMode(0o644)
			if info.Mode()&0o111 != 0 {
				mode = 0o755
			}
			*entries = append(*entries, entry{name: name, mode: mode, size: info.Size()})
		default:
			return fault("remove it", "%s/%s is neither a file nor a directory", t.path, name)
		}
	}
	return nil
}
