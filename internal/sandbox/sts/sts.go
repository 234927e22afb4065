// Package sts is the sandbox's Security Token Service: who am I, assume a role, and assume a role with
// the identity token of a GitHub workflow.
//
// It checks what AWS checks (the token's signature, audience and expiry, the role's trust in its
// subject, the length of the session) and hands the credentials that it makes to the server, which
// accepts requests signed with them until they expire. What a role may do is not modelled: everything
// that no denial forbids.
package sts

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A Role can be assumed by whom it trusts.
type Role struct {
	Account string `json:"account"`
	Name    string `json:"name"` // "*" is every role of the account that is not named
	// Subjects are patterns of the "sub" of GitHub's identity tokens ("repo:octo-org/shop:*").
	Subjects []string `json:"subjects"`
	// Principals are patterns of ARNs that may assume the role with credentials of their own.
	Principals []string `json:"principals"`
	// MaxSession is the longest session in seconds; 0 is AWS's default of an hour.
	MaxSession int `json:"maxSession"`
}

// ARN is the role's name in policies and in role-to-assume.
func (r Role) ARN() string { return "arn:aws:iam::" + r.Account + ":role/" + r.Name }

// An Identity is an access key and whom it stands for. Token and Expires are set for a session.
type Identity struct {
	Account, Principal       string
	AccessKey, Secret, Token string
	Expires                  time.Time
	RoleARN                  string // of a session: the role that was assumed
}

// Tokens verifies identity tokens.
type Tokens interface {
	// Subject returns the token's subject. The error is a [*cloud.Error] in the words of STS.
	Subject(token, audience string) (string, error)
}

// Options are what the service needs of the server.
type Options struct {
	Tokens Tokens
	// Add makes the server accept a session's credentials.
	Add func(Identity)
	// Random returns n bytes for keys and tokens.
	Random func(n int) []byte
}

// Service is the service "sts".
type Service struct {
	options Options

	mu    sync.Mutex
	roles map[string]Role // by ARN
}

// New returns a service that knows no role yet.
func New(o Options) *Service { return &Service{options: o, roles: map[string]Role{}} }

// SetRole creates the role, or replaces it.
func (s *Service) SetRole(r Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles[r.ARN()] = r
}

// Name is "sts".
func (s *Service) Name() string { return "sts" }

var operations = map[string]bool{"GetCallerIdentity": true, "AssumeRole": true, "AssumeRoleWithWebIdentity": true}

// Identify takes the operation from the form's Action; the resource is the role's ARN.
func (s *Service) Identify(r *http.Request, body []byte) (operation, resource string, ok bool) {
	form := parse(r, body)
	operation = form.Get("Action")
	return operation, form.Get("RoleArn"), operations[operation]
}

func parse(r *http.Request, body []byte) url.Values {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return r.URL.Query()
	}
	return form
}

// Do carries the call out.
func (s *Service) Do(_ context.Context, call cloud.Call) cloud.Reply {
	form := parse(call.Request, call.Body)
	var result any
	var err *cloud.Error
	switch call.Operation {
	case "GetCallerIdentity":
		result = callerIdentity{Arn: call.Principal, UserID: userID(call.Principal), Account: call.Account}
	case "AssumeRole":
		result, err = s.assumeRole(call, form)
	case "AssumeRoleWithWebIdentity":
		result, err = s.assumeRoleWithWebIdentity(form)
	}
	if err != nil {
		return s.Fail(call, err)
	}
	id := s.requestID()
	return render(http.StatusOK, id, envelope{
		XMLName:  xml.Name{Local: call.Operation + "Response"},
		Space:    namespace,
		Result:   result,
		Metadata: metadata{RequestID: id},
	})
}

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

func (s *Service) requestID() string {
	b := s.options.Random(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type (
	envelope struct {
		XMLName  xml.Name
		Space    string `xml:"xmlns,attr"`
		Result   any
		Metadata metadata `xml:"ResponseMetadata"`
	}
	metadata struct {
		RequestID string `xml:"RequestId"`
	}
	callerIdentity struct {
		XMLName xml.Name `xml:"GetCallerIdentityResult"`
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}
	failure struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Space     string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}
)

// Fail renders an error as XML.
func (s *Service) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	id := s.requestID()
	return render(e.Status, id, failure{Space: namespace, Type: kind, Code: e.Code, Message: e.Message, RequestID: id})
}

func render(status int, id string, body any) cloud.Reply {
	// Only strings go in, which encoding/xml always takes.
	text, _ := xml.Marshal(body)
	header := http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {id}}
	return cloud.Reply{Status: status, Header: header, Body: text}
}

// sessionName is the last part of an assumed role's ARN, and of nothing else.
func sessionName(principal string) (role, session string, ok bool) {
	_, rest, ok := strings.Cut(principal, ":assumed-role/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}
