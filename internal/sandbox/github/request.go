package github

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody is the most that a request may carry; GitHub's own limit for JSON is not documented.
const maxBody = 16 << 20

// A request is one call on its way through a handler, which runs under the service's lock.
type request struct {
	*Service
	links
	r     *http.Request
	path  string // below the API's root, escaped
	body  []byte
	vars  map[string]string
	route *route
	token *token
	repo  *repository
}

// integer reads a number of the path. Paths whose number is none are not found.
func (q *request) integer(name string) int64 {
	n, err := strconv.ParseInt(q.vars[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (q *request) query(name string) string { return q.r.URL.Query().Get(name) }

// decode reads the JSON body into a struct; members that are required are pointers, so that the handler
// sees which are absent. GitHub ignores members that it does not know, and so does this.
func (q *request) decode(into any) *reply {
	body := q.body
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return refuse(http.StatusUnprocessableEntity, fmt.Sprintf("Invalid request.\n\nFor 'properties/%s', %s is not %s.",
			strings.ReplaceAll(wrong.Field, ".", "/"), wrong.Value, kindOf(wrong.Type.String())))
	case errors.As(err, &wrong):
		return refuse(http.StatusBadRequest, "Body should be a JSON object")
	default:
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
}

func kindOf(goType string) string {
	switch t := strings.TrimLeft(goType, "*"); {
	case t == "string":
		return "a string"
	case t == "bool":
		return "a boolean"
	case strings.HasPrefix(t, "[]"):
		return "an array"
	case strings.HasPrefix(t, "int"):
		return "an integer"
	default:
		return "an object"
	}
}

func unsupplied(names ...string) *reply {
	var lines []string
	for _, n := range names {
		lines = append(lines, fmt.Sprintf("%q wasn't supplied.", n))
	}
	return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n"+strings.Join(lines, "\n"))
}

// pages reads page and per_page as GitHub does: what is no number is the default, and 100 the most.
func (q *request) pages() (page, size int) {
	page, _ = strconv.Atoi(q.query("page"))
	size, _ = strconv.Atoi(q.query("per_page"))
	if size <= 0 {
		size = 30
	}
	return max(1, page), min(size, 100)
}

// cut takes the page of a list that the request asks for and gives the Link header for the others.
func cut[T any](q *request, list []T) ([]T, http.Header) {
	page, size := q.pages()
	header := http.Header{}
	last := max(1, (len(list)+size-1)/size)
	var links []string
	link := func(n int, rel string) {
		values := q.r.URL.Query()
		values.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf("<%s?%s>; rel=%q", q.numbered(), values.Encode(), rel))
	}
	if page > 1 {
		link(min(page-1, last), "prev")
	}
	if page < last {
		link(page+1, "next")
		link(last, "last")
	}
	if page > 1 {
		link(1, "first")
	}
	if len(links) > 0 {
		header.Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*size, len(list))
	return list[from:min(from+size, len(list))], header
}

// numbered is the request's own address, with the repository by number, as GitHub's Link headers have it.
func (q *request) numbered() string {
	if q.repo == nil {
		return q.api + q.path
	}
	parts := strings.SplitN(q.path, "/", 5) // "", repos, owner, name, rest
	address := q.api + "/repositories/" + strconv.FormatInt(q.repo.ID, 10)
	if len(parts) == 5 {
		address += "/" + parts[4]
	}
	return address
}

// list answers with one page, each entry as the view shows it.
func list[T any](q *request, all []T, view func(T) object) *reply {
	some, header := cut(q, all)
	bodies := make([]object, 0, len(some))
	for _, x := range some {
		bodies = append(bodies, view(x))
	}
	return &reply{status: http.StatusOK, header: header, body: bodies}
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("request body is too large")
	}
	return body, err
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
