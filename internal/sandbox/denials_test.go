package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func TestDenials(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	shop(t, c)
	const me = "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: "
	calls := map[string]func() error{
		"lambda:UpdateAlias": func() error { return move(t.Context(), c, "prod", "1") },
		"lambda:InvokeFunction": func() error {
			_, err := c.Lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("orders")})
			return err
		},
		"s3:GetObject": func() error {
			_, err := s3.NewFromConfig(c.AWS()).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("code"), Key: aws.String("orders.zip")})
			return err
		},
		"ecr:BatchGetImage": func() error {
			_, err := ecr.NewFromConfig(c.AWS()).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop")})
			return err
		},
		"dynamodb:DescribeTable": func() error {
			_, err := dynamodb.NewFromConfig(c.AWS()).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("promote")})
			return err
		},
		"apigateway:POST": func() error {
			_, err := apigatewayv2.NewFromConfig(c.AWS()).CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("shop"), ProtocolType: "HTTP"})
			return err
		},
		"sts:GetCallerIdentity": func() error {
			_, err := sts.NewFromConfig(c.AWS()).GetCallerIdentity(t.Context(), nil)
			return err
		},
	}
	for _, tc := range []struct{ action, call, code, message string }{
		{"lambda:UpdateAlias", "", "AccessDeniedException", me + "lambda:UpdateAlias on resource: arn:aws:lambda:eu-west-1:123456789012:function:orders because no identity-based policy allows the lambda:UpdateAlias action"},
		{"lambda:Invoke*", "lambda:InvokeFunction", "AccessDeniedException", me + "lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:orders because"},
		{"s3:GetObject", "", "AccessDenied", me + `s3:GetObject on resource: "arn:aws:s3:::code/orders.zip" because`},
		{"ecr:*", "ecr:BatchGetImage", "AccessDeniedException", me + "ecr:DescribeImages on resource: arn:aws:ecr:eu-west-1:123456789012:repository/shop because"},
		{"dynamodb:DescribeTable", "", "AccessDeniedException", me + "dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/promote because"},
		{"apigateway:POST", "", "AccessDeniedException", me + "apigateway:POST on resource: arn:aws:apigateway:eu-west-1::/apis because"},
		{"apigateway:CreateApi", "apigateway:POST", "AccessDeniedException", me + "apigateway:POST on"},
		{"*", "sts:GetCallerIdentity", "AccessDenied", me + "sts:GetCallerIdentity on resource: *"},
	} {
		t.Run(tc.action, func(t *testing.T) {
			call := calls[tc.call]
			if tc.call == "" {
				call = calls[tc.action]
			}
			control(t, c, "POST", "deny", `{"action":"`+tc.action+`","resource":"*"}`, 201, nil)
			err := call()
			wantCode(t, err, tc.code)
			if err == nil || !strings.Contains(err.Error(), tc.message) {
				t.Errorf("said %v\nwant %s", err, tc.message)
			}
			control(t, c, "DELETE", "deny", "", 204, nil)
			if code(call()) == tc.code {
				t.Error("still denied after the denials were cleared")
			}
		})
	}
}

func TestDenialsChooseResourceAndPrincipal(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	shop(t, c)
	deny := func(d sandbox.Denial) {
		t.Helper()
		c.Server().ClearDenials()
		if err := c.Server().Deny(d); err != nil {
			t.Fatal(err)
		}
	}
	get := func(cfg aws.Config, function string) string {
		_, err := lambda.NewFromConfig(cfg).GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(function)})
		return code(err)
	}
	worker := assume(c, "arn:aws:iam::123456789012:role/deploy", token(idToken(t, c, "&audience=sts.amazonaws.com")))
	if _, err := worker.Credentials.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}

	for _, resource := range []string{"orders", "arn:aws:lambda:*:*:function:orders", "ord*"} {
		deny(sandbox.Denial{Action: "lambda:GetFunction", Resource: resource})
		if got := get(c.AWS(), "orders"); got != "AccessDeniedException" {
			t.Errorf("%s: orders: %q", resource, got)
		}
		if got := get(c.AWS(), "payments"); got != "ResourceNotFoundException" {
			t.Errorf("%s: payments: %q", resource, got)
		}
	}
	for _, principal := range []string{"arn:aws:iam::123456789012:role/deploy", "arn:aws:sts::*:assumed-role/deploy/*"} {
		deny(sandbox.Denial{Action: "lambda:*", Principal: principal})
		if got := get(worker, "orders"); got != "AccessDeniedException" {
			t.Errorf("%s: the role: %q", principal, got)
		}
		if got := get(c.AWS(), "orders"); got != "" {
			t.Errorf("%s: the user: %q", principal, got)
		}
	}
	t.Run("a denial without an action is refused", func(t *testing.T) {
		for _, body := range []string{`{}`, `{"action":"lambda"}`, `{"action":"lambda:GetFunction","effect":"Deny"}`} {
			control(t, c, "POST", "deny", body, 400, nil)
		}
	})
	t.Run("a denied AssumeRoleWithWebIdentity says no more than AWS does", func(t *testing.T) {
		deny(sandbox.Denial{Action: "sts:AssumeRoleWithWebIdentity"})
		_, err := whoami(t, assume(c, "arn:aws:iam::123456789012:role/deploy", token(idToken(t, c, "&audience=sts.amazonaws.com"))))
		if err == nil || !strings.Contains(err.Error(), "Not authorized to perform sts:AssumeRoleWithWebIdentity") {
			t.Errorf("got %v", err)
		}
	})
}
