package function

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution.
const (
	maxDirect   = 52_428_800  // bytes of an archive that is sent with the call
	maxUnpacked = 262_144_000 // bytes of what it unpacks to
)

// Package finds a function's artifact, checks it against Lambda's limits, pins it and measures its digest.
func (a *Account) Package(ctx context.Context, f promotion.Function) (promotion.Package, error) {
	var p promotion.Package
	var err error
	switch art := f.Artifact; art.Kind {
	case promotion.ArtifactNone, "":
		return promotion.Package{}, nil
	case promotion.ArtifactZip:
		p, err = a.measure(ctx, art, a.measureZip)
	case promotion.ArtifactDir:
		p, err = a.measure(ctx, art, a.measureDir)
	case promotion.ArtifactS3:
		p, err = a.measureObject(ctx, art)
	case promotion.ArtifactImage:
		p, err = a.resolveImage(ctx, art)
	default:
		err = fault("", "%q is no kind of artifact", art.Kind)
	}
	if err != nil {
		return promotion.Package{}, at(f.Where, err)
	}
	return p, nil
}

// at tells where the fault is configured.
func at(where promotion.Where, err error) error {
	if f, ok := err.(promotion.Fault); ok && f.Where == (promotion.Where{}) {
		f.Where = where
		return f
	}
	return err
}

// measure hashes a local archive without keeping it.
func (a *Account) measure(ctx context.Context, art promotion.Artifact, by func(context.Context, string, hash.Hash) (int64, error)) (promotion.Package, error) {
	leave, err := a.slot(ctx)
	if err != nil {
		return promotion.Package{}, err
	}
	defer leave()
	sum := sha256.New()
	n, err := by(ctx, art.Path, sum)
	if err != nil {
		return promotion.Package{}, err
	}
	p := promotion.Package{Kind: art.Kind, Path: art.Path, Origin: art.Path, Size: n, Digest: digest(sum)}
	if n <= maxDirect {
		return p, nil
	}
	if a.options.ArtifactBucket == "" {
		return promotion.Package{}, fault("name a bucket of the function's region with artifact-bucket, or make the archive smaller",
			"%s is %s as a zip archive, and Lambda takes at most %s directly", art.Path, size(n), size(maxDirect))
	}
	p.Bucket, p.Key = a.options.ArtifactBucket, stagingKey(p.Digest)
	return p, nil
}

func digest(h hash.Hash) promotion.Digest {
	return promotion.Digest(base64.StdEncoding.EncodeToString(h.Sum(nil)))
}

// workspace opens the directory that artifacts cannot leave, not even through symbolic links.
func (a *Account) workspace() (*os.Root, error) {
	root, err := os.OpenRoot(a.options.Workspace)
	if err != nil {
		return nil, fault("check out the repository before this step", "the workspace cannot be opened: %v", plain(err))
	}
	return root, nil
}

// local refuses a path that is not one of the workspace, before anything is opened.
func local(path string) error {
	if path == "" {
		return fault("", "the artifact has no path")
	}
	if filepath.IsAbs(path) || strings.HasPrefix(path, "/") {
		return fault("give it relative to the workspace, for instance dist/app.zip: inside a container the workspace has another place than on the runner",
			"the artifact %s has an absolute path", path)
	}
	if !filepath.IsLocal(path) {
		return fault("build it, or copy it, into the workspace", "the artifact %s lies outside of the workspace", path)
	}
	return nil
}

// openFile opens a file of the workspace.
func (a *Account) openFile(path string) (*os.File, error) {
	if err := local(path); err != nil {
		return nil, err
	}
	root, err := a.workspace()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(path)
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case info.IsDir():
		return nil, fault("end it with a slash to have it zipped: "+strings.TrimSuffix(path, "/")+"/", "the artifact %s is a directory, not a zip archive", path)
	case !info.Mode().IsRegular(): // a pipe would block
		return nil, fault("", "the artifact %s is not a regular file", path)
	}
	file, err := root.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return file, nil
}

// unreadable explains why a file or directory of the workspace cannot be read.
func unreadable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault("build it before this step; its path is relative to the workspace", "the artifact %s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		return fault("", "the artifact %s may not be read", path)
	case strings.Contains(err.Error(), "escapes"): // of os.Root, which has no value for it
		return fault("copy what it points to into the workspace", "the artifact %s is a symbolic link that leads out of the workspace", path)
	}
	return fault("", "the artifact %s cannot be read: %v", path, plain(err))
}

// plain takes the operation and the path off an error of package os.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// A reader stops when its context ends.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, fmt.Errorf("read the artifact: %w", context.Cause(r.ctx))
	}
	return r.from.Read(p)
}
