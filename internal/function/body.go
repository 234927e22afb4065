package function

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
)

// A body is head, the archive in base64, and tail, made while it is read. The SDK reads it twice, to sign it and to
// send it, and seeks to its start in between and its end for its length; that is all the seeking there is.
type body struct {
	head, tail []byte
	archive    io.ReaderAt
	size       int64
	at         int64
	rest       io.Reader
}

func newBody(head []byte, archive io.ReaderAt, size int64, tail []byte) *body {
	b := &body{head: head, tail: tail, archive: archive, size: size}
	b.rewind()
	return b
}

func (b *body) rewind() {
	b.at = 0
	b.rest = io.MultiReader(
		bytes.NewReader(b.head),
		&encoder{from: io.NewSectionReader(b.archive, 0, b.size)},
		bytes.NewReader(b.tail),
	)
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.rest.Read(p)
	b.at += int64(n)
	return n, err
}

func (b *body) Seek(offset int64, whence int) (int64, error) {
	switch {
	case offset == 0 && whence == io.SeekStart:
		b.rewind()
	case offset == 0 && whence == io.SeekEnd:
		b.at = int64(len(b.head)) + (b.size+2)/3*4 + int64(len(b.tail))
		b.rest = bytes.NewReader(nil)
	case offset != 0 || whence != io.SeekCurrent:
		return 0, errors.New("a request's body can only be read again from its start")
	}
	return b.at, nil
}

// An encoder reads what from holds in base64.
type encoder struct {
	from  io.Reader
	plain [24 << 10]byte // divisible by 3: only the last piece is padded
	coded [32 << 10]byte
	ready []byte
}

func (e *encoder) Read(p []byte) (int, error) {
	if len(e.ready) == 0 {
		n, err := io.ReadFull(e.from, e.plain[:])
		if n == 0 {
			return 0, err
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		base64.StdEncoding.Encode(e.coded[:], e.plain[:n])
		e.ready = e.coded[:base64.StdEncoding.EncodedLen(n)]
	}
	n := copy(p, e.ready)
	e.ready = e.ready[n:]
	return n, nil
}
