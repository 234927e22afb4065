package function

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// Latest reads $LATEST once it has settled.
func (a *Account) Latest(ctx context.Context, name string, say promotion.Say) (promotion.Snapshot, error) {
	return a.settled(ctx, name, say, false)
}

// settled waits until no update of $LATEST is in progress. With patient, a fault of the connection does not end
// even the first read: something is under way already.
func (a *Account) settled(ctx context.Context, name string, say promotion.Say, patient bool) (promotion.Snapshot, error) {
	c, err := a.wait(ctx, waiting{
		name: name, thing: "$LATEST of " + name, say: say, patient: patient,
		until: func(c *types.FunctionConfiguration) bool {
			return idle(c.State) && c.LastUpdateStatus != types.LastUpdateStatusInProgress
		},
	})
	if err != nil {
		return promotion.Snapshot{}, err
	}
	if c.State == types.StateDeleting {
		return promotion.Snapshot{}, fault("", "%s is being deleted", name)
	}
	return a.snapshot(name, c)
}

// idle tells whether a state is one that Lambda does not leave by itself. Inactive is one: a function that was not
// used for long wakes up when it is invoked.
func idle(s types.State) bool {
	switch s {
	case "", types.StateActive, types.StateInactive, types.StateFailed, types.StateDeactivated, types.StateDeleting:
		return true
	}
	return false
}

// Version reads one version as it is.
func (a *Account) Version(ctx context.Context, name string, v promotion.Version) (promotion.Snapshot, error) {
	c, _, err := a.read(ctx, name, v)
	if err != nil {
		return promotion.Snapshot{}, err
	}
	return a.snapshot(name, c)
}

// Behind reads the version that an alias leads to.
func (a *Account) Behind(ctx context.Context, name, alias string) (promotion.Snapshot, error) {
	c, _, err := a.readAt(ctx, name, alias, fmt.Sprintf("the version behind alias %s of %s", alias, name))
	if err != nil {
		return promotion.Snapshot{}, err
	}
	return a.snapshot(name, c)
}

// read asks for $LATEST, where v is 0, or for a version. It goes to GetFunction and not to GetFunctionConfiguration:
// the former has a quota of its own, seven times as high as the one that all other calls share:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests.
func (a *Account) read(ctx context.Context, name string, v promotion.Version) (_ *types.FunctionConfiguration, transient bool, _ error) {
	if v == 0 {
		return a.readAt(ctx, name, "", name)
	}
	return a.readAt(ctx, name, v.String(), fmt.Sprintf("version %s of %s", v, name))
}

func (a *Account) readAt(ctx context.Context, name, qualifier, thing string) (_ *types.FunctionConfiguration, transient bool, _ error) {
	in := &lambda.GetFunctionInput{FunctionName: &name}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	call := a.call()
	out, err := a.lambda.GetFunction(ctx, in, call.watch)
	switch {
	case err != nil && notFound(err) && qualifier == "":
		return nil, false, kinded{promotion.Fault{
			What: fmt.Sprintf("the function %s does not exist in %s", name, a.region),
			Hint: "check its name, the region and the account; it is created with its role by your infrastructure code, not by promote",
		}, promotion.ErrNotFound}
	case err != nil && notFound(err):
		return nil, false, kinded{promotion.Fault{What: thing + " does not exist"}, promotion.ErrNotFound}
	case err != nil:
		return nil, call.transient(err), awserr.Explain(err, "read "+thing)
	case out.Configuration == nil:
		return nil, false, fault("check AWS_ENDPOINT_URL: it may name a server that is not AWS", "read %s: the answer holds no configuration", thing)
	}
	return out.Configuration, false, readable(name, out.Configuration)
}

// Newest finds the newest published version; 0 if there is none.
func (a *Account) Newest(ctx context.Context, name string) (promotion.Version, error) {
	var newest promotion.Version
	pages := lambda.NewListVersionsByFunctionPaginator(a.lambda, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, a.call().watch)
		if err != nil {
			return 0, awserr.Explain(err, "list the versions of "+name)
		}
		for _, c := range page.Versions {
			if v, err := promotion.ParseVersion(aws.ToString(c.Version)); err == nil {
				newest = max(newest, v) // $LATEST is in the list too
			}
		}
	}
	return newest, nil
}

func (a *Account) snapshot(name string, c *types.FunctionConfiguration) (promotion.Snapshot, error) {
	s := promotion.Snapshot{
		Digest:        promotion.Digest(aws.ToString(c.CodeSha256)),
		Configuration: a.configuration(c),
		Revision:      promotion.Revision(aws.ToString(c.RevisionId)),
		ARN:           aws.ToString(c.FunctionArn),
		Size:          c.CodeSize,
		Failed:        failure(c),
	}
	if version := aws.ToString(c.Version); version != "$LATEST" {
		v, err := promotion.ParseVersion(version)
		if err != nil {
			return promotion.Snapshot{}, fault("publish numbered versions of it", "read %s: %v", name, err)
		}
		s.Version = v
	}
	return s, nil
}

// failure is Lambda's reason why what c describes cannot be used, "" if it can.
func failure(c *types.FunctionConfiguration) string {
	switch c.State {
	case types.StateFailed, types.StateDeactivated, types.StateDeleting:
		return reasoned("the state is "+string(c.State), string(c.StateReasonCode), c.StateReason)
	}
	if c.LastUpdateStatus == types.LastUpdateStatusFailed {
		return reasoned("the last update failed", string(c.LastUpdateStatusReasonCode), c.LastUpdateStatusReason)
	}
	return ""
}

func reasoned(what, code string, reason *string) string {
	if code != "" {
		what += " (" + code + ")"
	}
	if text := awserr.Clean(aws.ToString(reason)); text != "" {
		what += ": " + text
	}
	return what
}

// size says a number of bytes as a person does.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
	case n >= 1<<10:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

func seconds(d time.Duration) string { return d.Round(time.Second).String() }
