package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/sts"
)

// DefaultAccount is the account that the sandbox has when Options names none.
const DefaultAccount = "123456789012"

// An Account is one AWS account of the sandbox. Its access key stands for the user "sandbox", who may
// do everything that no denial forbids.
type Account struct {
	ID string `json:"id"` // twelve digits

	// AccessKeyID and SecretAccessKey are made from the ID if they are empty.
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`

	// Roles can be assumed. Without any, every role is there, whatever its name, and the account itself and
	// every GitHub workflow may assume it.
	Roles []sts.Role `json:"roles"`
}

// withDefaults returns the account with keys and roles, or an error for an ID that is none.
func (a Account) withDefaults() (Account, error) {
	if len(a.ID) != 12 || strings.Trim(a.ID, "0123456789") != "" {
		return a, fmt.Errorf("account %q: an account's id has twelve digits", a.ID)
	}
	sum := sha256.Sum256([]byte("sandbox " + a.ID))
	if a.AccessKeyID == "" {
		a.AccessKeyID = "AKIA" + base32.StdEncoding.EncodeToString(sum[:])[:16]
	}
	if a.SecretAccessKey == "" {
		a.SecretAccessKey = base64.RawURLEncoding.EncodeToString(sum[:])[:40]
	}
	if a.Roles == nil {
		a.Roles = []sts.Role{{Account: a.ID, Name: "*", Subjects: []string{"repo:*"}, Principals: []string{"arn:aws:*::" + a.ID + ":*"}}}
	}
	for i := range a.Roles {
		a.Roles[i].Account = a.ID
	}
	return a, nil
}

// identities knows every access key: those of the accounts, and those that STS gave out.
type identities struct {
	mu       sync.Mutex
	byKey    map[string]sts.Identity
	accounts []Account
}

func newIdentities(accounts []Account) *identities {
	ids := &identities{byKey: map[string]sts.Identity{}, accounts: accounts}
	for _, a := range accounts {
		ids.byKey[a.AccessKeyID] = sts.Identity{
			Account:   a.ID,
			Principal: "arn:aws:iam::" + a.ID + ":user/sandbox",
			AccessKey: a.AccessKeyID,
			Secret:    a.SecretAccessKey,
		}
	}
	return ids
}

// add makes a session's credentials known.
func (ids *identities) add(id sts.Identity) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.byKey[id.AccessKey] = id
}

func (ids *identities) find(accessKey string) (sts.Identity, bool) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	id, ok := ids.byKey[accessKey]
	return id, ok
}

// A rejection is why a signature does not authenticate its request. Each protocol words it its own way.
type rejection int

const (
	unsigned rejection = iota + 1
	unreadable
	unknownKey
	badToken
	expiredToken
	expiredSignature
	wrongSignature
)

// authenticate finds who signed the request.
func (ids *identities) authenticate(sig *signature, r *http.Request, body []byte) (sts.Identity, rejection) {
	if sig == nil {
		return sts.Identity{}, unsigned
	}
	id, ok := ids.find(sig.accessKey)
	switch now := time.Now(); {
	case !ok:
		return id, unknownKey
	case sig.token != id.Token:
		return id, badToken
	case !id.Expires.IsZero() && !now.Before(id.Expires):
		return id, expiredToken
	case !sig.madeWith(id.Secret, r, body):
		return id, wrongSignature
	case sig.expired(now):
		return id, expiredSignature
	}
	return id, 0
}

// refusal words a rejection as the service of this name does. detail is said where the signature
// could not be read.
func refusal(service string, why rejection, detail string) *cloud.Error {
	const (
		mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
		invalid  = "The security token included in the request is invalid."
		expired  = "The security token included in the request is expired"
		stale    = "Signature expired: the request was signed too long ago, or the clocks differ."
	)
	type words struct {
		status        int
		code, message string
	}
	// JSON protocols.
	table := map[rejection]words{
		unsigned:         {403, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		unreadable:       {403, "IncompleteSignatureException", detail},
		unknownKey:       {403, "UnrecognizedClientException", invalid},
		badToken:         {403, "UnrecognizedClientException", invalid},
		expiredToken:     {403, "ExpiredTokenException", expired},
		expiredSignature: {403, "InvalidSignatureException", stale},
		wrongSignature:   {403, "InvalidSignatureException", mismatch},
	}
	switch service {
	case "sts", "sns":
		table = map[rejection]words{
			unsigned:         {403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
			unreadable:       {400, "IncompleteSignature", detail},
			unknownKey:       {403, "InvalidClientTokenId", invalid},
			badToken:         {403, "InvalidClientTokenId", invalid},
			expiredToken:     {403, "ExpiredToken", expired},
			expiredSignature: {403, "SignatureDoesNotMatch", stale},
			wrongSignature:   {403, "SignatureDoesNotMatch", mismatch},
		}
	case "s3":
		table = map[rejection]words{
			unsigned:         {403, "AccessDenied", "Access Denied"},
			unreadable:       {400, "AuthorizationHeaderMalformed", detail},
			unknownKey:       {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."},
			badToken:         {400, "InvalidToken", "The provided token is malformed or otherwise invalid."},
			expiredToken:     {400, "ExpiredToken", "The provided token has expired."},
			expiredSignature: {403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."},
			wrongSignature:   {403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
		}
	case "dynamodb", "ecr":
		// The awsJson protocols say all of this with status 400.
		for why, w := range table {
			w.status = 400
			table[why] = w
		}
	}
	w := table[why]
	return &cloud.Error{Status: w.status, Code: w.code, Message: w.message}
}
