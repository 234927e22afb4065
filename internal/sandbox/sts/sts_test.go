package sts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	sandboxsts "github.com/promote-on-success/promote/internal/sandbox/sts"
)

func TestSessions(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{Accounts: []sandbox.Account{{ID: "123456789012", Roles: []sandboxsts.Role{
		{Name: "short", Principals: []string{"*"}},
		{Name: "long", Principals: []string{"*"}, MaxSession: 4 * 3600},
	}}}})
	api := sts.NewFromConfig(c.AWS(), func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })
	const arn = "arn:aws:iam::123456789012:role/"
	for name, tc := range map[string]struct {
		in   sts.AssumeRoleInput
		code string
		life time.Duration
	}{
		"last an hour unless said otherwise":    {sts.AssumeRoleInput{RoleArn: aws.String(arn + "short"), RoleSessionName: aws.String("me")}, "", time.Hour},
		"last as long as the role allows":       {sts.AssumeRoleInput{RoleArn: aws.String(arn + "long"), RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(4 * 3600)}, "", 4 * time.Hour},
		"do not last longer than that":          {sts.AssumeRoleInput{RoleArn: aws.String(arn + "short"), RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(3601)}, "ValidationError", 0},
		"last a quarter of an hour at least":    {sts.AssumeRoleInput{RoleArn: aws.String(arn + "short"), RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(60)}, "ValidationError", 0},
		"have a name of a certain form":         {sts.AssumeRoleInput{RoleArn: aws.String(arn + "short"), RoleSessionName: aws.String("a b")}, "ValidationError", 0},
		"are refused for a role that is absent": {sts.AssumeRoleInput{RoleArn: aws.String(arn + "none"), RoleSessionName: aws.String("me")}, "AccessDenied", 0},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := api.AssumeRole(t.Context(), &tc.in)
			var e smithy.APIError
			if tc.code != "" {
				if !errors.As(err, &e) || e.ErrorCode() != tc.code {
					t.Errorf("got %v, want %s", err, tc.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if life := time.Until(*out.Credentials.Expiration); life > tc.life || life < tc.life-5*time.Second {
				t.Errorf("lasts %v, want %v", life, tc.life)
			}
			me, err := sts.NewFromConfig(c.AWSWith(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)).GetCallerIdentity(t.Context(), nil)
			if err != nil || *me.Arn != *out.AssumedRoleUser.Arn || *me.UserId != *out.AssumedRoleUser.AssumedRoleId {
				t.Errorf("is %+v (%v), want %+v", me, err, out.AssumedRoleUser)
			}
		})
	}
}
