package function

import (
	"archive/zip"
	"context"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// measureZip hashes a ready archive, and checks what Lambda would only find out after the upload.
func (a *Account) measureZip(ctx context.Context, path string, sum hash.Hash) (int64, error) {
	file, err := a.openFile(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if _, err := contents(path, file); err != nil {
		return 0, err
	}
	return io.Copy(sum, reader{ctx, file})
}

// contents reads an archive's directory and checks it.
func contents(path string, file *os.File) (*zip.Reader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	archive, err := zip.NewReader(file, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fault("an artifact is a zip archive; a directory (with a slash at its end) is zipped by promote", "the artifact %s is not a zip archive, or is cut off", path)
	}
	files, unpacked := 0, uint64(0)
	for _, f := range archive.File {
		// Lambda unpacks such a name elsewhere, or not at all.
		if strings.Contains(f.Name, `\`) {
			return nil, fault("make the archive with a tool that writes forward slashes", "the artifact %s holds the name %q", path, f.Name)
		}
		if !filepath.IsLocal(f.Name) {
			return nil, fault("names in an archive are relative, and stay below its root", "the artifact %s holds the name %q, which leads out of it", path, f.Name)
		}
		if !f.FileInfo().IsDir() {
			files++
			unpacked += f.UncompressedSize64
		}
	}
	if files == 0 {
		return nil, fault("look at the step that builds it", "the artifact %s is an empty archive", path)
	}
	if unpacked > maxUnpacked {
		return nil, tooLarge(path, int64(min(unpacked, 1<<62)))
	}
	return archive, nil
}

func tooLarge(path string, unpacked int64) error {
	return fault("leave out what the function does not need, or use a container image", "the artifact %s unpacks to %s, and Lambda takes at most %s with all layers", path, size(unpacked), size(maxUnpacked))
}
