package awserr

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/promotion"
)

// serviceNames are what a person calls the services that the SDK names otherwise.
var serviceNames = map[string]string{"ApiGatewayV2": "API Gateway", "SSO OIDC": "IAM Identity Center", "SSO": "IAM Identity Center"}

func serviceName(err error) string {
	op := operation(err)
	if op == nil {
		return "AWS"
	}
	if name, ok := serviceNames[op.ServiceID]; ok {
		return name
	}
	return op.ServiceID
}

// answered explains an answer of AWS. Codes come before the status, since one status means many things.
func answered(err error) (promotion.Fault, bool) {
	var api smithy.APIError
	code, message := "", ""
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	status := status(err)
	// Without a body there is no message; the SDK fills in words that say nothing.
	if message == "UnknownError" || message == http.StatusText(status) {
		message = ""
	}
	// A success that could not be read is a matter of the connection.
	if code == "" && status < 300 {
		return promotion.Fault{}, false
	}
	f, ok := byCode(err, code, message, status)
	if !ok {
		f = byStatus(err, code, status)
		if f.Detail == "" {
			f.Detail = Clean(message)
		}
	}
	return f, true
}

// byCode knows the answers that call for their own sentence.
func byCode(err error, code, message string, status int) (promotion.Fault, bool) {
	if f, ok := rejectedCredentials(code, message); ok {
		return f, true
	}
	if f, ok := federation(err, code, message); ok {
		return f, true
	}
	if denied(code, status) {
		return accessDenied(err, message), true
	}
	if throttled(code, status) {
		return throttling(err, message), true
	}
	switch code {
	case "CodeStorageExceededException":
		return promotion.Fault{
			What:   "the account's storage for function code is full in this region",
			Hint:   "delete versions that no alias uses any more, or ask AWS for a higher quota of \"Function and layer storage\": https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
			Detail: Clean(message),
		}, true
	case "RequestTooLargeException", "RequestEntityTooLargeException", "SerializedRequestEntityTooLargeException":
		return tooLarge(err, message), true
	case "NoSuchBucket":
		return promotion.Fault{What: "the bucket does not exist", Hint: "check its name, and the account that the credentials belong to"}, true
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "BucketRegionError":
		return promotion.Fault{What: "the bucket is in another region", Hint: "Lambda takes code from a bucket of the function's own region only", Detail: Clean(message)}, true
	}
	return promotion.Fault{}, false
}

func byStatus(err error, code string, status int) promotion.Fault {
	service := serviceName(err)
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return tooLarge(err, "")
	case status == http.StatusNotFound:
		return promotion.Fault{What: service + " does not find it"}
	case status == http.StatusConflict:
		return promotion.Fault{What: service + " reports a conflict with the present state"}
	case status == http.StatusPreconditionFailed:
		return promotion.Fault{What: "it was changed by somebody else since it was read"}
	case status == http.StatusPaymentRequired || strings.HasPrefix(code, "ServiceQuotaExceeded"):
		return promotion.Fault{What: "a quota of the account is exhausted", Hint: "ask AWS for a higher quota, or remove what is not used"}
	case status == http.StatusNotImplemented:
		return promotion.Fault{What: service + " does not know this operation", Hint: "check AWS_ENDPOINT_URL: it may name a server that is not AWS"}
	case status >= 500:
		return promotion.Fault{
			What: fmt.Sprintf("%s failed with a fault of its own (HTTP %d)", service, status),
			Hint: "run it again; https://health.aws.amazon.com tells whether the region has a problem",
		}
	case status >= 300 && status < 400:
		return promotion.Fault{What: fmt.Sprintf("%s answered with a redirect (HTTP %d)", service, status), Hint: "check the region, and AWS_ENDPOINT_URL"}
	}
	if status == 0 {
		return promotion.Fault{What: service + " refused it", Detail: code}
	}
	return promotion.Fault{What: service + " refused it as invalid"}
}

// throttleCodes are the ways in which services say that there were too many calls.
var throttleCodes = map[string]bool{
	"Throttling": true, "ThrottlingException": true, "ThrottledException": true, "RequestThrottled": true,
	"RequestThrottledException": true, "TooManyRequestsException": true, "RequestLimitExceeded": true,
	"ProvisionedThroughputExceededException": true, "SlowDown": true, "EC2ThrottledException": true,
}

func throttled(code string, status int) bool {
	return throttleCodes[code] || status == http.StatusTooManyRequests
}

// throttling explains a 429. Lambda tells apart its quota of calls from the concurrency of functions.
func throttling(err error, message string) promotion.Fault {
	f := promotion.Fault{
		What:   serviceName(err) + " throttled the call, and went on doing so",
		Hint:   "the quota is shared by everything in this account and region: run fewer pipelines at once, or lower api-rate",
		Detail: Clean(message),
	}
	var many *lambdatypes.TooManyRequestsException
	if !errors.As(err, &many) {
		return f
	}
	switch many.Reason {
	case lambdatypes.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded,
		lambdatypes.ThrottleReasonReservedFunctionInvocationRateLimitExceeded:
		f.What = "the function's reserved concurrency is used up"
		f.Hint = "raise the function's reserved concurrency (0 means that it cannot be invoked at all)"
	case lambdatypes.ThrottleReasonConcurrentInvocationLimitExceeded,
		lambdatypes.ThrottleReasonFunctionInvocationRateLimitExceeded:
		f.What = "the account's concurrency of functions is used up in this region"
		f.Hint = "run it again when there is less traffic, or ask AWS for a higher quota of concurrent executions"
	}
	return f
}

func tooLarge(err error, message string) promotion.Fault {
	f := promotion.Fault{What: "the request is larger than " + serviceName(err) + " accepts", Detail: Clean(message)}
	if op := operation(err); op != nil && op.ServiceID == "Lambda" {
		switch op.OperationName {
		case "UpdateFunctionCode":
			f.Hint = "an archive over 50 MB goes through S3: give artifact-bucket, or an s3:// artifact"
		case "Invoke":
			f.Hint = "a payload may have 6 MB at most"
		}
	}
	return f
}
