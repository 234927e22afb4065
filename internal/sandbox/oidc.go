package sandbox

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// tokenPath is where a workflow asks for its identity token.
const tokenPath = "/_oidc/token"

// tokenLife is how long GitHub's identity tokens live.
const tokenLife = 5 * time.Minute

// issuer is GitHub's OIDC provider and the endpoint of the runner that hands out its tokens.
// https://docs.github.com/en/actions/reference/security/oidc
type issuer struct {
	url, repository string
	bearer          string // what the runner gives the job as ACTIONS_ID_TOKEN_REQUEST_TOKEN
	key             ed25519.PrivateKey
	random          *random
}

func newIssuer(o Options, random *random) *issuer {
	return &issuer{
		url:        "https://token.actions.githubusercontent.com",
		repository: o.Repository,
		bearer:     base64.RawURLEncoding.EncodeToString(random.Bytes(32)),
		key:        ed25519.NewKeyFromSeed(random.Bytes(ed25519.SeedSize)),
		random:     random,
	}
}

// requestURL is ACTIONS_ID_TOKEN_REQUEST_URL. It has a query already, so that clients that only append
// "&audience=" are right, as on GitHub.
func (i *issuer) requestURL(base string) string { return base + tokenPath + "?api-version=2.0" }

type claims struct {
	JTI         string `json:"jti"`
	Subject     string `json:"sub"`
	Audience    string `json:"aud"`
	Issuer      string `json:"iss"`
	Expires     int64  `json:"exp"`
	IssuedAt    int64  `json:"iat"`
	NotBefore   int64  `json:"nbf"`
	Ref         string `json:"ref"`
	Repository  string `json:"repository"`
	Owner       string `json:"repository_owner"`
	Environment string `json:"environment,omitempty"`
	EventName   string `json:"event_name"`
	RunID       string `json:"run_id"`
	RunAttempt  string `json:"run_attempt"`
}

// ServeHTTP hands out a token for the audience that the query names. A test may say for which
// environment or ref the job runs by further parameters: "environment", "ref".
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, `{"message":"use GET"}`, http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+i.bearer && r.Header.Get("Authorization") != "bearer "+i.bearer {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"message":"The bearer token is not the one of this job."}`))
		return
	}
	now := time.Now()
	owner, _, _ := strings.Cut(i.repository, "/")
	q := r.URL.Query()
	c := claims{
		JTI: i.random.UUID(), Audience: q.Get("audience"), Issuer: i.url,
		Expires: now.Add(tokenLife).Unix(), IssuedAt: now.Unix(), NotBefore: now.Unix(),
		Ref: q.Get("ref"), Repository: i.repository, Owner: owner, Environment: q.Get("environment"),
		EventName: "push", RunID: "1", RunAttempt: "1",
	}
	if c.Audience == "" {
		c.Audience = "https://github.com/" + owner
	}
	if c.Ref == "" {
		c.Ref = "refs/heads/main"
	}
	c.Subject = "repo:" + i.repository + ":ref:" + c.Ref
	if c.Environment != "" {
		c.Subject = "repo:" + i.repository + ":environment:" + c.Environment
	}
	writeJSON(w, http.StatusOK, map[string]string{"value": i.sign(c)})
}

func (i *issuer) sign(c claims) string {
	text, _ := json.Marshal(c) // strings and numbers always marshal
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"EdDSA","kid":"sandbox"}`))
	signed := head + "." + base64.RawURLEncoding.EncodeToString(text)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.key, []byte(signed)))
}

// Subject verifies a token and returns whom it speaks for. The error is a [*cloud.Error] in STS's words.
func (i *issuer) Subject(token, audience string) (string, error) {
	invalid := func(code, message string) (string, error) {
		return "", &cloud.Error{Status: http.StatusBadRequest, Code: code, Message: message}
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return invalid("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !ed25519.Verify(i.key.Public().(ed25519.PublicKey), []byte(parts[0]+"."+parts[1]), signature) {
		return invalid("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	var c claims
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &c) != nil {
		return invalid("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	if c.Audience != audience {
		return invalid("InvalidIdentityToken", "Incorrect token audience")
	}
	if now := time.Now(); now.Unix() >= c.Expires {
		return invalid("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	}
	return c.Subject, nil
}
