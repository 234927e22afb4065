// Package replay plays recordings of real AWS against an endpoint and compares what it answers.
//
// A recording is a sequence of calls with what AWS answered, as described in the README beside the
// recordings. The player sends each call through the real SDK with retries off, reads the answer as it was
// on the wire (an SDK cannot always tell an absent member from an empty one) and holds status, error and
// fields against the recording. Messages and details are counted apart: they are for information.
//
// It is used by tests only; it knows nothing of the sandbox.
package replay

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
)

// A Book is one file of recordings.
type Book struct {
	Format   int
	Packages map[string]map[string]string // name -> file -> text
	Cases    []Case
}

// A Case is one recorded sequence.
type Case struct {
	Case, Family, Source, Note string
	Steps                      []Step
}

// A Step is a call (Op) or a wait (Wait).
type Step struct {
	Op, Wait    string
	Params      map[string]any
	Save        map[string]string
	Expect      *Expect
	RepeatUntil *Repeat `json:"repeat_until"`
	Timing      bool
	Note        string
}

// An Expect is what AWS answered.
type Expect struct {
	Status         int
	Error, Message string
	MessageMatters bool `json:"message_matters"`
	Fields, Detail map[string]any
	Absent         []string
}

// A Repeat says how often a call is made again, and until when.
type Repeat struct {
	Pass   bool
	Max    int
	EachMS int `json:"each_ms"`
	Path   string
	Values []any
}

// Load reads a book.
func Load(path string) (*Book, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the recordings: %w", err)
	}
	var b Book
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("read the recordings in %s: %w", path, err)
	}
	if b.Format != 1 {
		return nil, fmt.Errorf("read the recordings in %s: format %d, want 1", path, b.Format)
	}
	return &b, nil
}

// zip packs a package of the book; the same package gives the same bytes.
func (b *Book) zip(name string) ([]byte, error) {
	files, ok := b.Packages[name]
	if !ok {
		return nil, fmt.Errorf("the book has no package %q", name)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(file)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(files[file])); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// digest is what AWS shows as CodeSha256 of a package.
func (b *Book) digest(name string) (string, error) {
	pack, err := b.zip(name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pack)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}
