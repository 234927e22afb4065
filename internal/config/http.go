package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Headers that belong to the connection or to the URL, not to whoever writes a check.
var ownHeaders = []string{"host", "content-length", "transfer-encoding", "connection"}

func (r *verifier) http(n *node) *promotion.HTTPCheck {
	c := &promotion.HTTPCheck{ViaInvoke: n.has("via"), Method: "GET", Within: within(n)}
	if method := n.get("method").value(); method != "" {
		c.Method = method
	}
	c.Function = r.function(n, "http", c.ViaInvoke)
	p := r.place(c.Function != "")
	r.destination(n, c, p)
	r.headers(n.get("headers"), c, p)
	r.body(n, c, p)
	r.auth(n, c)
	r.httpExpect(n.get("expect"), c, p)
	return c
}

// destination reads where the request goes: a url, or a path of a function via invoke.
func (r *verifier) destination(n *node, c *promotion.HTTPCheck, p place) {
	fault := func(where promotion.Where, what, hint string) {
		r.add(promotion.Fault{Where: where, What: what, Accepted: "url, or function, path and via: invoke", Hint: hint})
	}
	u, path := n.get("url"), n.get("path")
	switch {
	case n.has("url") && c.ViaInvoke:
		fault(n.where, "http has url and via: invoke at once", "via: invoke takes path instead of url")
		return
	case n.has("url") && n.has("path"):
		fault(n.where, "http has url and path at once", "put the path at the end of the url")
		return
	case n.has("path") && !c.ViaInvoke:
		fault(n.where, "http has path without via: invoke", "add via: invoke, or write url: \"{{.Endpoint.latest}}/...\"")
		return
	case c.ViaInvoke && !n.has("path"):
		fault(n.where, "http via invoke has no path", "add path, such as path: /health")
		return
	case !n.has("url") && !c.ViaInvoke:
		fault(n.at, "http does not say where the request goes", "")
		return
	}
	if u != nil {
		if text, ok := r.expand(u.text, u.where, "http.url", p); ok {
			r.checkURL(u, text)
		}
		c.URL = promotion.Template(u.text)
	}
	if path != nil {
		text, ok := r.expand(path.text, path.where, "http.path", p)
		switch parsed, err := url.ParseRequestURI(text); {
		case !ok:
		case !strings.HasPrefix(text, "/"), err != nil, parsed.Host != "", strings.ContainsAny(text, "# "):
			r.add(promotion.Fault{Where: path.where, What: fmt.Sprintf("http.path: %s is not the path of a request", quote(path.text)), Accepted: "a path that begins with /, perhaps with a ?query"})
		}
		c.Path = promotion.Template(path.text)
	}
}

func (r *verifier) checkURL(n *node, expanded string) {
	fault := func(what, hint string) {
		r.add(promotion.Fault{Where: n.where, What: "http.url: " + what, Accepted: httpShape.field("url").accepted, Hint: hint})
	}
	u, err := url.Parse(expanded)
	switch {
	case strings.HasPrefix(n.text, "/"):
		fault(fmt.Sprintf("%s has no host", quote(n.text)), "write {{.Endpoint.latest}} before it, or call it path and add via: invoke")
	case err != nil || strings.ContainsAny(expanded, " \t\n"):
		fault(fmt.Sprintf("%s is not a URL", quote(n.text)), "")
	case u.Scheme != "https" && u.Scheme != "http":
		fault(fmt.Sprintf("%s is not a URL of http or https", quote(n.text)), "")
	case u.Hostname() == "":
		fault(fmt.Sprintf("%s has no host", quote(n.text)), "")
	case badPort(u.Port()):
		fault(fmt.Sprintf("%s is not a port", u.Port()), "")
	case u.User != nil:
		fault("a user and password do not belong into a URL", "take them out, and send a header whose value comes from the environment: headers: {authorization: {env: NAME}}")
	case u.Fragment != "":
		fault("the part after # is never sent", "take it out")
	}
}

func badPort(port string) bool {
	if port == "" {
		return false
	}
	v, err := strconv.Atoi(port)
	return err != nil || v < 1 || v > 65535
}

