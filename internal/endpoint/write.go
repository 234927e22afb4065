package endpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	payloadFormat = "2.0"
	// defaultStage serves at the API's address itself, without a stage's name in the path.
	defaultStage = "$default"
)

// create makes the API. Two runs may do so at the same moment, so it looks again afterwards.
func (s *Routes) create(ctx context.Context, r promotion.Request, say promotion.Say) (*gateway, error) {
	out, err := s.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name:         aws.String(r.Endpoints.API),
		Description:  aws.String("The endpoints of " + r.App + ", kept by promote"),
		ProtocolType: types.ProtocolTypeHttp,
		Tags:         map[string]string{TagKey: tagValue(r)},
	})
	if err != nil {
		return nil, awserr.Explain(err, "create HTTP API "+r.Endpoints.API)
	}
	g := newGateway(out.ApiId, out.ApiEndpoint)
	say("created HTTP API %s (%s)", r.Endpoints.API, g.id)
	if _, err := s.find(ctx, r); err != nil {
		return nil, err
	}
	return g, nil
}

// ensureStage makes the stage on which routes go live by themselves.
func (s *Routes) ensureStage(ctx context.Context, g *gateway, say promotion.Say) error {
	stage, err := s.api.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: aws.String(g.id), StageName: aws.String(defaultStage)})
	if err == nil {
		if aws.ToBool(stage.AutoDeploy) {
			return nil
		}
		return promotion.Fault{
			What: fmt.Sprintf("stage $default of API %s does not deploy its routes by itself", g.id),
			Hint: fmt.Sprintf("aws apigatewayv2 update-stage --api-id %s --stage-name '$default' --auto-deploy", g.id),
		}
	}
	var absent *types.NotFoundException
	if !errors.As(err, &absent) {
		return awserr.Explain(err, "read stage $default of API "+g.id)
	}
	_, err = s.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId: aws.String(g.id), StageName: aws.String(defaultStage), AutoDeploy: aws.Bool(true),
	})
	var exists *types.ConflictException
	if errors.As(err, &exists) {
		return nil
	}
	if err != nil {
		return awserr.Explain(err, "create stage $default of API "+g.id)
	}
	say("created stage $default, which deploys by itself")
	return nil
}

// connectFunction makes a function's permission, integration and routes, in this order.
func (s *Routes) connectFunction(ctx context.Context, g *gateway, e endpoint, f promotion.Function, say promotion.Say) error {
	out, err := s.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(f.Name)})
	var absent *lambdatypes.ResourceNotFoundException
	if errors.As(err, &absent) {
		return promotion.Fault{
			What: fmt.Sprintf("make the routes of %s: function %s does not exist", f.Key, f.Name),
			Hint: "create the function first; promote releases functions, it does not create them",
		}
	}
	if err != nil {
		return awserr.Explain(err, "read function "+f.Name)
	}
	if out.Configuration == nil {
		return fmt.Errorf("read function %s: the answer has no configuration", f.Name)
	}
	arn, err := parseFunctionARN(aws.ToString(out.Configuration.FunctionArn))
	if err != nil {
		return fmt.Errorf("read function %s: %w", f.Name, err)
	}
	if err := s.permit(ctx, g, e, f, arn, say); err != nil {
		return err
	}
	integration, err := s.integrate(ctx, g, f, arn.qualified(e), say)
	if err != nil {
		return err
	}
	for _, key := range e.routeKeys(f) {
		if err := s.route(ctx, g, e, f, key, "integrations/"+integration, say); err != nil {
			return err
		}
	}
	return nil
}

