package github

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// addresses are where a GitHub serves what: REST, uploads of release assets, GraphQL. The first two end with a slash.
type addresses struct{ api, upload, graphql *url.URL }

// locate works out the addresses. GitHub's three kinds differ:
//
//	github.com         https://api.github.com/          https://uploads.github.com/          https://api.github.com/graphql
//	SUB.ghe.com        https://api.SUB.ghe.com/         https://uploads.SUB.ghe.com/         https://api.SUB.ghe.com/graphql
//	Enterprise Server  https://HOST/api/v3/             https://HOST/api/uploads/            https://HOST/api/graphql
//
// https://docs.github.com/en/enterprise-server@latest/rest/enterprise-admin
// https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/about-github-enterprise-cloud-with-data-residency
func locate(apiURL, uploadURL, graphQL, graphQLOfJob string) (a addresses, err error) {
	if apiURL == "" {
		apiURL = "https://api.github.com"
	}
	if a.api, err = parse("API", apiURL); err != nil {
		return a, err
	}
	at := *a.api
	switch name, is := strings.CutPrefix(at.Host, "api."); {
	case is && at.Path == "/":
		at.Host = "uploads." + name
	case at.Path == "/":
		a.api.Path, at.Path = "/api/v3/", "/api/uploads/"
	default:
		at.Path = strings.TrimSuffix(at.Path, "v3/") + "uploads/"
	}
	if a.upload = &at; uploadURL != "" {
		if a.upload, err = parse("uploads", uploadURL); err != nil {
			return a, err
		}
	}

	query := *a.api
	query.Path = strings.TrimSuffix(query.Path, "v3/") + "graphql"
	a.graphql = &query
	if graphQL != "" {
		if a.graphql, err = parse("GraphQL API", graphQL); err != nil {
			return a, err
		}
		a.graphql.Path = strings.TrimSuffix(a.graphql.Path, "/")
	} else if ofJob, err := parse("", graphQLOfJob); err == nil && origin(ofJob) == origin(a.api) {
		// The job's variable speaks of the job's GitHub; with an API of another it would name a stranger.
		ofJob.Path = strings.TrimSuffix(ofJob.Path, "/")
		a.graphql = ofJob
	}
	return a, nil
}

// parse reads a base address. Its faults do not show the address, which may hold a secret where it is wrong.
func parse(what, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, promotion.Fault{What: fmt.Sprintf("the address of GitHub's %s is none", what), Accepted: "https://HOST/PATH"}
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, promotion.Fault{What: fmt.Sprintf("the address of GitHub's %s has more than host and path", what), Accepted: "https://HOST/PATH"}
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	u.RawPath = ""
	return u, nil
}

// origins are the places that may see the token.
func (a addresses) origins() map[string]bool {
	return map[string]bool{origin(a.api): true, origin(a.upload): true, origin(a.graphql): true}
}

// origin is the scheme, host and port of an address.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
