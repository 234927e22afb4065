package awserr_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A call is one call of a real SDK client.
type call func(ctx context.Context, cfg aws.Config) error

var (
	updateAlias call = func(ctx context.Context, cfg aws.Config) error {
		_, err := lambda.NewFromConfig(cfg).UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: aws.String("shop"), Name: aws.String("live")})
		return err
	}
	updateCode call = func(ctx context.Context, cfg aws.Config) error {
		_, err := lambda.NewFromConfig(cfg).UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("shop"), ZipFile: []byte("zip")})
		return err
	}
	invoke call = func(ctx context.Context, cfg aws.Config) error {
		_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("shop"), Qualifier: aws.String("7")})
		return err
	}
	headObject call = func(ctx context.Context, cfg aws.Config) error {
		_, err := pathStyle(cfg).HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("artifacts"), Key: aws.String("shop.zip")})
		return err
	}
	getObject call = func(ctx context.Context, cfg aws.Config) error {
		_, err := pathStyle(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("artifacts"), Key: aws.String("shop.zip")})
		return err
	}
	webIdentity call = func(ctx context.Context, cfg aws.Config) error {
		_, err := sts.NewFromConfig(cfg).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::123456789012:role/release"), RoleSessionName: aws.String("run"), WebIdentityToken: aws.String("ey")})
		return err
	}
	assumeRole call = func(ctx context.Context, cfg aws.Config) error {
		_, err := sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::123456789012:role/release"), RoleSessionName: aws.String("run")})
		return err
	}
	describeImages call = func(ctx context.Context, cfg aws.Config) error {
		_, err := ecr.NewFromConfig(cfg).DescribeImages(ctx, &ecr.DescribeImagesInput{
			RepositoryName: aws.String("shop"), ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: aws.String("main")}}})
		return err
	}
	putItem call = func(ctx context.Context, cfg aws.Config) error {
		_, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String("promote"), Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}}})
		return err
	}
	createRoute call = func(ctx context.Context, cfg aws.Config) error {
		_, err := apigatewayv2.NewFromConfig(cfg).CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: aws.String("a1"), RouteKey: aws.String("ANY /shop")})
		return err
	}
	// throughRole is a Lambda call whose credentials have to be fetched from STS first.
	throughRole call = func(ctx context.Context, cfg aws.Config) error {
		client := sts.NewFromConfig(cfg)
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(client, "arn:aws:iam::123456789012:role/release", token("ey")))
		return updateAlias(ctx, cfg)
	}
)

type token string

func (t token) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

