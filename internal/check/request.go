package check

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// userAgent is how a check introduces itself when it is not told otherwise.
const userAgent = "promote"

// A request is an HTTP check's request with everything in it expanded, but for where it goes.
type request struct {
	method  string
	headers []header
	body    string
	secrets secrets // what it carries and nobody may see
}

type header struct{ name, value string }

// request expands what is sent.
func (q question) request(c promotion.HTTPCheck) (request, error) {
	r := request{method: strings.ToUpper(c.Method)}
	if r.method == "" {
		r.method = "GET"
	}
	if !isToken(r.method) {
		return r, q.fault(fmt.Sprintf("%q is not a method", r.method), "")
	}
	var hidden []string
	for _, h := range c.Headers {
		value := h.Secret.Reveal()
		if value != "" {
			hidden = append(hidden, value)
		} else {
			var err error
			if value, err = q.expand("header "+h.Name, h.Value); err != nil {
				return r, err
			}
		}
		if !isToken(h.Name) {
			return r, q.fault(fmt.Sprintf("%q is not a header's name", h.Name), "")
		}
		// The value itself is not shown: it may be a secret.
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return r, q.fault(fmt.Sprintf("the value of header %s holds a line break or another control character", h.Name), "secrets often end in a line break by accident")
		}
		r.headers = append(r.headers, header{name: h.Name, value: value})
	}
	r.secrets = newSecrets(hidden...)
	if c.Body != "" {
		var err error
		if r.body, err = q.expand("body", c.Body); err != nil {
			return r, err
		}
		// A body without a type reaches a function in base64, which nobody expects of a text in a configuration.
		if !slices.ContainsFunc(r.headers, func(h header) bool { return strings.EqualFold(h.name, "Content-Type") }) {
			r.headers = append(r.headers, header{name: "Content-Type", value: contentType(r.body)})
		}
	}
	return r, nil
}

// contentType is that of a body for which none is given.
func contentType(body string) string {
	if json.Valid([]byte(body)) {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

// isToken tells whether text can be a method or a header's name: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}

// target is where a check by URL goes.
func (q question) target(t promotion.Template) (*url.URL, error) {
	text, err := q.expand("url", t)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, q.fault("url: it is not a URL", "")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, q.fault(fmt.Sprintf("url: %q is not a URL", shownURL(u)), "a URL begins with https:// and a host, or with {{.Endpoint.latest}}")
	case u.User != nil:
		return nil, q.fault("url: it holds a user or a password, which would be shown", "send them as a header whose value comes from a secret")
	}
	u.Fragment = ""
	return u, nil
}

// shownURL is a URL for people: without its query, which may hold what is nobody's business.
func shownURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return clean(shown.String())
}
