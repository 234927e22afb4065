package github

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// query asks the GraphQL API. What could be had is decoded even if the error, a [*graphErrors] then, says that some
// could not.
//
// https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
func (c *Client) query(ctx context.Context, text string, variables map[string]any, into any) error {
	for try := 1; ; try++ {
		req, err := c.api.NewRequest(http.MethodPost, c.graphql, map[string]any{"query": text, "variables": variables})
		if err != nil {
			return err
		}
		var answer struct {
			Data   json.RawMessage `json:"data"`
			Errors []graphError    `json:"errors"`
		}
		if _, err = c.api.Do(repeatable(ctx), req, &answer); err != nil {
			return err
		}
		failed := &graphErrors{answer.Errors}
		// The answer's headers have told until when to wait; the next try does, or says that it is too long.
		if failed.are("RATE_LIMITED") && try == 1 {
			continue
		}
		if len(answer.Data) > 0 {
			if err := json.Unmarshal(answer.Data, into); err != nil {
				return err
			}
		}
		if len(answer.Errors) > 0 {
			return failed
		}
		return nil
	}
}

// A graphError is one thing that a query asked for in vain.
type graphError struct {
	Type       string `json:"type"`
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

type graphErrors struct{ list []graphError }

func (e *graphErrors) Error() string {
	var texts []string
	for _, one := range e.list {
		texts = append(texts, one.Message)
	}
	return strings.Join(texts, "; ")
}

// are tells whether all errors, and there are some, are of a type.
func (e *graphErrors) are(kind string) bool {
	for _, one := range e.list {
		if one.Type != kind {
			return false
		}
	}
	return len(e.list) > 0
}

// only tells whether all errors, and there are some, concern one field.
func (e *graphErrors) only(field string) bool {
	for _, one := range e.list {
		concerns := false
		for _, part := range one.Path {
			concerns = concerns || part == field
		}
		if !concerns || one.Type != "FORBIDDEN" {
			return false
		}
	}
	return len(e.list) > 0
}

func (e *graphErrors) fault() promotion.Fault {
	f := promotion.Fault{Detail: e.Error()}
	first := e.list[0]
	switch {
	case first.Type == "FORBIDDEN":
		f.What, f.Hint = "the token may not do this", unnamed
	case first.Type == "NOT_FOUND":
		f.What, f.Hint = "GitHub has no such thing, or hides it from the token", "check the repository's name; "+unnamed
	case first.Type == "RATE_LIMITED":
		f.What, f.Hint = "GitHub's limit of queries is used up", "run it again in an hour"
	case first.Extensions.Code != "":
		f.What, f.Hint = "this GitHub does not know what was asked for", "an Enterprise Server may be too old for it"
	default:
		f.What = "GitHub does not answer the query"
	}
	return f
}