func pathStyle(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// config points every client at the URL, with one attempt a call.
func config(url string) aws.Config {
	return aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// An answer is what the server says to every request.
type answer struct {
	status int
	header map[string]string
	body   string
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

// restJSON is how Lambda and API Gateway refuse.
func restJSON(status int, code, body string) answer {
	return answer{status, map[string]string{"X-Amzn-Errortype": code, "Content-Type": "application/json"}, body}
}

// awsJSON is how DynamoDB and ECR refuse.
func awsJSON(status int, code, message string) answer {
	return answer{status, map[string]string{"Content-Type": "application/x-amz-json-1.0"},
		`{"__type":"com.amazonaws.service#` + code + `","message":"` + message + `"}`}
}

// queryXML is how STS refuses.
func queryXML(status int, code, message string) answer {
	return answer{status, map[string]string{"Content-Type": "text/xml"},
		`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code +
			`</Code><Message>` + message + `</Message></Error><RequestId>r</RequestId></ErrorResponse>`}
}

// s3XML is how S3 refuses.
func s3XML(status int, code, message string) answer {
	return answer{status, map[string]string{"Content-Type": "application/xml"},
		`<?xml version="1.0"?><Error><Code>` + code + `</Code><Message>` + message + `</Message></Error>`}
}

func TestExplainAnswersOfAWS(t *testing.T) {
	const session = "User: arn:aws:sts::123456789012:assumed-role/release-prod/octo-shop-77 is not authorized to perform: "
	const function = "arn:aws:lambda:eu-west-1:123456789012:function:shop"
	const deny = `{"Message":"` + session + `lambda:UpdateAlias on resource: ` + function
	tests := []struct {
		name    string
		call    call
		answer  answer
		want    string // all of the error's text after the deed
		hint    string // a part of the hint
		unknown bool
	}{
		{"403 of Lambda names role, action and resource", updateAlias,
			restJSON(403, "AccessDeniedException", deny+` because no identity-based policy allows the lambda:UpdateAlias action"}`),
			"role release-prod may not lambda:UpdateAlias on " + function,
			`{"Effect": "Allow", "Action": "lambda:UpdateAlias", "Resource": "` + function + `"}`, false},
		{"403 by an explicit deny tells that no permission helps", updateAlias,
			restJSON(403, "AccessDeniedException", deny+` with an explicit deny in a service control policy"}`),
			"role release-prod may not lambda:UpdateAlias on " + function,
			"denied explicitly in a service control policy", false},
		{"403 by a boundary names the boundary", updateAlias,
			restJSON(403, "AccessDeniedException", deny+` because no permissions boundary allows the lambda:UpdateAlias action"}`),
			"role release-prod may not lambda:UpdateAlias on " + function,
			"no permissions boundary allows it", false},
		{"403 of Lambda without IAM's wording names the operation's action", invoke,
			restJSON(403, "AccessDeniedException", `{"Message":"no"}`),
			"the role may not lambda:InvokeFunction: no", "lambda:InvokeFunction", false},
		{"403 about another action names that one", updateCode,
			restJSON(403, "AccessDeniedException", `{"Message":"`+session+`iam:PassRole on resource: arn:aws:iam::123456789012:role/fn"}`),
			"role release-prod may not iam:PassRole on arn:aws:iam::123456789012:role/fn", "iam:PassRole", false},
		{"403 of S3 through Lambda names the object's permission", updateCode,
			restJSON(403, "AccessDeniedException", `{"Message":"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for artifacts/shop.zip. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"}`),
			"the role may not s3:GetObject on the artifact, which Lambda reads in its name: Your access has been denied by S3, please make sure your request credentials have permission to GetObject for artifacts/shop.zip. S3 Error Code: AccessDenied. S3 Error Message: Access Denied",
			"s3:GetObject", false},
		{"403 of ECR through Lambda names the repository's policy", updateCode,
			restJSON(403, "AccessDeniedException", `{"Message":"Lambda does not have permission to access the ECR image. Check the ECR permissions."}`),
			"Lambda may not read the image from ECR: Lambda does not have permission to access the ECR image. Check the ECR permissions.",
			"ecr:BatchGetImage", false},
		{"403 of S3 with XML", getObject, s3XML(403, "AccessDenied", "Access Denied"),
			"the role may not s3:GetObject: Access Denied", "s3:GetObject", false},
		{"403 of S3 without a body, as on HEAD", headObject, answer{status: 403},
			"the role may not s3:GetObject", "s3:GetObject", false},
		{"400 of DynamoDB that is a denial", putItem,
			awsJSON(400, "AccessDeniedException", session+"dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/promote because no identity-based policy allows the dynamodb:PutItem action"),
			"role release-prod may not dynamodb:PutItem on arn:aws:dynamodb:eu-west-1:123456789012:table/promote", `"dynamodb:PutItem"`, false},
		{"400 of ECR that is a denial", describeImages,
			awsJSON(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ecr:DescribeImages on resource: arn:aws:ecr:eu-west-1:123456789012:repository/shop"),
			"user ann may not ecr:DescribeImages on arn:aws:ecr:eu-west-1:123456789012:repository/shop", "ecr:DescribeImages", false},
		{"403 of API Gateway names the method as its action", createRoute,
			restJSON(403, "AccessDeniedException", `{"message":"denied"}`),
			"the role may not apigateway:POST: denied", "apigateway:POST", false},
		{"403 of STS on AssumeRole names both policies", assumeRole,
			queryXML(403, "AccessDenied", "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/release"),
			"user ann may not sts:AssumeRole on arn:aws:iam::123456789012:role/release", "trust policy", false},
		{"403 of STS on the workflow's identity shows both forms of the subject", webIdentity,
			queryXML(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
			"the role does not trust this workflow (sts:AssumeRoleWithWebIdentity was refused), or there is no such role",
			"repo:ORG/REPO:ref:refs/heads/BRANCH or, for repositories created or moved since July 2026, repo:ORG@ID/REPO@ID:ref", false},
		{"403 of STS while another service's call waits for credentials", throughRole,
			queryXML(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
			"the role does not trust this workflow (sts:AssumeRoleWithWebIdentity was refused), or there is no such role",
			"repo:ORG@ID/REPO@ID", false},
		{"identity provider absent", webIdentity,
			queryXML(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com"),
			"AWS does not accept GitHub's identity token: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
			"identity provider", false},
		{"session longer than the role allows", assumeRole,
			queryXML(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
			"the role does not allow a session of this length: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "maximum session duration", false},

		{"expired token at Lambda", updateAlias, restJSON(403, "ExpiredTokenException", `{"message":"The security token included in the request is expired"}`),
			"the AWS credentials have expired", "renewed", false},
		{"expired token at S3", getObject, s3XML(400, "ExpiredToken", "The provided token has expired."),
			"the AWS credentials have expired", "role-to-assume", false},
		{"expired token at DynamoDB", putItem, awsJSON(400, "ExpiredTokenException", "The security token included in the request is expired"),
			"the AWS credentials have expired", "role-to-assume", false},
		{"unknown key at Lambda", updateAlias, restJSON(403, "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`),
			"AWS does not accept the credentials: The security token included in the request is invalid.", "AWS_SESSION_TOKEN", false},
		{"unknown key at STS", assumeRole, queryXML(403, "InvalidClientTokenId", "The security token included in the request is invalid."),
			"AWS does not accept the credentials: The security token included in the request is invalid.", "AWS_SESSION_TOKEN", false},
		{"unknown key at S3", getObject, s3XML(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
			"AWS does not accept the credentials: The AWS Access Key Id you provided does not exist in our records.", "AWS_ACCESS_KEY_ID", false},
		{"wrong secret", updateAlias, restJSON(403, "InvalidSignatureException", `{"message":"The request signature we calculated does not match the signature you provided."}`),
			"AWS does not accept the signature of the request: The request signature we calculated does not match the signature you provided.", "secret access key", false},
		{"clock behind, at STS", assumeRole, queryXML(403, "SignatureDoesNotMatch", "Signature expired: 20261121T081000Z is now earlier than 20261121T082000Z (20261121T083500Z - 15 min.)"),
			"this machine's clock and that of AWS differ too much: Signature expired: 20261121T081000Z is now earlier than 20261121T082000Z (20261121T083500Z - 15 min.)", "clock", false},
		{"clock wrong, at S3", getObject, s3XML(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
			"this machine's clock and that of AWS differ too much: The difference between the request time and the current time is too large.", "clock", false},
		{"no credentials sent", updateAlias, restJSON(403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`),
			"the request reached AWS without credentials: Missing Authentication Token", "id-token: write", false},

		{"throttled by the quota of calls", updateAlias, restJSON(429, "TooManyRequestsException", `{"Reason":"CallerRateLimitExceeded","message":"Rate exceeded"}`),
			"Lambda throttled the call, and went on doing so: Rate exceeded", "quota", false},
		{"function without concurrency", invoke, restJSON(429, "TooManyRequestsException", `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}`),
			"the function's reserved concurrency is used up: Rate Exceeded.", "reserved concurrency", false},
		{"account without concurrency", invoke, restJSON(429, "TooManyRequestsException", `{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}`),
			"the account's concurrency of functions is used up in this region: Rate Exceeded.", "concurrent executions", false},
		{"throttled by STS", assumeRole, queryXML(400, "Throttling", "Rate exceeded"),
			"STS throttled the call, and went on doing so: Rate exceeded", "quota", false},
		{"throttled by S3", getObject, s3XML(503, "SlowDown", "Please reduce your request rate."),
			"S3 throttled the call, and went on doing so: Please reduce your request rate.", "quota", false},

		{"code storage is full", updateCode, restJSON(400, "CodeStorageExceededException", `{"message":"Code storage limit exceeded."}`),
			"the account's storage for function code is full in this region: Code storage limit exceeded.", "delete versions", false},
		{"archive too large", updateCode, restJSON(413, "RequestEntityTooLargeException", `{"message":"Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation"}`),
			"the request is larger than Lambda accepts: Request must be smaller than 70167211 bytes for the UpdateFunctionCode operation", "artifact-bucket", false},
		{"too large without a word of AWS", updateCode, answer{status: 413},
			"the request is larger than Lambda accepts", "artifact-bucket", false},
		{"invalid, with AWS's message on one line", updateAlias, restJSON(400, "InvalidParameterValueException", `{"message":"Function not found:\n\u001b[31m x"}`),
			`Lambda refused it as invalid: Function not found: \x1b[31m x`, "", false},
		{"absent", updateAlias, restJSON(404, "ResourceNotFoundException", `{"Message":"Alias not found: arn"}`),
			"Lambda does not find it: Alias not found: arn", "", false},
		{"conflict", updateCode, restJSON(409, "ResourceConflictException", `{"Message":"An update is in progress"}`),
			"Lambda reports a conflict with the present state: An update is in progress", "", false},
		{"stale", updateAlias, restJSON(412, "PreconditionFailedException", `{"Message":"The Revision Id provided does not match"}`),
			"it was changed by somebody else since it was read: The Revision Id provided does not match", "", false},
		{"fault of Lambda", updateAlias, restJSON(500, "ServiceException", `{"Message":"internal"}`),
			"Lambda failed with a fault of its own (HTTP 500): internal", "health.aws.amazon.com", true},
		{"fault of a load balancer in front of Lambda", updateAlias, answer{502, map[string]string{"Content-Type": "text/html"}, "<html>Bad Gateway</html>"},
			"Lambda failed with a fault of its own (HTTP 502)", "run it again", true},
		{"fault of the function's surroundings", invoke, restJSON(502, "KMSAccessDeniedException", `{"Message":"Lambda was unable to decrypt"}`),
			"Lambda failed with a fault of its own (HTTP 502): Lambda was unable to decrypt", "", false},
		{"operation that the server does not know", updateAlias, restJSON(501, "NotImplemented", `{"message":"UpdateAlias"}`),
			"Lambda does not know this operation: UpdateAlias", "AWS_ENDPOINT_URL", false},
		{"bucket absent", getObject, s3XML(404, "NoSuchBucket", "The specified bucket does not exist"),
			"the bucket does not exist", "account", false},
		{"bucket elsewhere", getObject, s3XML(301, "PermanentRedirect", "use another endpoint"),
			"the bucket is in another region: use another endpoint", "own region", false},
		{"success that is no JSON", updateAlias, answer{200, nil, "<html>hello</html>"},
			"Lambda's answer could not be read: unexpected token at offset 0", "AWS_ENDPOINT_URL", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			check(t, tt.call(t.Context(), config(server.URL)), tt.want, tt.hint, tt.unknown)
		})
	}
}

// check compares what a person gets to see, and that the SDK's words are not in it, but its error is.
func check(t *testing.T, err error, want, hint string, unknown bool) {
	t.Helper()
	if err == nil {
		t.Fatal("the call succeeded")
	}
	got := awserr.Explain(err, "do the deed")
	if got.Error() != "do the deed: "+want {
		t.Errorf("text\n got: %s\nwant: do the deed: %s\nfrom: %v", got, want, err)
	}
	f := promotion.FaultOf(got)
	if f.Error() != got.Error() || !strings.Contains(f.Hint, hint) {
		t.Errorf("fault %+v; want a hint with %q", f, hint)
	}
	for _, dump := range []string{"operation error", "https response error", "StatusCode", "RequestID", "get identity"} {
		if strings.Contains(got.Error()+f.Hint, dump) {
			t.Errorf("the SDK's own words show: %s", got)
		}
	}
	var op *smithy.OperationError
	if errors.As(err, &op) && !errors.As(got, &op) {
		t.Error("the SDK's error is lost")
	}
	if awserr.UnknownEffect(err) != unknown || awserr.UnknownEffect(got) != unknown {
		t.Errorf("UnknownEffect is %v for %v", !unknown, err)
	}
}
