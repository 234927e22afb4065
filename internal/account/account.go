// Package account opens the AWS account that a run works in: the region, credentials that last as long as the
// run does, and one aws.Config for every client.
//
// What all clients have to share lives in that config: how many calls a second go out in each class of Lambda's
// quotas, how long a throttled class rests, what is tried again and how often, how long an attempt may take.
// Calls that put aliases back ([promotion.Urgent]) overtake the others.
//
// What a call means is left to the adapters that make it.
package account

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// Options say which account, and how to treat it.
type Options struct {
	Region          string   // "" takes AWS_REGION, AWS_DEFAULT_REGION or the profile's
	Role            string   // ARN of the role to assume; "" takes the credentials that the SDK finds
	AllowedAccounts []string // twelve digits each; empty allows any
	Rates           Rates
	Version         string // of this program, for the user agent

	Getenv     func(string) string           // the environment; nil: the process's
	HTTPClient aws.HTTPClient                // nil: a client of its own, with timeouts, and with the proxies of the environment
	Mask       func(secret string)           // is told every secret before it is used; nil: nobody is
	Tell       func(format string, a ...any) // is told when AWS asks for a pause; nil: nobody is
}

// An Account is an AWS account in one region.
type Account struct {
	// Config is what every client is made of.
	Config aws.Config

	limits *limits

	mu sync.Mutex
	id string
}

// Open finds region and credentials. Without AllowedAccounts no call is made: credentials are fetched when the
// first call needs them. Its errors are a [promotion.Fault].
func Open(ctx context.Context, o Options) (*Account, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Mask == nil {
		o.Mask = func(string) {}
	}
	if o.Tell == nil {
		o.Tell = func(string, ...any) {}
	}
	a := &Account{limits: newLimits(o.Rates, o.Tell)}
	if err := a.load(ctx, o); err != nil {
		return nil, err
	}
	if err := a.guard(ctx, o.AllowedAccounts); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Account) load(ctx context.Context, o Options) error {
	options := append(environment(o.Getenv),
		config.WithHTTPClient(newTransport()),
		config.WithLogger(logging.Nop{}), // the SDK would write to stderr, between the lines that are ours
		config.WithRetryer(func() aws.Retryer { return newRetryer() }),
		config.WithAPIOptions([]func(*middleware.Stack) error{
			a.limits.install,
			awsmiddleware.AddUserAgentKeyValue("promote", cmp.Or(o.Version, "dev")),
		}),
	)
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return awserr.Explain(err, "read the AWS configuration")
	}
	if cfg.Region == "" {
		return promotion.Fault{
			What: "no AWS region is set",
			Hint: "set region in promote.yaml, the input region, or AWS_REGION (eu-west-1, say)",
		}
	}
	if cfg.HTTPClient = patient(cfg.HTTPClient); o.HTTPClient != nil {
		cfg.HTTPClient = o.HTTPClient
	}
	cfg.Credentials, err = choose(cfg, o)
	a.Config = cfg
	return err
}

// environment gives the SDK what the environment says. It reads the process's own by itself; this is for an
// environment that is not the process's, and keeps the SDK's order: keys, then profile.
func environment(getenv func(string) string) []func(*config.LoadOptions) error {
	var options []func(*config.LoadOptions) error
	if region := cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION")); region != "" {
		options = append(options, config.WithRegion(region))
	}
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		options = append(options, config.WithBaseEndpoint(url))
	}
	if file := getenv("AWS_CONFIG_FILE"); file != "" {
		options = append(options, config.WithSharedConfigFiles([]string{file}))
	}
	if file := getenv("AWS_SHARED_CREDENTIALS_FILE"); file != "" {
		options = append(options, config.WithSharedCredentialsFiles([]string{file}))
	}
	if strings.EqualFold(getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	key, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	switch profile := getenv("AWS_PROFILE"); {
	case key != "" && secret != "":
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key, secret, getenv("AWS_SESSION_TOKEN"))))
	case profile != "" && getenv("AWS_WEB_IDENTITY_TOKEN_FILE") == "":
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	return options
}

// ID is the account's id, twelve digits. AWS is asked once.
func (a *Account) ID(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.id != "" {
		return a.id, nil
	}
	who, err := sts.NewFromConfig(a.Config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", awserr.Explain(err, "ask which account the credentials belong to")
	}
	a.id = aws.ToString(who.Account)
	return a.id, nil
}

// guard refuses an account that the run was not meant for.
func (a *Account) guard(ctx context.Context, allowed []string) error {
	if len(allowed) == 0 {
		return nil
	}
	id, err := a.ID(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(allowed, id) {
		return nil
	}
	return notAllowed{promotion.Fault{
		Where:    promotion.Where{Input: "allowed-account-ids"},
		What:     "the AWS credentials belong to account " + id + ", which is not an allowed one",
		Accepted: strings.Join(allowed, ", "),
		Hint:     "check the role and the credentials of this environment",
	}}
}

// notAllowed marks a fault as a refusal: everything works, and must not be used.
type notAllowed struct{ promotion.Fault }

func (n notAllowed) Unwrap() []error { return []error{n.Fault, promotion.ErrNotAllowed} }

// Calls lists the requests that were made so far, each attempt counted, by service and operation.
func (a *Account) Calls() []Call { return a.limits.calls() }
