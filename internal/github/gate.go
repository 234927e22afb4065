package github

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// How long one try may take: connecting, from the last byte of the request to the first of the answer, and all of it.
const (
	connectWithin = 5 * time.Second
	answerWithin  = 15 * time.Second
	tryWithin     = 20 * time.Second
)

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectWithin}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   connectWithin,
		ResponseHeaderTimeout: answerWithin,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   4,
	}
}

// A gate lets requests pass to GitHub's own hosts, with the token, and no others. go-github would send the token
// along to wherever an answer redirects.
type gate struct {
	allowed map[string]bool // by origin
	token   string
	next    http.RoundTripper
}

// RoundTrip sends a copy of the request, so that the token is in nothing that anybody keeps.
func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if !g.allowed[origin(r.URL)] {
		return nil, &elsewhere{r.URL.Host}
	}
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	if g.token != "" {
		r.Header.Set("Authorization", "Bearer "+g.token)
	}
	return g.next.RoundTrip(r)
}

// maxRedirects are followed; GitHub redirects once, for a repository that was renamed.
const maxRedirects = 5

// redirect decides about following a redirect: to the same place only, and without turning a write into a read, which
// net/http does on 301 to 303.
func (g gate) redirect(next *http.Request, via []*http.Request) error {
	switch {
	case !g.allowed[origin(next.URL)] || origin(next.URL) != origin(via[0].URL):
		return &elsewhere{hostIfAny(next.URL)}
	case len(via) > maxRedirects:
		return errors.New("GitHub's answers lead in a circle")
	case next.Method != via[0].Method:
		return errors.New("GitHub's answer leads to another address, where the change would not be made")
	}
	return nil
}

// elsewhere is the refusal to go to a host that is not GitHub's.
type elsewhere struct{ host string }

func (e *elsewhere) Error() string { return "it is not GitHub's host: " + e.host }

func hostIfAny(u *url.URL) string {
	if u.Scheme == "http" {
		return u.Host + " (without TLS)"
	}
	return u.Host
}
