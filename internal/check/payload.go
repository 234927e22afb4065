package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxPayload is what Lambda takes in a synchronous invocation:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
const maxPayload = 6 << 20

// payload is what an invoke check sends.
func (k *Checks) payload(q question, c promotion.InvokeCheck) ([]byte, error) {
	var body []byte
	from := "the payload"
	switch {
	case c.PayloadFile != "":
		from = "payload file " + c.PayloadFile
		var err error
		if body, err = k.readPayload(c.PayloadFile); err != nil {
			return nil, q.fault(fmt.Sprintf("%s: %s", from, err), "a payload file is named relative to the workspace and lies inside it")
		}
	case c.Payload != "":
		text, err := q.expand("payload", c.Payload)
		if err != nil {
			return nil, err
		}
		body = []byte(text)
	default:
		return []byte("{}"), nil
	}
	if len(body) > maxPayload {
		return nil, q.fault(fmt.Sprintf("%s has %d bytes, Lambda takes %d", from, len(body), maxPayload), "")
	}
	if !json.Valid(body) {
		return nil, q.fault(from+" is not JSON", "put it in quotes if it is meant as a JSON text")
	}
	return body, nil
}

// readPayload reads a file of the workspace. Links and .. cannot lead out of it.
func (k *Checks) readPayload(name string) ([]byte, error) {
	root, err := os.OpenRoot(k.options.Workspace)
	if err != nil {
		return nil, fmt.Errorf("the workspace cannot be read: %w", plainPathError(err))
	}
	defer root.Close()
	file, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, plainPathError(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, plainPathError(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	// One byte more than is taken, so that a file that is too large is seen to be so without being read whole.
	body, err := io.ReadAll(io.LimitReader(file, maxPayload+1))
	if err != nil {
		return nil, plainPathError(err)
	}
	if int64(len(body)) > maxPayload {
		return nil, fmt.Errorf("it has %d bytes, Lambda takes %d", info.Size(), maxPayload)
	}
	return body, nil
}

// plainPathError says what is wrong with a path without naming operation and path once more.
func plainPathError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it does not exist")
	}
	if errors.Is(err, fs.ErrPermission) {
		return errors.New("it may not be read")
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
