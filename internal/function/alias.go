package function

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// Read returns the alias's routing.
func (a *Account) Read(ctx context.Context, name, alias string) (promotion.Routing, error) {
	out, err := a.lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &name, Name: &alias}, a.call().watch)
	if err != nil {
		return promotion.Routing{}, explainAlias(err, "read", name, alias)
	}
	return routing(name, alias, out.FunctionVersion, out.RoutingConfig, out.RevisionId)
}

// Create makes the alias at v. Lambda refuses it when there is one, which is its fence.
func (a *Account) Create(ctx context.Context, name, alias string, v promotion.Version) (promotion.Routing, error) {
	call := a.call()
	out, err := a.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName: &name, Name: &alias, FunctionVersion: aws.String(v.String()),
	}, call.watch, once)
	switch {
	case err == nil:
		return written(routing(name, alias, out.FunctionVersion, out.RoutingConfig, out.RevisionId))
	case call.unknown(err):
		return promotion.Routing{}, unknownEffect(err, "create", name, alias)
	case awserr.Status(err) == http.StatusConflict:
		return promotion.Routing{}, fmt.Errorf("create alias %s of %s: it %w", alias, name, promotion.ErrExists)
	}
	return promotion.Routing{}, awserr.Explain(err, fmt.Sprintf("create alias %s of %s at version %s", alias, name, v))
}

// Move sends the whole of the alias to v if its revision is still the given one. The weights are cleared by an empty
// map that is sent; one that is left out would leave them as they are.
func (a *Account) Move(ctx context.Context, name, alias string, revision promotion.Revision, v promotion.Version) (promotion.Routing, error) {
	if revision == "" { // Lambda would take it as unconditional
		return promotion.Routing{}, fault("", "move alias %s of %s: there is no revision to compare", alias, name)
	}
	call := a.call()
	out, err := a.lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &name, Name: &alias,
		FunctionVersion: aws.String(v.String()),
		RevisionId:      aws.String(string(revision)),
		RoutingConfig:   &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}},
	}, call.watch, once)
	switch {
	case err == nil:
		return written(routing(name, alias, out.FunctionVersion, out.RoutingConfig, out.RevisionId))
	case call.unknown(err):
		return promotion.Routing{}, unknownEffect(err, "move", name, alias)
	case awserr.Status(err) == http.StatusPreconditionFailed:
		return promotion.Routing{}, fmt.Errorf("move alias %s of %s: it was changed since it was read: %w", alias, name, promotion.ErrStale)
	}
	return promotion.Routing{}, explainAlias(err, "move", name, alias)
}

// Touch sends an update that names no field: Lambda writes the alias as it is, and its revision moves.
func (a *Account) Touch(ctx context.Context, name, alias string, revision promotion.Revision) (promotion.Routing, error) {
	if revision == "" {
		return promotion.Routing{}, fault("", "touch alias %s of %s: there is no revision to compare", alias, name)
	}
	call := a.call()
	out, err := a.lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: &name, Name: &alias, RevisionId: aws.String(string(revision))}, call.watch, once)
	switch {
	case err == nil:
		return written(routing(name, alias, out.FunctionVersion, out.RoutingConfig, out.RevisionId))
	case call.unknown(err):
		return promotion.Routing{}, unknownEffect(err, "touch", name, alias)
	case awserr.Status(err) == http.StatusPreconditionFailed:
		return promotion.Routing{}, fmt.Errorf("touch alias %s of %s: it was changed since it was read: %w", alias, name, promotion.ErrStale)
	}
	return promotion.Routing{}, explainAlias(err, "touch", name, alias)
}

func explainAlias(err error, deed, name, alias string) error {
	if notFound(err) {
		return fmt.Errorf("%s alias %s of %s: %w", deed, alias, name, promotion.ErrNotFound)
	}
	return awserr.Explain(err, fmt.Sprintf("%s alias %s of %s", deed, alias, name))
}

func unknownEffect(err error, deed, name, alias string) error {
	return kinded{awserr.Explain(err, fmt.Sprintf("%s alias %s of %s", deed, alias, name)), promotion.ErrUnknownEffect}
}

// written takes an answer to a write that makes no sense for one whose effect is not known: something was written.
func written(r promotion.Routing, err error) (promotion.Routing, error) {
	if err != nil {
		err = kinded{err, promotion.ErrUnknownEffect}
	}
	return r, err
}

// routing translates what Lambda says of an alias.
func routing(name, alias string, version *string, config *types.AliasRoutingConfiguration, revision *string) (promotion.Routing, error) {
	r := promotion.Routing{Revision: promotion.Revision(aws.ToString(revision))}
	var err error
	if r.Version, err = promotion.ParseVersion(aws.ToString(version)); err != nil {
		return promotion.Routing{}, kinded{fault(
			fmt.Sprintf("point it to a published version once: aws lambda publish-version --function-name %s, then aws lambda update-alias --function-name %s --name %s --function-version NUMBER", name, name, alias),
			"alias %s of %s points to %s, which is no version that could be gone back to", alias, name, aws.ToString(version)), promotion.ErrNoVersion}
	}
	if config == nil {
		return r, nil
	}
	for v, weight := range config.AdditionalVersionWeights {
		number, err := promotion.ParseVersion(v)
		if err != nil {
			return promotion.Routing{}, fault("", "alias %s of %s: %v", alias, name, err)
		}
		if r.Weights == nil {
			r.Weights = map[promotion.Version]float64{}
		}
		r.Weights[number] = weight
	}
	return r, nil
}
