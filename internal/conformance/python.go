package conformance

import (
	"archive/zip"
	"bytes"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Python is a package for the points on AWS: three lines, which need no build and nothing in the zip but themselves.
func Python(name string) Package {
	p := Package{Runtime: types.RuntimePython312, Handler: "app.handler", OtherRuntime: types.RuntimePython313}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "app.py", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o644)
	// Writing to memory does not fail; a broken archive would be refused by Lambda.
	if w, err := z.CreateHeader(header); err == nil {
		_, _ = fmt.Fprintf(w, "def handler(event, context):\n    return {%q: %q, %q: context.function_version}\n", "code", name, "version")
	}
	_ = z.Close()
	p.Zip = b.Bytes()
	return p
}