func (r *verifier) headers(n *node, c *promotion.HTTPCheck, p place) {
	if n == nil {
		return
	}
	seen := map[string]string{}
	for _, e := range n.entries {
		lower := strings.ToLower(e.name)
		path := "http.headers." + e.name
		if other, twice := seen[lower]; twice && other != e.name {
			r.add(promotion.Fault{Where: e.where, What: fmt.Sprintf("%s and %s are the same header", other, e.name), Hint: "keep one of the two"})
		}
		seen[lower] = e.name
		if slices.Contains(ownHeaders, lower) {
			r.add(promotion.Fault{Where: e.where, What: path + " is set by the request itself", Hint: "take it out"})
		}
		if e.value.bad {
			continue
		}
		h := promotion.Header{Name: e.name}
		if e.value.kind == isMapping {
			h.Secret = r.secret(e.value.get("env"), path)
		} else {
			if strings.ContainsAny(e.value.text, "\n\r") {
				r.add(promotion.Fault{Where: e.value.where, What: path + " has a line break", Accepted: "text on one line"})
			}
			r.expand(e.value.text, e.value.where, path, p)
			h.Value = promotion.Template(e.value.text)
		}
		c.Headers = append(c.Headers, h)
	}
}

// secret is the value of an environment variable. It has to be set only where the check will be asked.
func (r *verifier) secret(n *node, path string) promotion.Secret {
	if n == nil {
		return ""
	}
	value := r.getenv(n.text)
	switch {
	case r.mode != promotion.ModeRun && r.mode != promotion.ModePromote:
	case value == "":
		r.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("%s: the environment variable %s is not set", path, n.text),
			Hint: fmt.Sprintf("set it for this step, as in env: {%s: \"${{ secrets.%s }}\"}", n.text, n.text)})
	case strings.ContainsAny(value, "\n\r"):
		r.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("%s: the value of %s has a line break", path, n.text), Accepted: "text on one line"})
	default:
		r.secrets = append(r.secrets, promotion.Secret(value))
	}
	return promotion.Secret(value)
}

func (r *verifier) body(n *node, c *promotion.HTTPCheck, p place) {
	body := n.get("body")
	if body == nil {
		return
	}
	if c.Method == "GET" || c.Method == "HEAD" {
		r.add(promotion.Fault{Where: body.at, What: fmt.Sprintf("a %s request has no body", c.Method), Accepted: "a body with " + wordList(httpMethods[2:]), Hint: "add method: POST"})
	}
	if body.kind == isText {
		r.expand(body.text, body.where, "http.body", p)
		c.Body = promotion.Template(body.text)
		return
	}
	c.Body = r.json(body, "http.body", p)
	if !slices.ContainsFunc(c.Headers, func(h promotion.Header) bool { return strings.EqualFold(h.Name, "content-type") }) {
		c.Headers = append(c.Headers, promotion.Header{Name: "content-type", Value: "application/json"})
	}
}

// auth decides whether the request is signed: as it says, or as the latest endpoint wants it for its own urls.
func (r *verifier) auth(n *node, c *promotion.HTTPCheck) {
	auth := n.get("auth")
	switch {
	case n.has("auth") && c.ViaInvoke:
		r.add(promotion.Fault{Where: auth.placeOr(n.where), What: "http has auth and via: invoke at once", Hint: "take auth out: an invocation is always signed with the run's credentials"})
	case auth != nil:
		c.IAM = auth.text == string(promotion.AuthIAM)
	default:
		c.IAM = r.latestIAM && strings.HasPrefix(strings.ReplaceAll(string(c.URL), " ", ""), "{{.Endpoint.latest}}")
	}
	if !c.IAM {
		return
	}
	for _, h := range c.Headers {
		if strings.EqualFold(h.Name, "authorization") {
			r.add(promotion.Fault{Where: n.get("headers").at, What: "the header authorization carries the AWS signature of this request", Hint: "take the header out, or say auth: none"})
		}
	}
}

func (n *node) placeOr(other promotion.Where) promotion.Where {
	if n == nil {
		return other
	}
	return n.at
}

func (r *verifier) httpExpect(n *node, c *promotion.HTTPCheck, p place) {
	if n == nil {
		return
	}
	if status := n.get("status"); status != nil {
		c.Status, _ = strconv.Atoi(status.text) // its shape has read it
	}
	if headers := n.get("headers"); headers != nil {
		for _, e := range headers.entries {
			c.ExpectHeaders = append(c.ExpectHeaders, promotion.HeaderExpectation{Name: e.name, Match: e.value.value()})
		}
	}
	c.JSON = r.jq(n.get("json"), "http.expect.json", p)
	if text := n.get("text"); text != nil {
		if text.text == "" {
			r.add(promotion.Fault{Where: text.at, What: "http.expect.text is empty, and occurs in every body", Hint: "take it out"})
		}
		r.expand(text.text, text.where, "http.expect.text", p)
		c.Text = promotion.Template(text.text)
	}
	c.Match = n.get("match").value()
	if c.Method == "HEAD" && (c.JSON != "" || c.Text != "" || c.Match != "") {
		r.add(promotion.Fault{Where: n.at, What: "the answer to HEAD has no body to expect anything of", Accepted: "status and headers", Hint: "take method: HEAD out"})
	}
}
