package awserr

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/promotion"
)

// rejectedCredentials explains answers that refuse the credentials themselves, whatever they were used for.
func rejectedCredentials(code, message string) (promotion.Fault, bool) {
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return promotion.Fault{
			What: "the AWS credentials have expired",
			Hint: "in a workflow, give role-to-assume and `permissions: id-token: write`: those credentials are renewed while the run lasts; elsewhere sign in again",
		}, true
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken", "AuthFailure":
		return promotion.Fault{
			What:   "AWS does not accept the credentials",
			Hint:   "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, that all three are of one session, and that the region is enabled in the account",
			Detail: Clean(message),
		}, true
	case "MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return promotion.Fault{What: "the request reached AWS without credentials", Hint: credentialsHint, Detail: Clean(message)}, true
	case "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture":
		return skewed(message), true
	case "SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature", "IncompleteSignature", "IncompleteSignatureException":
		if strings.Contains(message, "expired") || strings.Contains(message, "not yet current") {
			return skewed(message), true
		}
		return promotion.Fault{
			What:   "AWS does not accept the signature of the request",
			Hint:   "the secret access key is not the one that belongs to the access key id, or this machine's clock is wrong, or a proxy changes requests",
			Detail: Clean(message),
		}, true
	}
	return promotion.Fault{}, false
}

func skewed(message string) promotion.Fault {
	return promotion.Fault{What: "this machine's clock and that of AWS differ too much", Hint: "set the clock of the runner (NTP)", Detail: Clean(message)}
}

// federation explains why STS would not change an identity token for credentials.
func federation(err error, code, message string) (promotion.Fault, bool) {
	op := operation(err)
	if op == nil || op.ServiceID != "STS" {
		return promotion.Fault{}, false
	}
	const page = "https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"
	switch {
	case denied(code, 403) && op.OperationName == "AssumeRoleWithWebIdentity":
		return promotion.Fault{
			What: "the role does not trust this workflow (sts:AssumeRoleWithWebIdentity was refused), or there is no such role",
			Hint: "the role's trust policy has to allow the workflow's subject, which is repo:ORG/REPO:ref:refs/heads/BRANCH or, for repositories created or moved since July 2026, " +
				"repo:ORG@ID/REPO@ID:ref:refs/heads/BRANCH; in a job with `environment:` it ends in :environment:NAME instead. See " + page,
		}, true
	case code == "InvalidIdentityToken" || code == "InvalidIdentityTokenException":
		return promotion.Fault{
			What:   "AWS does not accept GitHub's identity token",
			Hint:   "the account needs an IAM identity provider for https://token.actions.githubusercontent.com with the audience sts.amazonaws.com. See " + page,
			Detail: Clean(message),
		}, true
	case code == "IDPCommunicationError" || code == "IDPRejectedClaim":
		return promotion.Fault{What: "AWS could not verify GitHub's identity token", Hint: "run it again; https://www.githubstatus.com tells whether GitHub has a problem", Detail: Clean(message)}, true
	case code == "ValidationError" && strings.Contains(message, "MaxSessionDuration"):
		return promotion.Fault{What: "the role does not allow a session of this length", Hint: "raise the role's maximum session duration", Detail: Clean(message)}, true
	case code == "ValidationError":
		return promotion.Fault{What: "the role cannot be assumed as it is named", Hint: "role-to-assume is the role's ARN: arn:aws:iam::123456789012:role/NAME", Detail: Clean(message)}, true
	case code == "RegionDisabledException":
		return promotion.Fault{What: "STS is switched off for this region in the account", Hint: "activate the region in the account's settings of STS", Detail: Clean(message)}, true
	}
	return promotion.Fault{}, false
}

const credentialsHint = "in a workflow, give role-to-assume and `permissions: id-token: write`, or run aws-actions/configure-aws-credentials before; " +
	"elsewhere set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. On EC2, a container reaches the instance's role only with a metadata hop limit of 2"

// configured explains what the SDK refuses before it asks anybody: no region, no such profile.
func configured(err error) (promotion.Fault, bool) {
	var noRegion *aws.MissingRegionError
	var noProfile config.SharedConfigProfileNotExistError
	var badFile config.SharedConfigLoadError
	var badRole config.SharedConfigAssumeRoleError
	text := err.Error()
	switch {
	case errors.As(err, &noRegion), strings.Contains(text, "Missing Region"),
		strings.Contains(text, "A region must be set"), strings.Contains(text, "invalid input region"):
		return promotion.Fault{What: "no usable AWS region is set", Hint: "set region in promote.yaml, the input region, or AWS_REGION (eu-west-1, say)"}, true
	case errors.As(err, &noProfile):
		return promotion.Fault{What: "there is no AWS profile " + quoted(noProfile.Profile), Hint: "check AWS_PROFILE and ~/.aws/config; in a container action, the home directory is not the runner's, so profiles do not reach it"}, true
	case errors.As(err, &badFile):
		return promotion.Fault{What: "the AWS configuration file cannot be read", Detail: Clean(deepest(err).Error())}, true
	case errors.As(err, &badRole):
		return promotion.Fault{What: "the AWS profile " + quoted(badRole.Profile) + " cannot be used", Detail: Clean(deepest(err).Error())}, true
	}
	return promotion.Fault{}, false
}

// absentCredentials explains that nobody in the SDK's chain had credentials.
func absentCredentials(err error) (promotion.Fault, bool) {
	if !CredentialsFailed(err) {
		return promotion.Fault{}, false
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no EC2 IMDS role found"), strings.Contains(text, "static credentials are empty"),
		strings.Contains(text, "IMDS disabled"), strings.Contains(text, "access disabled to EC2 IMDS"):
		return promotion.Fault{What: "no AWS credentials were found", Hint: credentialsHint}, true
	case strings.Contains(text, "SSO"), strings.Contains(text, "token file"):
		return promotion.Fault{What: "the sign-in session has ended", Hint: "run `aws sso login` again", Detail: Clean(deepest(err).Error())}, true
	}
	if f, ok := connected(err); ok {
		f.What = "no credentials could be had: " + f.What
		return f, true
	}
	return promotion.Fault{What: "no AWS credentials could be had", Hint: credentialsHint, Detail: Clean(deepest(err).Error())}, true
}

// CredentialsFailed tells whether a call was not made since its credentials could not be had. The SDK has no type
// for that: it is known by the words that its own middleware begins an error with, never by those of an answer.
func CredentialsFailed(err error) bool {
	var outer, inner *smithy.OperationError
	if errors.As(err, &outer) && errors.As(outer.Err, &inner) {
		return true
	}
	for _, e := range chain(err) {
		for _, words := range []string{"get identity: ", "get credentials: ", "failed to refresh cached credentials"} {
			if strings.HasPrefix(e.Error(), words) {
				return true
			}
		}
	}
	return false
}

// chain lists an error and all that it wraps, the first before the second of joined ones.
func chain(err error) []error {
	var all []error
	for err != nil {
		all = append(all, err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				all = append(all, chain(e)...)
			}
			return all
		}
		err = errors.Unwrap(err)
	}
	return all
}

func quoted(s string) string { return `"` + Clean(s) + `"` }
