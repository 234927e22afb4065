package awserr

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/promotion"
)

// denied knows every spelling of "you may not", which differs by service and by protocol. HEAD requests of S3
// are refused without any code but the status's own words.
func denied(code string, status int) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "Forbidden", "ForbiddenException", "UnauthorizedOperation",
		"UnauthorizedException", "NotAuthorized", "AuthorizationError", "AuthorizationErrorException":
		return true
	}
	return status == http.StatusForbidden && (code == "" || code == "403" || strings.HasPrefix(code, "UnknownError"))
}

var (
	// The wording of IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
	// All parts are optional, since services shorten it.
	principalPattern = regexp.MustCompile(`User: (arn:[\w:/+=,.@-]+)`)
	actionPattern    = regexp.MustCompile(`not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)`)
	resourcePattern  = regexp.MustCompile(`on resource: "?(arn:[\w:/+=,.@$*-]+)`)
	denyPattern      = regexp.MustCompile(`with an explicit deny in (?:an? |the )?([a-z ]+)`)
	allowPattern     = regexp.MustCompile(`because no ([a-z -]+?) allows`)
)

// accessDenied names the IAM action, who may not do it and on what, as far as AWS says; otherwise the action
// that the operation needs.
func accessDenied(err error, message string) promotion.Fault {
	if f, ok := deniedByAnother(message); ok {
		return f
	}
	action, resource, who := iamAction(operation(err)), "", "the role"
	if m := actionPattern.FindStringSubmatch(message); m != nil {
		action = m[1]
	}
	if m := resourcePattern.FindStringSubmatch(message); m != nil {
		resource = m[1]
	}
	if m := principalPattern.FindStringSubmatch(message); m != nil {
		who = principal(m[1])
	}
	f := promotion.Fault{}
	switch {
	case action == "":
		f.What = who + " may not do this"
	case resource == "":
		f.What = fmt.Sprintf("%s may not %s", who, action)
	default:
		f.What = fmt.Sprintf("%s may not %s on %s", who, action, resource)
	}
	if !actionPattern.MatchString(message) {
		f.Detail = Clean(message)
	}
	f.Hint = remedy(message, action, resource)
	return f
}

// remedy is the statement to add, unless a statement more would not help.
func remedy(message, action, resource string) string {
	if m := denyPattern.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("it is denied explicitly in a %s: no further permission helps, that statement has to change", strings.TrimSpace(m[1]))
	}
	if m := allowPattern.FindStringSubmatch(message); m != nil && m[1] != "identity-based policy" {
		return fmt.Sprintf("no %s allows it: %s has to be allowed there too", m[1], action)
	}
	if action == "sts:AssumeRole" {
		return "the role's trust policy has to name who assumes it, and that one's own policy has to allow sts:AssumeRole on the role"
	}
	if action == "" {
		return "README lists the permissions that each feature needs"
	}
	if resource == "" {
		resource = "..."
	}
	return fmt.Sprintf(`add to the role's policy: {"Effect": "Allow", "Action": "%s", "Resource": "%s"}`, action, resource)
}

// deniedByAnother knows the refusals that reach us through Lambda, but are another service's.
func deniedByAnother(message string) (promotion.Fault, bool) {
	switch {
	case strings.Contains(message, "S3 Error Code"):
		return promotion.Fault{
			What:   "the role may not s3:GetObject on the artifact, which Lambda reads in its name",
			Hint:   "allow s3:GetObject (and s3:GetObjectVersion) on the object, and kms:Decrypt if the bucket is encrypted with a key of its own",
			Detail: Clean(message),
		}, true
	case strings.Contains(message, "ECR image"), strings.Contains(message, "ECR repository"):
		return promotion.Fault{
			What:   "Lambda may not read the image from ECR",
			Hint:   "the repository's policy has to allow lambda.amazonaws.com ecr:BatchGetImage and ecr:GetDownloadUrlForLayer: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions",
			Detail: Clean(message),
		}, true
	}
	return promotion.Fault{}, false
}

// principal shortens an ARN to what a person calls it: "role release-prod", "user ann".
func principal(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "the role"
	}
	path := strings.Split(parts[5], "/")
	switch {
	case path[0] == "assumed-role" && len(path) > 1:
		return "role " + path[1]
	case path[0] == "user" || path[0] == "role":
		return path[0] + " " + path[len(path)-1]
	case path[0] == "root":
		return "the account's root user"
	}
	return "the role"
}

// iamActions are the operations whose IAM action has another name:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html.
var iamActions = map[string]string{
	"Lambda.Invoke":               "lambda:InvokeFunction",
	"Lambda.InvokeAsync":          "lambda:InvokeFunction",
	"S3.HeadObject":               "s3:GetObject",
	"S3.HeadBucket":               "s3:ListBucket",
	"S3.ListObjectsV2":            "s3:ListBucket",
	"S3.ListObjectVersions":       "s3:ListBucketVersions",
	"S3.CreateMultipartUpload":    "s3:PutObject",
	"S3.UploadPart":               "s3:PutObject",
	"S3.CompleteMultipartUpload":  "s3:PutObject",
	"DynamoDB.TransactWriteItems": "dynamodb:PutItem",
	"DynamoDB.TransactGetItems":   "dynamodb:GetItem",
	"ApiGatewayV2.TagResource":    "apigateway:POST",
	"ApiGatewayV2.UntagResource":  "apigateway:DELETE",
	"ApiGatewayV2.ImportApi":      "apigateway:PUT",
	"ApiGatewayV2.ReimportApi":    "apigateway:PUT",
	"ApiGatewayV2.ExportApi":      "apigateway:GET",
}

// iamAction is the IAM action that an operation needs, "" if that is not known. API Gateway's actions are the
// HTTP methods of its control plane.
func iamAction(op *smithy.OperationError) string {
	if op == nil {
		return ""
	}
	if action, ok := iamActions[op.ServiceID+"."+op.OperationName]; ok {
		return action
	}
	if op.ServiceID == "ApiGatewayV2" {
		for verb, method := range map[string]string{"Get": "GET", "Create": "POST", "Update": "PATCH", "Delete": "DELETE"} {
			if strings.HasPrefix(op.OperationName, verb) {
				return "apigateway:" + method
			}
		}
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(op.ServiceID, " ", "")) + ":" + op.OperationName
}
