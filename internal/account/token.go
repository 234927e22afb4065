package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	tokenTries  = 4
	tokenWithin = 10 * time.Second
	maxToken    = 64 << 10
)

// An identityToken is a signed statement of GitHub's about the workflow that runs.
type identityToken string

// GetIdentityToken implements the SDK's interface for tokens.
func (t identityToken) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

// An issuer is the runner's endpoint for identity tokens:
// https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token.
type issuer struct {
	url, bearer string
	client      aws.HTTPClient // nil: one with the proxies of the environment
}

// token asks for a token, several times if need be. Neither the bearer nor the token is in its errors.
func (i issuer) token(ctx context.Context, audience string) (identityToken, error) {
	var err error
	for try := range tokenTries {
		if try > 0 {
			wait, _ := backoff(try+1, nil)
			if sleepErr := sleep(ctx, wait); sleepErr != nil {
				return "", sleepErr
			}
		}
		var token identityToken
		var again bool
		token, again, err = i.ask(ctx, audience)
		if err == nil {
			return token, nil
		}
		if !again || ctx.Err() != nil {
			break
		}
	}
	return "", promotion.Fault{
		What: "GitHub gives no identity token for AWS: " + err.Error(),
		Hint: "the job needs `permissions: id-token: write`; https://www.githubstatus.com tells whether GitHub has a problem",
	}
}

// ask asks once, and tells whether it is worth asking again.
func (i issuer) ask(ctx context.Context, audience string) (token identityToken, again bool, err error) {
	endpoint, err := url.Parse(i.url)
	if err != nil {
		return "", false, errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	query := endpoint.Query()
	query.Set("audience", audience)
	endpoint.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, tokenWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint.String(), nil)
	if err != nil {
		return "", false, errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	request.Header.Set("Authorization", "Bearer "+i.bearer)
	request.Header.Set("Accept", "application/json")
	client := i.client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	response, err := client.Do(request)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) { // its text holds the whole URL
			err = outer.Err
		}
		return "", true, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxToken+1))
	switch {
	case response.StatusCode != http.StatusOK:
		return "", response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests, fmt.Errorf("it answered with HTTP %d", response.StatusCode)
	case err != nil:
		return "", true, errors.New("its answer broke off")
	case len(body) > maxToken:
		return "", false, fmt.Errorf("its answer is longer than %d bytes", maxToken)
	}
	var answer struct{ Value string }
	if json.Unmarshal(body, &answer) != nil || answer.Value == "" {
		return "", true, errors.New("its answer holds no token")
	}
	return identityToken(answer.Value), false, nil
}
