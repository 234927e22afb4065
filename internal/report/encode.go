package report

import (
	"bytes"
	"encoding/json"
)

// indented is a document for programs that a person can read as well. HTML's signs stay as they are.
func indented(doc any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(doc) // texts, numbers, lists of them and JSON that was looked at: it cannot fail
	return b.Bytes()
}

// compact is a document on one line, for an output.
func compact(doc any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(doc) // as above
	return string(bytes.TrimSpace(b.Bytes()))
}
