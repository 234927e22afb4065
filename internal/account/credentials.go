package account

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/promote-on-success/promote/internal/promotion"
)

// renewBefore is how long before their end credentials are replaced, so that no call begins with some that end
// under it.
const renewBefore = 5 * time.Minute

// choose decides where the credentials come from: the role, by GitHub's identity token where there is one and by
// the credentials at hand elsewhere, or those credentials themselves.
func choose(cfg aws.Config, o Options) (aws.CredentialsProvider, error) {
	if o.Role == "" {
		return cfg.Credentials, nil
	}
	if !rolePattern.MatchString(o.Role) {
		return nil, promotion.Fault{
			What:     "the role to assume is not a role's ARN",
			Accepted: "arn:aws:iam::123456789012:role/NAME",
			Detail:   o.Role,
		}
	}
	github := issuer{url: o.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), bearer: o.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"), client: o.HTTPClient}
	session := sessionName(o.Getenv)
	switch {
	case github.url != "" && github.bearer != "":
		o.Mask(github.bearer)
		return renewed(webIdentity{client: sts.NewFromConfig(cfg), issuer: github, role: o.Role, session: session, mask: o.Mask}), nil
	case o.Getenv("GITHUB_ACTIONS") == "true" && !credentialsAtHand(o.Getenv):
		return nil, promotion.Fault{
			What: "the role cannot be assumed, since GitHub gives this job no identity token",
			Hint: "add to the job: `permissions: id-token: write` (with `contents: read`, which it replaces); workflows of pull requests from forks never get one",
		}
	}
	return renewed(masked{stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.Role, func(a *stscreds.AssumeRoleOptions) {
		a.RoleSessionName = session
	}), o.Mask}), nil
}

// credentialsAtHand tells whether a job brings credentials of its own that may assume the role: an earlier step's,
// or those of a runner in a cluster.
func credentialsAtHand(getenv func(string) string) bool {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		if getenv(name) != "" {
			return true
		}
	}
	return false
}

var rolePattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`)

func renewed(p aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.NewCredentialsCache(&lasting{CredentialsProvider: p}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
}

// lasting goes on with credentials that still have some of their last minutes when they cannot be renewed: an outage of
// GitHub or STS must not keep aliases from being put back.
type lasting struct {
	aws.CredentialsProvider
	end time.Time // of the newest credentials; the cache asks for one thing at a time
}

// renewAgain is how long after a failure renewing is tried again.
const renewAgain = 15 * time.Second

// Retrieve implements [aws.CredentialsProvider].
func (l *lasting) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := l.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		l.end = c.Expires
	}
	return c, err
}

// HandleFailToRefresh implements the strategy of the SDK's cache, which takes renewBefore off the end that it is given.
func (l *lasting) HandleFailToRefresh(_ context.Context, c aws.Credentials, err error) (aws.Credentials, error) {
	now := time.Now()
	if !c.HasKeys() || !now.Before(l.end) {
		return aws.Credentials{}, err
	}
	c.Expires = now.Add(min(renewAgain, l.end.Sub(now)) + renewBefore)
	return c, nil
}

// masked tells the secrets before anybody uses them.
type masked struct {
	aws.CredentialsProvider
	mask func(string)
}

func (m masked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		for _, secret := range []string{c.SecretAccessKey, c.SessionToken} {
			m.mask(secret)
		}
	}
	return c, err
}

// webIdentity assumes a role with an identity token of GitHub's, a new one each time: a token lives for minutes,
// a run may live for hours.
type webIdentity struct {
	client  *sts.Client
	issuer  issuer
	role    string
	session string
	mask    func(string)
}

func (w webIdentity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	token, err := w.issuer.token(ctx, audience(w.role))
	if err != nil {
		return aws.Credentials{}, err
	}
	w.mask(string(token))
	return masked{stscreds.NewWebIdentityRoleProvider(w.client, w.role, token, func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = w.session
	}), w.mask}.Retrieve(ctx)
}

// audience is what the account's identity provider for GitHub expects; China's regions have their own.
func audience(role string) string {
	if strings.HasPrefix(role, "arn:aws-cn:") {
		return "sts.amazonaws.com.cn"
	}
	return "sts.amazonaws.com"
}

var notInSessions = regexp.MustCompile(`[^\w+=,.@-]+`)

// sessionName is what CloudTrail will show: repository and run, cut to the 64 characters that STS takes.
func sessionName(getenv func(string) string) string {
	name, run := "promote", getenv("GITHUB_RUN_ID")
	if repository := getenv("GITHUB_REPOSITORY"); repository != "" {
		name = repository
	}
	if run != "" {
		run = "-" + notInSessions.ReplaceAllString(run, "-")
	}
	name = notInSessions.ReplaceAllString(name, "-")
	if room := 64 - min(len(run), 32); len(name) > room {
		name = name[:room]
	}
	return name + run[:min(len(run), 32)]
}
