package github_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

func TestTheTokenStaysAtHome(t *testing.T) {
	var visits, tokens atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		if r.Header.Get("Authorization") != "" {
			tokens.Add(1)
		}
		_, _ = w.Write([]byte(`{"status": "ahead"}`)) // a client that has gone needs no answer
	}))
	defer stranger.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(stranger.URL, "http://"))
	must(t, err)

	for name, location := range map[string]string{
		"another port":          stranger.URL + "/_github/api/v3{path}",
		"another name":          "http://localhost:" + port + "{path}",
		"a secret in the query": stranger.URL + "/x?token=verysecret",
		"a name with a user":    "http://ghs_x:y@127.0.0.1:" + port + "/",
	} {
		for _, status := range []int{301, 302, 307, 308} {
			w := online(t)
			w.fault(t, hub.Fault{Kind: hub.FaultRedirect, Status: status, Location: location, Count: -1})
			got, err := w.open(t, nil).Compare(t.Context(), c("c1"), c("c2"))
			w.tells(t, err, "GitHub's answer leads to another host, to which nothing is sent: ", "GITHUB_API_URL")
			if got != promotion.Unknown || strings.Contains(err.Error(), "verysecret") || strings.Contains(err.Error(), "ghs_x") {
				t.Errorf("%s by %d: %s, %v", name, status, got, err)
			}
			if n := len(w.Calls()); n != 1 {
				t.Errorf("%s by %d: %d calls", name, status, n)
			}
		}
	}
	if visits.Load() != 0 || tokens.Load() != 0 {
		t.Errorf("the other host had %d visits, %d of them with the token", visits.Load(), tokens.Load())
	}

	t.Run("also at home: the API does not send to where assets are uploaded", func(t *testing.T) {
		client, err := github.Open(github.Options{Repository: repository, Token: "ghs_x", HTTPClient: &http.Client{Transport: answering(func(r *http.Request) (int, http.Header, string) {
			if r.URL.Host != "api.github.com" {
				t.Errorf("%s was asked", r.URL.Host)
			}
			return 307, http.Header{"Location": {"https://uploads.github.com/x"}}, ""
		})}})
		must(t, err)
		if _, err := client.Compare(t.Context(), c("c1"), c("c2")); err == nil || !strings.Contains(err.Error(), "another host, to which nothing is sent: uploads.github.com") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("also without TLS", func(t *testing.T) {
		client, err := github.Open(github.Options{Repository: repository, Token: "ghs_x", HTTPClient: &http.Client{Transport: answering(func(r *http.Request) (int, http.Header, string) {
			if r.URL.Scheme != "https" {
				t.Errorf("%s was asked", r.URL)
			}
			return 307, http.Header{"Location": {"http://api.github.com" + r.URL.Path}}, ""
		})}})
		must(t, err)
		if _, err := client.Compare(t.Context(), c("c1"), c("c2")); err == nil || !strings.Contains(err.Error(), "api.github.com (without TLS)") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("also where the caller's client would follow", func(t *testing.T) {
		w := online(t)
		w.fault(t, hub.Fault{Kind: hub.FaultRedirect, Location: stranger.URL + "{path}", Count: -1})
		_, err := w.open(t, func(o *github.Options) {
			o.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		}).Compare(t.Context(), c("c1"), c("c2"))
		w.tells(t, err, "another host", "")
		if visits.Load() != 0 {
			t.Error("it was followed")
		}
	})
}

func TestARenamedRepositoryIsFollowed(t *testing.T) {
	w := online(t)
	must(t, w.AddRepository(hub.Repository{Owner: "acme", Name: "new", FormerNames: []string{"acme/old"}, Commits: []hub.Commit{
		{SHA: c("c1"), Message: "x"}, {SHA: c("c2"), Message: "x", Parents: []string{c("c1")}}}}))
	must(t, w.AddToken(hub.Token{Value: "ghs_new", Permissions: hub.ReadOnly(), Repositories: []string{"acme/new"}}))
	got, err := w.open(t, nil, "GITHUB_REPOSITORY", "acme/old", "GITHUB_TOKEN", "ghs_new").Compare(t.Context(), c("c1"), c("c2"))
	must(t, err)
	if got != promotion.Ahead || len(w.Calls()) != 2 {
		t.Errorf("got %s by %d calls", got, len(w.Calls()))
	}
}

func TestARealResetPasses(t *testing.T) {
	w := online(t)
	w.fault(t, hub.Fault{Kind: hub.FaultReset})
	got, err := w.open(t, nil).Compare(t.Context(), c("c1"), c("c2"))
	must(t, err)
	if got != promotion.Ahead || len(w.Calls()) < 2 { // net/http may try once more by itself
		t.Errorf("got %s by %d calls", got, len(w.Calls()))
	}
}

func TestWhoeverDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := "http://" + l.Addr().String() + "/api/v3"
	must(t, l.Close())
	w := world{env: map[string]string{"GITHUB_TOKEN": "ghs_secret", "GITHUB_REPOSITORY": repository}}
	noWait := func(o *github.Options) { o.Budget = -1 }
	_, err = w.open(t, noWait, "GITHUB_API_URL", address).Compare(t.Context(), c("c1"), c("c2"))
	w.tells(t, err, "nothing listens at 127.0.0.1:", "GITHUB_API_URL")

	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	_, err = w.open(t, noWait, "GITHUB_API_URL", secure.URL).Compare(t.Context(), c("c1"), c("c2"))
	w.tells(t, err, "the TLS certificate of 127.0.0.1:", "SSL_CERT_FILE")

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, err = w.open(t, noWait, "GITHUB_API_URL", strings.Replace(plain.URL, "http:", "https:", 1)).Compare(t.Context(), c("c1"), c("c2"))
	w.tells(t, err, "127.0.0.1:", "")
}

func TestWhatIsSent(t *testing.T) {
	var sent *http.Request
	o := github.Options{Repository: repository, Token: "ghs_x\n", Version: "1.2.3", HTTPClient: &http.Client{Transport: answering(func(r *http.Request) (int, http.Header, string) {
		sent = r
		return 200, nil, `{"status": "ahead"}`
	})}}
	client, err := github.Open(o)
	must(t, err)
	_, err = client.Compare(t.Context(), c("c1"), c("c2"))
	must(t, err)
	want := "https://api.github.com/repos/acme/shop/compare/" + c("c1") + "..." + c("c2") + "?per_page=1"
	if sent.URL.String() != want || sent.Header.Get("Authorization") != "Bearer ghs_x" || sent.Header.Get("User-Agent") != "promote/1.2.3" ||
		sent.Header.Get("X-GitHub-Api-Version") == "" {
		t.Errorf("sent %s with %v", sent.URL, sent.Header)
	}
	o.Token = ""
	client, err = github.Open(o)
	must(t, err)
	_, err = client.Compare(t.Context(), c("c1"), c("c3"))
	must(t, err)
	if len(sent.Header["Authorization"]) != 0 {
		t.Error("an empty token was sent")
	}
}
