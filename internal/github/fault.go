package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// failure is a fault that a person reads, over the error that it was made of. That one's text may hold addresses and
// is for errors.As alone.
type failure struct {
	fault promotion.Fault
	cause error
}

func (f *failure) Error() string   { return f.fault.Error() }
func (f *failure) Unwrap() []error { return []error{f.fault, f.cause} }

// explain says what went wrong with the deed. An end that the caller brought about explains every other failure: a
// try's own time limits look just like it.
func (c *Client) explain(ctx context.Context, deed string, err error) error {
	f := promotion.Fault{What: "it was interrupted"}
	if ctx.Err() == nil {
		f = c.reason(err)
	}
	f.What = deed + ": " + f.What
	f.Detail = c.withoutToken(clean(f.Detail))
	return &failure{f, err}
}

// explainNeeding is explain for a deed whose permission we know, for answers that do not name it.
func (c *Client) explainNeeding(ctx context.Context, deed, permissions string, err error) error {
	err = c.explain(ctx, deed, err)
	f, is := err.(*failure) //nolint:errorlint // it was made here
	if is && strings.HasSuffix(f.fault.Hint, unnamed) {
		f.fault.Hint = strings.TrimSuffix(f.fault.Hint, unnamed) + missing(permissions)
	}
	return err
}

// withoutToken takes care of a proxy or a server that repeats what it was sent.
func (c *Client) withoutToken(text string) string {
	if c.token == "" {
		return text
	}
	return strings.ReplaceAll(text, c.token, "***")
}

func (c *Client) reason(err error) promotion.Fault {
	var (
		limit    *limited
		answered *api.ErrorResponse
		foreign  *elsewhere
		pending  *api.AcceptedError
		graph    *graphErrors
		told     promotion.Fault
	)
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &limit):
		return limit.fault()
	case errors.As(err, &foreign):
		return promotion.Fault{What: "GitHub's answer leads to another host, to which nothing is sent: " + clean(foreign.host),
			Hint: "check GITHUB_API_URL, and whether a proxy or a gateway answers in GitHub's place"}
	case errors.As(err, &pending):
		return promotion.Fault{What: "GitHub has not finished it yet (202)", Hint: "run it again in a minute"}
	case errors.As(err, &graph):
		return graph.fault()
	case errors.As(err, &answered) && answered.Response != nil:
		return c.refusal(answered)
	}
	return connection(err)
}

func (l *limited) fault() promotion.Fault {
	at := l.until.UTC().Format("15:04:05 UTC")
	if l.primary {
		return promotion.Fault{What: "GitHub's limit of calls is used up until " + at,
			Hint: "a job's token has 1,000 calls an hour, shared by all jobs of the repository: run it again after that, or give a token with a limit of its own"}
	}
	return promotion.Fault{What: "GitHub takes no calls until " + at + ", since there were too many in a short time",
		Hint: "run it again after that; fewer jobs at once help"}
}

// refusal explains an answer that is no success.
func (c *Client) refusal(e *api.ErrorResponse) promotion.Fault {
	status, h := e.Response.StatusCode, e.Response.Header
	f := promotion.Fault{Detail: message(e)}
	switch {
	case status == http.StatusUnauthorized && c.token == "":
		f.What = "GitHub wants a token (401)"
		f.Hint = "give one by GITHUB_TOKEN; in a workflow: ${{ github.token }}"
	case status == http.StatusUnauthorized:
		f.What = "GitHub does not know the token (401)"
		f.Hint = "it may have expired (a job's token ends with its job), or be for another GitHub"
	case status == http.StatusForbidden && h.Get("X-Github-Sso") != "":
		f.What = "the token is not authorised for the organisation's single sign-on (403)"
		f.Hint = "authorise it in its owner's settings, or use the job's own token"
	case status == http.StatusForbidden && strings.HasSuffix(e.Message, "is locked."):
		f.What = "the conversation is locked (403)"
		f.Hint = "unlock it, or do without"
	case status == http.StatusForbidden:
		f.What = "the token may not do this (403)"
		f.Hint = missing(h.Get("X-Accepted-Github-Permissions"))
	case status == http.StatusNotFound:
		f.What = "GitHub has no such thing, or hides it from the token (404)"
		f.Hint = "check the repository's name; " + missing(h.Get("X-Accepted-Github-Permissions"))
	case status == http.StatusUnprocessableEntity:
		f.What = "GitHub does not take what was sent (422)"
	case status >= 500:
		f.What = fmt.Sprintf("GitHub failed (%d)", status)
		f.Hint = "see https://www.githubstatus.com, and run it again"
	case status >= 300 && status < 400:
		f.What = fmt.Sprintf("GitHub redirects to nowhere (%d)", status)
		f.Hint = "check GITHUB_API_URL"
	default:
		f.What = fmt.Sprintf("GitHub refused it (%d)", status)
	}
	return f
}

// message is GitHub's own, with what it says about single values.
func message(e *api.ErrorResponse) string {
	parts := []string{e.Message}
	for _, one := range e.Errors {
		switch {
		case one.Message != "":
			parts = append(parts, one.Message)
		case one.Field != "":
			parts = append(parts, one.Field+" is "+strings.ReplaceAll(one.Code, "_", " "))
		}
	}
	return strings.Join(parts, "; ")
}

// unnamed is the hint where the permission is not known.
const unnamed = "check the job's `permissions`, and which repositories the token is for"

// missing names the permissions of which GitHub says that one set would do: "issues=write; pull_requests=write" is
// either, "contents=read,issues=read" is both.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible
func missing(accepted string) string {
	accepted = clean(accepted)
	var sets []string
	for set := range strings.SplitSeq(accepted, ";") {
		var need []string
		for one := range strings.SplitSeq(set, ",") {
			if name, level, ok := strings.Cut(strings.TrimSpace(one), "="); ok {
				need = append(need, strings.ReplaceAll(name, "_", "-")+": "+level)
			}
		}
		if len(need) > 0 {
			sets = append(sets, "{"+strings.Join(need, ", ")+"}")
		}
	}
	if len(sets) == 0 {
		return unnamed
	}
	hint := "the token needs `permissions: " + strings.Join(sets, "` or `permissions: ") + "` of the job"
	if strings.Contains(accepted, "write") {
		hint += "; pull requests from forks, and Dependabot's, get a token that can only read"
	}
	return hint
}

// clean makes foreign text one line of a sensible length.
func clean(text string) string {
	const most = 400
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}