// permit allows the API to invoke the function. The qualifier has to be the integration's: a permission on the
// function does not cover its aliases, nor the other way round. Lambda does not take $LATEST as one.
func (s *Routes) permit(ctx context.Context, g *gateway, e endpoint, f promotion.Function, arn functionARN, say promotion.Say) error {
	in := &lambda.AddPermissionInput{
		FunctionName: aws.String(f.Name),
		StatementId:  aws.String(e.statementID(g.id)),
		Action:       aws.String("lambda:InvokeFunction"),
		Principal:    aws.String("apigateway.amazonaws.com"),
		SourceArn:    aws.String(arn.source(g.id, e)),
	}
	thing := f.Name
	if e.alias != "" {
		in.Qualifier = aws.String(e.alias)
		thing = fmt.Sprintf("alias %s of %s", e.alias, f.Name)
	}
	_, err := s.lambda.AddPermission(ctx, in)
	var exists *lambdatypes.ResourceConflictException
	var absent *lambdatypes.ResourceNotFoundException
	switch {
	case err == nil:
		say("allowed API %s to invoke %s", g.id, thing)
		return nil
	case errors.As(err, &exists):
		return nil
	case errors.As(err, &absent) && e.alias != "":
		return promotion.Fault{
			What: fmt.Sprintf("allow API %s to invoke %s: there is no such alias", g.id, thing),
			Hint: "an environment's routes are made at its first promotion, which creates the alias",
		}
	}
	return awserr.Explain(err, fmt.Sprintf("allow API %s to invoke %s", g.id, thing))
}

// integrate finds or makes the integration for an ARN.
func (s *Routes) integrate(ctx context.Context, g *gateway, f promotion.Function, uri string, say promotion.Say) (string, error) {
	if id, found := g.integration(uri); found {
		return id, nil
	}
	out, err := s.api.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId:                aws.String(g.id),
		IntegrationType:      types.IntegrationTypeAwsProxy,
		IntegrationUri:       aws.String(uri),
		PayloadFormatVersion: aws.String(payloadFormat),
	})
	if err != nil {
		return "", awserr.Explain(err, fmt.Sprintf("create the integration of %s in API %s", f.Name, g.id))
	}
	g.integrations = append(g.integrations, types.Integration{
		IntegrationId: out.IntegrationId, IntegrationUri: aws.String(uri),
		IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String(payloadFormat),
	})
	say("created the integration of %s", f.Name)
	return aws.ToString(out.IntegrationId), nil
}

// route makes a route, or sends an existing one where it has to lead, with the authorization that it has to have.
func (s *Routes) route(ctx context.Context, g *gateway, e endpoint, f promotion.Function, key, target string, say promotion.Say) error {
	made, there := g.routes[key]
	if there && authorizationOf(made) == e.auth && invokes(g.targetOf(made), e, f) {
		return nil
	}
	if !there {
		out, err := s.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
			ApiId: aws.String(g.id), RouteKey: aws.String(key), Target: aws.String(target), AuthorizationType: e.auth,
		})
		if err != nil {
			return awserr.Explain(err, fmt.Sprintf("create route %q in API %s", key, g.id))
		}
		g.routes[key] = types.Route{RouteId: out.RouteId, RouteKey: aws.String(key), Target: aws.String(target), AuthorizationType: e.auth}
		say("created route %s (%s)", key, authName(e.auth))
		return nil
	}
	if _, err := s.api.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{
		ApiId: aws.String(g.id), RouteId: made.RouteId, Target: aws.String(target), AuthorizationType: e.auth,
	}); err != nil {
		return awserr.Explain(err, fmt.Sprintf("update route %q in API %s", key, g.id))
	}
	was := authorizationOf(made)
	made.Target, made.AuthorizationType = aws.String(target), e.auth
	g.routes[key] = made
	say("changed route %s (%s, was %s)", key, authName(e.auth), authName(was))
	return nil
}

// authName is what the configuration calls an authorization.
func authName(a types.AuthorizationType) string {
	switch a {
	case types.AuthorizationTypeAwsIam:
		return string(promotion.AuthIAM)
	case types.AuthorizationTypeNone:
		return string(promotion.AuthNone)
	}
	return string(a)
}
