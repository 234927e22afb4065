package github

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
)

// object is a JSON object of an answer.
type object = map[string]any

// A reply is an answer before it is sent: a JSON body, or raw bytes with a type of their own.
type reply struct {
	status int
	header http.Header
	body   any
	raw    []byte
}

func answer(status int, body any) *reply {
	return &reply{status: status, header: http.Header{}, body: body}
}

func ok(body any) *reply { return answer(http.StatusOK, body) }

const documentation = "https://docs.github.com/rest"

// refuse is GitHub's error body with its message and, for a 422, the details.
func refuse(status int, message string, details ...object) *reply {
	body := object{"message": message, "documentation_url": documentation, "status": strconv.Itoa(status)}
	if len(details) > 0 {
		body["errors"] = details
	}
	return answer(status, body)
}

func notFound() *reply { return refuse(http.StatusNotFound, "Not Found") }

// invalid is the 422 of a value that a resource does not take.
func invalid(details ...object) *reply {
	return refuse(http.StatusUnprocessableEntity, "Validation Failed", details...)
}

func detail(resource, field, code, message string) object {
	d := object{"resource": resource, "code": code, "field": field}
	if message != "" {
		d["message"] = message
	}
	return d
}

// noCommit is what GitHub says of a ref that names no commit, where it does not say "Not Found".
func noCommit(ref string) *reply {
	return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+ref)
}

// encode makes the bytes of the body; nil is a body of no bytes.
func (a *reply) encode() []byte {
	if a.body == nil {
		return a.raw
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.body); err != nil {
		// Bodies are made of maps, slices and scalars of this package, which all can be encoded.
		return []byte(`{"message":"` + err.Error() + `"}`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// conditional turns a 200 into a 304 when the caller has seen the same bytes.
func (a *reply) conditional(r *http.Request, body []byte) (status int, out []byte) {
	if a.status != http.StatusOK || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return a.status, body
	}
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	a.header.Set("ETag", tag)
	a.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	if match := r.Header.Get("If-None-Match"); match != "" && weak(match) == weak(tag) {
		return http.StatusNotModified, nil
	}
	return a.status, body
}

func weak(tag string) string {
	if len(tag) > 2 && tag[:2] == "W/" {
		return tag[2:]
	}
	return tag
}

// send writes the answer with the headers that every answer of GitHub has.
func (a *reply) send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	if a.body != nil && status != http.StatusNotModified {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	h.Set("X-GitHub-Api-Version-Selected", "2022-11-28")
	h.Set("X-GitHub-Request-Id", requestID())
	h.Set("Server", "github.com")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}

// limits puts the state of a window into the headers.
func (a *reply) limits(w *window, resource string) {
	a.header.Set("X-RateLimit-Limit", strconv.Itoa(w.Limit))
	a.header.Set("X-RateLimit-Remaining", strconv.Itoa(w.remaining()))
	a.header.Set("X-RateLimit-Used", strconv.Itoa(w.Used))
	a.header.Set("X-RateLimit-Reset", strconv.FormatInt(w.Reset.Unix(), 10))
	a.header.Set("X-RateLimit-Resource", resource)
}
