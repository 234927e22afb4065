package github_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
)

func TestAddresses(t *testing.T) {
	for name, tt := range map[string]struct{ api, upload, graphql, ofJob, want string }{
		"github.com":                       {"", "", "", "", "https://api.github.com/ https://uploads.github.com/ https://api.github.com/graphql"},
		"github.com as the runner has it":  {"https://api.github.com", "", "", "https://api.github.com/graphql", "https://api.github.com/ https://uploads.github.com/ https://api.github.com/graphql"},
		"data residency":                   {"https://api.octocorp.ghe.com", "", "", "https://api.octocorp.ghe.com/graphql", "https://api.octocorp.ghe.com/ https://uploads.octocorp.ghe.com/ https://api.octocorp.ghe.com/graphql"},
		"an Enterprise Server":             {"https://ghe.example/api/v3", "", "", "https://ghe.example/api/graphql", "https://ghe.example/api/v3/ https://ghe.example/api/uploads/ https://ghe.example/api/graphql"},
		"an Enterprise Server by its host": {"https://ghe.example", "", "", "", "https://ghe.example/api/v3/ https://ghe.example/api/uploads/ https://ghe.example/api/graphql"},
		"one whose host begins with api.":  {"https://api.example/api/v3/", "", "", "", "https://api.example/api/v3/ https://api.example/api/uploads/ https://api.example/api/graphql"},
		"all by name":                      {"https://a.example/x", "https://b.example/y", "https://c.example/z", "", "https://a.example/x/ https://b.example/y/ https://c.example/z"},
		"another GitHub than the job's":    {"https://ghe.example/api/v3", "", "", "https://api.github.com/graphql", "https://ghe.example/api/v3/ https://ghe.example/api/uploads/ https://ghe.example/api/graphql"},
	} {
		t.Run(name, func(t *testing.T) {
			api, upload, graphql, err := github.Located(tt.api, tt.upload, tt.graphql, tt.ofJob)
			must(t, err)
			if got := api.String() + " " + upload.String() + " " + graphql.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		o    github.Options
		want string
	}{
		"no repository":             {github.Options{}, "for which repository"},
		"a repository without name": {github.Options{Repository: "acme"}, "for which repository"},
		"a repository of dots":      {github.Options{Repository: "acme/.."}, "for which repository"},
		"a path for a repository":   {github.Options{Repository: "acme/shop/../../user"}, "for which repository"},
		"an address without host":   {github.Options{Repository: repository, APIURL: "https://"}, "the address of GitHub's API is none"},
		"another scheme":            {github.Options{Repository: repository, APIURL: "file:///etc/passwd"}, "API is none"},
		"a password in an address":  {github.Options{Repository: repository, APIURL: "https://u:verysecret@ghe.example"}, "more than host and path"},
		"a query in an address":     {github.Options{Repository: repository, UploadURL: "https://ghe.example/?token=verysecret"}, "uploads has more than"},
		"an address that is none":   {github.Options{Repository: repository, GraphQLURL: "https://verysecret\x7f"}, "GraphQL API is none"},
		"a token of two lines":      {github.Options{Repository: repository, Token: "verysecret\nX: y"}, "characters that no token has"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := github.Open(tt.o)
			if f := promotion.FaultOf(err); err == nil || !strings.Contains(f.What, tt.want) || strings.Contains(err.Error()+f.Hint, "verysecret") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestATokenThatIsRepeatedIsHidden(t *testing.T) {
	client, err := github.Open(github.Options{Repository: repository, Token: "ghs_secret", HTTPClient: &http.Client{Transport: answering(func(r *http.Request) (int, http.Header, string) {
		return 403, nil, `{"message": "who is\n` + r.Header.Get("Authorization") + `?"}`
	})}})
	must(t, err)
	_, err = client.Compare(t.Context(), c("c1"), c("c2"))
	if f := promotion.FaultOf(err); f.Detail != "who is Bearer ***?" {
		t.Errorf("got %q", f.Detail)
	}
}

func TestNoToken(t *testing.T) {
	w := online(t)
	_, err := w.open(t, nil, "GITHUB_TOKEN", "").Compare(t.Context(), c("c1"), c("c2"))
	w.env["GITHUB_TOKEN"] = "none"
	w.tells(t, err, "GitHub wants a token (401)", "github.token")
}
