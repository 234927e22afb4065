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
func all[T any](ctx context.Context, ask func(context.Context, api.ListOptions) ([]*T, *api.Response, error)) ([]*T, error) {
	var list []*T
	err := each(ctx, ask, func(one *T) (more bool) {
		list = append(list, one)
		return true
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// each visits the entries of a list, page by page, until the visitor wants no more.
func each[T any](ctx context.Context, ask func(context.Context, api.ListOptions) ([]*T, *api.Response, error), visit func(*T) (more bool)) error {
	page := 1
	for range maxPages {
		some, res, err := ask(ctx, api.ListOptions{Page: page, PerPage: perPage})
		if err != nil {
			return err
		}
		for _, one := range some {
			if one != nil && !visit(one) { // a null is no entry
				return nil
			}
		}
		switch {
		case res.NextPage == 0:
			return nil
		case res.NextPage <= page:
			return errors.New("GitHub's pages lead backwards")
		}
		page = res.NextPage
	}
	return errMore
}
