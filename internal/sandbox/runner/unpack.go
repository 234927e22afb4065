package runner

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// An unpacking is a deployment package on disk, unpacked once however many versions share it.
type unpacking struct {
	once sync.Once
	dir  string
	err  error
}

func (p *Process) unpack(c Code) (string, error) {
	p.mu.Lock()
	u := p.unpacked[c.Digest]
	if u == nil {
		u = &unpacking{}
		p.unpacked[c.Digest] = u
	}
	p.mu.Unlock()
	u.once.Do(func() {
		if u.dir, u.err = p.dir("code", folderName(c.Digest)); u.err == nil {
			u.err = unzip(c.Zip, u.dir)
		}
	})
	return u.dir, u.err
}

// folderName makes a digest fit for a path: base64 has slashes.
func folderName(digest string) string {
	if raw, err := base64.StdEncoding.DecodeString(digest); err == nil {
		return hex.EncodeToString(raw)
	}
	return hex.EncodeToString([]byte(digest))
}

func unzip(pack []byte, dir string) error {
	z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	for _, f := range z.File {
		if err := extract(f, dir); err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	return nil
}

func extract(f *zip.File, dir string) error {
	name := filepath.FromSlash(strings.TrimPrefix(f.Name, "/"))
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the name leads out of the package")
	}
	path := filepath.Join(dir, name)
	if f.FileInfo().IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	from, err := f.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	if f.Mode()&os.ModeSymlink != 0 {
		return symlink(from, name, path)
	}
	// A process that is started meanwhile would have the file open for writing until it becomes its program, and what
	// somebody may write to cannot be executed: "text file busy". https://go.dev/issue/22315
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	// Lambda keeps the package's modes: a bootstrap that is not executable fails there, so it has to fail here.
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o400)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}

func symlink(from io.Reader, name, path string) error {
	target, err := io.ReadAll(io.LimitReader(from, 4096))
	if err != nil {
		return err
	}
	if !filepath.IsLocal(filepath.Join(filepath.Dir(name), string(target))) {
		return fmt.Errorf("the link leads out of the package")
	}
	return os.Symlink(string(target), path)
}
