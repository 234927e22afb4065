package conformance

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// permissionPoints are those on which the two endpoints of an app rest.
func permissionPoints() []Point {
	return []Point{{
		Name:    "permission-qualifiers",
		Claim:   "AddPermission on an alias that does not exist is refused with 404, on $LATEST with 400; one on an alias is that alias's alone and not the function's, nor another alias's.",
		Promise: "An environment's endpoint reaches its own alias and nothing else; the latest endpoint is allowed on the function itself.",
		Known:   Recorded,
		check:   permissionQualifiers,
	}}
}

// permissionQualifiers is the promise that an environment's endpoint reaches its own alias and nothing else.
func permissionQualifiers(ctx context.Context, e *Env) (Result, error) {
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	other := "other"
	err = s.arrange(ctx, "create alias of "+s.name, func(ctx context.Context) error {
		_, err := s.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &s.name, Name: &other, FunctionVersion: aws.String("1")})
		return err
	})
	if err != nil {
		return Result{}, err
	}
	add := func(qualifier string) error {
		return s.try(ctx, func(ctx context.Context) error { return s.permit(ctx, &qualifier) })
	}
	policy := func(qualifier *string) error {
		return s.try(ctx, func(ctx context.Context) error {
			_, err := s.lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &s.name, Qualifier: qualifier})
			return err
		})
	}
	var f findings
	f.refused(add("absent"), 404, "ResourceNotFoundException", "on an alias that does not exist")
	f.refused(add(latestName), 400, "InvalidParameterValueException", "on $LATEST")
	if f.accepted(add(live), "on an alias") {
		f.accepted(policy(aws.String(live)), "the alias's policy")
		f.refused(policy(&other), 404, "ResourceNotFoundException", "the other alias's policy")
		f.refused(policy(nil), 404, "ResourceNotFoundException", "the function's policy")
	}
	return f.result()
}

// permit lets APIs of this very account, and nobody else, invoke the function or one of its aliases.
func (s *subject) permit(ctx context.Context, qualifier *string) error {
	role, err := arn.Parse(s.config.Role)
	if err != nil {
		return err
	}
	_, err = s.lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &s.name, Qualifier: qualifier, StatementId: aws.String("conformance"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"), SourceAccount: &role.AccountID,
	})
	return err
}
