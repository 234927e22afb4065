package github

import (
	"context"
	"errors"
	"fmt"

	api "github.com/google/go-github/v60/github"
)

const (
	perPage  = 100 // GitHub's most
	maxPages = 100
)

// errMore is the error of a list that is longer than anybody would read.
var errMore = fmt.Errorf("there are more than %d entries", perPage*maxPages)

// all reads a list to its end, page by page. ask makes one call; it is given the page to ask for.
func all[T any](ctx context.Context, ask func(context.Context, api.ListOptions) ([]T, *api.Response, error)) ([]T, error) {
	var list []T
	page := 1
	for range maxPages {
		some, res, err := ask(ctx, api.ListOptions{Page: page, PerPage: perPage})
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
		switch {
		case res.NextPage == 0:
			return list, nil
		case res.NextPage <= page:
			return nil, errors.New("GitHub's pages lead backwards")
		}
		page = res.NextPage
	}
	return nil, errMore
}
