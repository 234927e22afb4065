package sts

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// audience is what GitHub's identity tokens have to be asked for.
const audience = "sts.amazonaws.com"

const (
	shortestSession = 15 * time.Minute
	defaultSession  = time.Hour
	longestSession  = 12 * time.Hour
)

type (
	credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	assumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string
	}
	assumedRole struct {
		XMLName         xml.Name `xml:"AssumeRoleResult"`
		AssumedRoleUser assumedRoleUser
		Credentials     credentials
	}
	assumedRoleWithWebIdentity struct {
		XMLName                     xml.Name `xml:"AssumeRoleWithWebIdentityResult"`
		SubjectFromWebIdentityToken string
		Audience                    string
		Provider                    string
		AssumedRoleUser             assumedRoleUser
		Credentials                 credentials
	}
)

func (s *Service) assumeRole(call cloud.Call, form url.Values) (any, *cloud.Error) {
	length, session, err := parameters(form)
	if err != nil {
		return nil, err
	}
	role, ok := s.role(form.Get("RoleArn"))
	if !ok || !matchAny(role.Principals, call.Principal) {
		return nil, &cloud.Error{Status: 403, Code: "AccessDenied", Message: fmt.Sprintf(
			"User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.Principal, form.Get("RoleArn"))}
	}
	user, creds, err := s.session(role, session, length)
	return assumedRole{AssumedRoleUser: user, Credentials: creds}, err
}

func (s *Service) assumeRoleWithWebIdentity(form url.Values) (any, *cloud.Error) {
	length, session, refused := parameters(form)
	if refused != nil {
		return nil, refused
	}
	if form.Get("WebIdentityToken") == "" {
		return nil, missing("webIdentityToken")
	}
	subject, err := s.options.Tokens.Subject(form.Get("WebIdentityToken"), audience)
	if err != nil {
		if errors.As(err, &refused) {
			return nil, refused
		}
		return nil, &cloud.Error{Status: 400, Code: "InvalidIdentityToken", Message: err.Error()}
	}
	// AWS says the same for a role that does not exist and for one that does not trust the subject.
	role, ok := s.role(form.Get("RoleArn"))
	if !ok || !matchAny(role.Subjects, subject) {
		return nil, &cloud.Error{Status: 403, Code: "AccessDenied", Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	user, creds, refused := s.session(role, session, length)
	return assumedRoleWithWebIdentity{
		SubjectFromWebIdentityToken: subject,
		Audience:                    audience,
		Provider:                    "arn:aws:iam::" + role.Account + ":oidc-provider/token.actions.githubusercontent.com",
		AssumedRoleUser:             user,
		Credentials:                 creds,
	}, refused
}

func (s *Service) role(arn string) (Role, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if role, ok := s.roles[arn]; ok {
		return role, true
	}
	// A role named "*" stands for every name in its account that no other role has.
	prefix, name, named := strings.Cut(arn, ":role/")
	role, ok := s.roles[prefix+":role/*"]
	role.Name = name
	return role, ok && named && name != ""
}

func matchAny(patterns []string, text string) bool {
	for _, p := range patterns {
		if cloud.Match(p, text) {
			return true
		}
	}
	return false
}

var sessionNames = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func parameters(form url.Values) (length time.Duration, session string, err *cloud.Error) {
	session = form.Get("RoleSessionName")
	switch {
	case form.Get("RoleArn") == "":
		return 0, "", missing("roleArn")
	case session == "":
		return 0, "", missing("roleSessionName")
	case !sessionNames.MatchString(session):
		return 0, "", invalid("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", session)
	}
	length = defaultSession
	if v := form.Get("DurationSeconds"); v != "" {
		seconds, parseErr := strconv.Atoi(v)
		length = time.Duration(seconds) * time.Second
		if parseErr != nil || length < shortestSession || length > longestSession {
			return 0, "", invalid("1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200", v)
		}
	}
	return length, session, nil
}

func missing(member string) *cloud.Error {
	return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

func invalid(format string, args ...any) *cloud.Error {
	return &cloud.Error{Status: 400, Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// session makes credentials for the role and lets the server know them.
func (s *Service) session(role Role, name string, length time.Duration) (assumedRoleUser, credentials, *cloud.Error) {
	longest := time.Duration(role.MaxSession) * time.Second
	if longest == 0 {
		longest = defaultSession
	}
	if length > longest {
		return assumedRoleUser{}, credentials{}, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	id := Identity{
		Account:   role.Account,
		Principal: "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + name,
		AccessKey: "ASIA" + base32.StdEncoding.EncodeToString(s.options.Random(10)),
		Secret:    base64.RawURLEncoding.EncodeToString(s.options.Random(30)),
		Token:     base64.StdEncoding.EncodeToString(s.options.Random(96)),
		Expires:   time.Now().Add(length).Truncate(time.Second),
		RoleARN:   role.ARN(),
	}
	s.options.Add(id)
	return assumedRoleUser{AssumedRoleID: userID(id.Principal), Arn: id.Principal},
		credentials{
			AccessKeyID:     id.AccessKey,
			SecretAccessKey: id.Secret,
			SessionToken:    id.Token,
			Expiration:      id.Expires.UTC().Format(time.RFC3339),
		}, nil
}

// userID is the unique id of a principal: the same for each session of one role, but for the name.
func userID(principal string) string {
	role, session, ok := sessionName(principal)
	if ok {
		return "AROA" + shortHash(principal[:len(principal)-len(session)]+role) + ":" + session
	}
	return "AIDA" + shortHash(principal)
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base32.StdEncoding.EncodeToString(sum[:])[:17]
}
