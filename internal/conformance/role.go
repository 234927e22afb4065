package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// rolePath is where the roles of runs are, so that they can be listed.
const rolePath = "/promote-conformance/"

// What a function of a run may do: send traces, without which Lambda refuses the setting for it. It may not write
// logs, so that none are left behind.
const (
	trust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	traces = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["xray:PutTraceSegments","xray:PutTelemetryRecords"],"Resource":"*"}]}`
)

// roles makes and removes execution roles.
type roles struct{ config aws.Config }

func (r roles) client() *iam.Client { return iam.NewFromConfig(r.config) }

// make makes a role that functions can have, and returns its ARN.
func (r roles) make(ctx context.Context, name string, tags map[string]string) (string, error) {
	in := &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String(rolePath), AssumeRolePolicyDocument: aws.String(trust),
		Description: aws.String("Execution role of a conformance run of promote; can be deleted."),
	}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	out, err := r.client().CreateRole(ctx, in)
	if err != nil {
		return "", fmt.Errorf("create role %s (or name one in %s): %w", name, RoleVariable, err)
	}
	_, err = r.client().PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("traces"), PolicyDocument: aws.String(traces)})
	if err != nil {
		return "", fmt.Errorf("let role %s send traces: %w", name, err)
	}
	return aws.ToString(out.Role.Arn), nil
}

// remove deletes a role, also after ctx has ended. One that is not there is no error.
func (r roles) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	var absent *types.NoSuchEntityException
	_, err := r.client().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: aws.String("traces")})
	if err != nil && !errors.As(err, &absent) {
		return fmt.Errorf("delete the policy of role %s: %w", name, err)
	}
	_, err = r.client().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	if err != nil && !errors.As(err, &absent) {
		return fmt.Errorf("delete role %s: %w", name, err)
	}
	return nil
}

// list gives the names of the roles of all runs, with the values of their tag.
func (r roles) list(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	pages := iam.NewListRolesPaginator(r.client(), &iam.ListRolesInput{PathPrefix: aws.String(rolePath)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the roles of earlier runs: %w", err)
		}
		for _, role := range page.Roles {
			out, err := r.client().ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: role.RoleName})
			if err != nil {
				return nil, fmt.Errorf("read the tags of role %s: %w", aws.ToString(role.RoleName), err)
			}
			for _, tag := range out.Tags {
				if aws.ToString(tag.Key) == Tag {
					found[aws.ToString(role.RoleName)] = aws.ToString(tag.Value)
				}
			}
		}
	}
	return found, nil
}
