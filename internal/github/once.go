package github

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// landing is how long a call whose answer was lost gets before it is looked for.
const landing = 2 * time.Second

// once makes something that must not be made twice. If it is not known what became of the call, it looks; only what
// is not there is asked for again, once.
func once[T any](ctx context.Context, create func() (T, error), look func() (found T, is bool, err error)) (T, error) {
	made, err := create()
	if !unsure(err) || sleep(ctx, landing) != nil {
		return made, err
	}
	found, is, lookErr := look()
	switch {
	case lookErr != nil:
		return made, err // what happened first explains more
	case is:
		return found, nil
	}
	return create()
}

// unsure tells whether a call that failed may have been carried out all the same.
func unsure(err error) bool {
	var (
		limit    *limited
		foreign  *elsewhere
		answered *api.ErrorResponse
		dns      *net.DNSError
		way      *net.OpError
	)
	switch {
	case err == nil, errors.As(err, &limit), errors.As(err, &foreign), errors.As(err, new(*api.AcceptedError)):
		return false
	case errors.As(err, &answered) && answered.Response != nil:
		return answered.Response.StatusCode >= 500
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dns), untrusted(err),
		errors.As(err, &way) && (way.Op == "dial" || way.Op == "proxyconnect"):
		return false
	}
	return true
}

// identified passes an answer on if it has the number that everything at GitHub has.
func identified[T any](made T, id int64, err error) (T, error) {
	if err == nil && id == 0 {
		err = strange()
	}
	return made, err
}

// strange is a success that is none of GitHub's.
func strange() error {
	return promotion.Fault{What: "GitHub's answer does not hold what was asked for",
		Hint: "check GITHUB_API_URL: it may name a server that is not GitHub"}
}

// gone tells whether an answer says that there is no such thing, or no longer.
func gone(err error) bool {
	return answeredWith(err, http.StatusNotFound) || answeredWith(err, http.StatusGone)
}

func answeredWith(err error, status int) bool {
	var answered *api.ErrorResponse
	return errors.As(err, &answered) && answered.Response != nil && answered.Response.StatusCode == status
}
