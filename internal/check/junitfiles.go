package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	// maxReports is how many reports a check reads, and maxReport how large one of them may be.
	maxReports = 10_000
	maxReport  = 50 << 20
)

// foundReports are the files that the patterns of a check name.
type foundReports struct {
	files     []string // each once, sorted
	unmatched []string // patterns that no file matches: what was expected there is missing
	directory string   // an unmatched pattern that names a directory
}

// findReports looks for the files below the workspace. Links that are folders are not followed below a wildcard, so
// that no cycle is walked; no link leads out.
func findReports(ctx context.Context, root *os.Root, patterns []string) (foundReports, error) {
	var found foundReports
	seen := map[string]bool{}
	for _, pattern := range patterns {
		cleaned := path.Clean(filepath.ToSlash(pattern))
		if path.IsAbs(cleaned) || cleaned == ".." || len(cleaned) > 2 && cleaned[:3] == "../" {
			return found, promotion.Fault{What: fmt.Sprintf("%s lies outside of the workspace", shownPath(pattern)), Hint: "patterns are relative to the workspace"}
		}
		matched := false
		err := doublestar.GlobWalk(root.FS(), cleaned, func(name string, entry fs.DirEntry) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			is, err := isReport(root, name, entry)
			if err != nil || !is {
				return err
			}
			matched, seen[name] = true, true
			if len(seen) > maxReports {
				return promotion.Fault{What: fmt.Sprintf("more than %d files match", maxReports), Hint: "name the folder of the reports more closely"}
			}
			return nil
		}, doublestar.WithFilesOnly(), doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
		if err != nil {
			return found, walkError(pattern, err)
		}
		if !matched {
			found.unmatched = append(found.unmatched, pattern)
			if info, err := root.Stat(filepath.FromSlash(cleaned)); err == nil && info.IsDir() {
				found.directory = cleaned
			}
		}
	}
	for name := range seen {
		found.files = append(found.files, name)
	}
	slices.Sort(found.files)
	return found, nil
}

// isReport tells files from the folders that links hide. What is neither could keep its reader waiting for ever.
func isReport(root *os.Root, name string, entry fs.DirEntry) (bool, error) {
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := root.Stat(filepath.FromSlash(name))
		if err != nil {
			return false, unreadableFile(name, err)
		}
		mode = info.Mode()
	}
	if !mode.IsDir() && !mode.IsRegular() {
		return false, promotion.Fault{What: shownPath(name) + " is not a file"}
	}
	return mode.IsRegular(), nil
}

func walkError(pattern string, err error) error {
	var known promotion.Fault
	var at *fs.PathError
	switch {
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, doublestar.ErrBadPattern):
		return promotion.Fault{
			What: shownPath(pattern) + " is not a pattern of file names",
			Hint: "* stands for any text in a name, ** for any folders, {a,b} for either, [ab] for one character of these",
		}
	case errors.As(err, &at):
		return unreadableFile(at.Path, err)
	}
	return promotion.Fault{What: fmt.Sprintf("the files that match %s cannot be listed: %s", shownPath(pattern), shownPath(err.Error()))}
}

func unreadableFile(name string, err error) error {
	return promotion.Fault{
		What: fmt.Sprintf("%s: %s", shownPath(name), plainPathError(err)),
		Hint: "reports lie inside the workspace, where links do not lead out either",
	}
}
