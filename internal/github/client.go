// Package github is the GitHub that a run belongs to: github.com, a GitHub Enterprise Server, or a tenant of
// ghe.com. It says how commits stand to each other, what commit a tag's object means and what changed between two; and
// it keeps what people read there: the comment on a pull request, the text of a release, deployments and statuses.
// Those texts come in ready-made.
//
// The token goes to the API's own hosts and nowhere else: redirects to another host are refused. Limits are honoured
// by waiting, within a budget for the whole run; reads that failed on the way are made again. What cannot be had is
// told as a [promotion.Fault], which names the missing permission where GitHub does, and holds neither the token nor
// an address with a query.
//
// go-github makes the requests and knows the answers' forms. It is not to be seen from outside.
package github

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Options say which GitHub, and as whom. What is empty is taken from the variables of a workflow's job.
type Options struct {
	Getenv func(string) string // nil knows no variable

	Token      string // else GITHUB_TOKEN or GH_TOKEN; without any, only public things can be read
	APIURL     string // else GITHUB_API_URL, else github.com's
	UploadURL  string // else derived from the API's
	GraphQLURL string // else GITHUB_GRAPHQL_URL where that is at the API's host, else derived
	Repository string // "owner/name", else GITHUB_REPOSITORY

	// HTTPClient carries the requests; nil is one with timeouts. Its own rule for redirects is not used.
	HTTPClient *http.Client
	Version    string        // of this program, for the user agent
	Budget     time.Duration // how long the calls of this client may wait in all; 0 is [DefaultBudget], negative is none
}

// DefaultBudget is how long all calls of a run may wait for limits and for failures to pass.
const DefaultBudget = time.Minute

// A Client is one repository at one GitHub. It may be used by many goroutines.
type Client struct {
	api      *api.Client
	graphql  string // the address of its GraphQL API
	owner    string
	name     string
	token    string
	compared memory
	comments comments
}

var repositoryPattern = regexp.MustCompile(`^([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)$`)

// Open makes a client without calling anybody. The error is a [promotion.Fault].
func Open(o Options) (*Client, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	env := func(given string, names ...string) string {
		for _, name := range names {
			if given != "" {
				break
			}
			given = o.Getenv(name)
		}
		return strings.TrimSpace(given)
	}

	repository := env(o.Repository, "GITHUB_REPOSITORY")
	parts := repositoryPattern.FindStringSubmatch(repository)
	if parts == nil || strings.Trim(parts[1], ".") == "" || strings.Trim(parts[2], ".") == "" {
		return nil, promotion.Fault{What: "GitHub cannot be asked: it is not known for which repository", Accepted: "owner/name",
			Hint: "GITHUB_REPOSITORY says it within a workflow", Detail: clean(repository)}
	}
	token := env(o.Token, "GITHUB_TOKEN", "GH_TOKEN")
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, promotion.Fault{What: "the token for GitHub holds characters that no token has",
			Hint: "check the secret that it comes from for line ends and quotation marks"}
	}
	where, err := locate(env(o.APIURL, "GITHUB_API_URL"), env(o.UploadURL), env(o.GraphQLURL), env("", "GITHUB_GRAPHQL_URL"))
	if err != nil {
		return nil, err
	}

	gate := gate{allowed: where.origins(), token: token}
	carrier := http.Client{}
	if o.HTTPClient != nil {
		carrier = *o.HTTPClient
	}
	if gate.next = carrier.Transport; gate.next == nil {
		gate.next = newTransport()
	}
	carrier.CheckRedirect = gate.redirect
	carrier.Transport = &patience{next: gate, budget: newBudget(o.Budget)}

	c := &Client{owner: parts[1], name: parts[2], token: token, graphql: where.graphql.String()}
	c.api = api.NewClient(&carrier)
	c.api.BaseURL, c.api.UploadURL = where.api, where.upload
	c.api.UserAgent = "promote/" + strings.Trim(o.Version, " /")
	if o.Version == "" {
		c.api.UserAgent = "promote"
	}
	return c, nil
}

// Repository is "owner/name".
func (c *Client) Repository() string { return c.owner + "/" + c.name }
