package sandbox

import (
	"fmt"
	"strings"
	"sync"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A Denial takes a permission away. Action is IAM's name ("lambda:UpdateAlias"), Resource an ARN or the
// short form that the call log shows, Principal the ARN of a user, a session or a role; all three are
// patterns, and an empty Resource or Principal is all of them.
type Denial struct {
	Action    string `json:"action"`
	Resource  string `json:"resource,omitempty"`
	Principal string `json:"principal,omitempty"`
}

func (d Denial) check() error {
	service, action, _ := strings.Cut(d.Action, ":")
	if d.Action != "*" && (service == "" || action == "") {
		return fmt.Errorf("action %q: an action such as \"lambda:UpdateAlias\" is needed", d.Action)
	}
	return nil
}

// denials are the permissions taken away.
type denials struct {
	mu   sync.Mutex
	list []Denial
}

// Deny takes a permission away until ClearDenials.
func (s *Server) Deny(d Denial) error {
	if err := d.check(); err != nil {
		return err
	}
	s.denials.mu.Lock()
	defer s.denials.mu.Unlock()
	s.denials.list = append(s.denials.list, d)
	return nil
}

// Denials returns the permissions that are taken away.
func (s *Server) Denials() []Denial {
	s.denials.mu.Lock()
	defer s.denials.mu.Unlock()
	return append([]Denial{}, s.denials.list...)
}

// ClearDenials gives all permissions back.
func (s *Server) ClearDenials() {
	s.denials.mu.Lock()
	defer s.denials.mu.Unlock()
	s.denials.list = nil
}

// refuse says whether a permission that the call needs is taken away, in the words of IAM.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (d *denials) refuse(service string, call cloud.Call, role string) *cloud.Error {
	if dataPlane(service) && call.Principal == "" {
		return nil // nobody whose permissions could be taken away; the service knows what is public
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, action := range actionsOf(service, call) {
		arn := resourceARN(service, call)
		for _, denial := range d.list {
			if !cloud.Match(strings.ToLower(denial.Action), strings.ToLower(action)) &&
				!cloud.Match(strings.ToLower(denial.Action), strings.ToLower(service+":"+call.Operation)) {
				continue
			}
			if !matches(denial.Resource, arn, call.Resource) || !matches(denial.Principal, call.Principal, role) {
				continue
			}
			return accessDenied(service, call, action, arn)
		}
	}
	return nil
}

func matches(pattern string, texts ...string) bool {
	if pattern == "" {
		return true
	}
	for _, text := range texts {
		if cloud.Match(pattern, text) {
			return true
		}
	}
	return false
}

func accessDenied(service string, call cloud.Call, action, arn string) *cloud.Error {
	e := &cloud.Error{Status: 403, Code: "AccessDeniedException"}
	switch service {
	case "dynamodb", "ecr":
		e.Status = 400
	case "sts", "s3":
		e.Code = "AccessDenied"
	case "sns":
		e.Code = "AuthorizationError"
		action = "SNS:" + call.Operation // as it spells its actions here, and only here
	}
	switch service {
	case "s3":
		arn = `"` + arn + `"`
	case "sts":
		if call.Principal == "" {
			e.Message = "Not authorized to perform " + action
			return e
		}
	case "execute-api", "lambda-url":
		e.Message = "Forbidden"
		return e
	}
	e.Message = fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		call.Principal, action, arn, action)
	return e
}

// actionsOf are the permissions that a call needs. Mostly an operation is its own action.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func actionsOf(service string, call cloud.Call) []string {
	switch service {
	case "apigateway":
		// API Gateway's actions are the methods of HTTP.
		return []string{"apigateway:" + call.Request.Method}
	case "lambda":
		if invocation(service, call.Operation) {
			return []string{"lambda:InvokeFunction"}
		}
	case "lambda-url":
		return []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
	case "execute-api":
		return []string{"execute-api:Invoke"}
	case "s3":
		version := call.Request.URL.Query().Has("versionId")
		switch call.Operation {
		case "HeadObject", "GetObject", "GetObjectAttributes":
			if version {
				return []string{"s3:GetObjectVersion"}
			}
			return []string{"s3:GetObject"}
		case "DeleteObject":
			if version {
				return []string{"s3:DeleteObjectVersion"}
			}
		case "HeadBucket", "ListObjectsV2":
			return []string{"s3:ListBucket"}
		case "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload":
			return []string{"s3:PutObject"}
		}
	case "dynamodb":
		return dynamoActions(call)
	}
	return []string{service + ":" + call.Operation}
}

// dynamoActions are one for each item of a transaction, since a transaction has no action of its own.
func dynamoActions(call cloud.Call) []string {
	if call.Operation != "TransactWriteItems" {
		return []string{"dynamodb:" + call.Operation}
	}
	var list []string
	for member, action := range map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"} {
		if strings.Contains(string(call.Body), `"`+member+`":`) {
			list = append(list, "dynamodb:"+action)
		}
	}
	return list
}

// resourceARN is the resource of a call as policies name it.
func resourceARN(service string, call cloud.Call) string {
	scope := call.Region + ":" + call.Account
	switch service {
	case "lambda", "lambda-url":
		if strings.HasPrefix(call.Resource, "arn:") {
			return call.Resource
		}
		if call.Resource == "" {
			return "*"
		}
		return "arn:aws:lambda:" + scope + ":function:" + call.Resource
	case "apigateway":
		return "arn:aws:apigateway:" + call.Region + "::" + strings.TrimPrefix(call.Request.URL.Path, "/v2")
	case "execute-api":
		return "arn:aws:execute-api:" + scope + ":" + call.Resource
	case "s3":
		return "arn:aws:s3:::" + call.Resource
	case "ecr":
		return "arn:aws:ecr:" + scope + ":repository/" + call.Resource
	case "sns":
		if call.Resource == "" {
			return "*"
		}
		return "arn:aws:sns:" + scope + ":" + call.Resource
	case "dynamodb":
		return "arn:aws:dynamodb:" + scope + ":table/" + call.Resource
	}
	if call.Resource == "" {
		return "*"
	}
	return call.Resource
}
