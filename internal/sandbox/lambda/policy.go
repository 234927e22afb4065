package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A policy is the resource policy of a function, a version or an alias, with a revision of its own.
type policy struct {
	revision   string
	statements []statement
}

// A statement is one permission, in the form in which AWS prints it.
type statement struct {
	Sid       string
	Effect    string
	Principal any // "*", or {"Service": ...} or {"AWS": ...}
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// maxPolicy is the size that a policy may have.
const maxPolicy = 20480

func (p *policy) text() (string, error) {
	doc, err := json.Marshal(struct {
		Version, Id string
		Statement   []statement
	}{"2012-10-17", "default", p.statements})
	return string(doc), err
}

// principal is who a statement lets in, in the form of IAM.
func principal(name string) (any, error) {
	switch {
	case name == "*":
		return "*", nil
	case strings.HasSuffix(name, ".amazonaws.com"), strings.HasSuffix(name, ".amazon.com"), strings.HasSuffix(name, ".amazonaws.com.cn"):
		return map[string]string{"Service": name}, nil
	case len(name) == 12 && isNumber(name):
		return map[string]string{"AWS": "arn:aws:iam::" + name + ":root"}, nil
	case iamPrincipal.MatchString(name):
		return map[string]string{"AWS": name}, nil
	}
	return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
}

var iamPrincipal = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)$`)

func (s *Service) addPermission(_ context.Context, r *request) (cloud.Reply, error) {
	var in struct {
		StatementId, Action, Principal, SourceArn, SourceAccount          *string
		EventSourceToken, PrincipalOrgID, FunctionUrlAuthType, RevisionId *string
		InvokedViaFunctionUrl                                             *bool
	}
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	c.requiredText("statementId", in.StatementId, statementForm)
	c.requiredText("action", in.Action, actionForm)
	c.requiredText("principal", in.Principal, principalForm)
	c.text("sourceArn", in.SourceArn, sourceForm)
	c.text("sourceAccount", in.SourceAccount, accountForm)
	c.text("eventSourceToken", in.EventSourceToken, tokenForm)
	c.text("principalOrgID", in.PrincipalOrgID, orgForm)
	c.oneOf("functionUrlAuthType", in.FunctionUrlAuthType, "NONE", "AWS_IAM")
	id, err := r.identify(c, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	if id.qualifier == latestName {
		return cloud.Reply{}, invalid("We currently do not support adding policies for $LATEST.")
	}
	who, err := principal(*in.Principal)
	if err != nil {
		return cloud.Reply{}, err
	}
	f, err := s.permitted(r, id)
	if err != nil {
		return cloud.Reply{}, err
	}
	p := f.policies[id.qualifier]
	if in.RevisionId != nil && *in.RevisionId != f.policyRevision(id.qualifier) {
		return cloud.Reply{}, stale(policyAPI)
	}
	if p == nil {
		p = &policy{}
	}
	if slices.ContainsFunc(p.statements, func(st statement) bool { return st.Sid == *in.StatementId }) {
		return cloud.Reply{}, conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", *in.StatementId)
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Principal: who, Action: *in.Action, Resource: f.qualified(id.qualifier), Condition: map[string]map[string]string{}}
	st.condition("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	st.condition("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	st.condition("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	st.condition("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	st.condition("ArnLike", "AWS:SourceArn", in.SourceArn)
	if in.InvokedViaFunctionUrl != nil && *in.InvokedViaFunctionUrl {
		yes := "true"
		st.condition("Bool", "lambda:InvokedViaFunctionUrl", &yes)
	}
	grown := policy{statements: append(slices.Clone(p.statements), st)}
	text, err := grown.text()
	if err != nil {
		return cloud.Reply{}, err
	}
	if len(text) > maxPolicy {
		return cloud.Reply{}, refuse(http.StatusBadRequest, "PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", len(text), maxPolicy)
	}
	p.statements, p.revision = grown.statements, s.uuid()
	f.policies[id.qualifier] = p
	added, err := json.Marshal(st)
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusCreated, map[string]any{"Statement": string(added)}), nil
}

func (st *statement) condition(operator, key string, value *string) {
	if value == nil {
		return
	}
	if st.Condition[operator] == nil {
		st.Condition[operator] = map[string]string{}
	}
	st.Condition[operator][key] = *value
}

// permitted finds the function of a permission, and refuses a qualifier that stands for nothing.
func (s *Service) permitted(r *request, id identity) (*function, error) {
	f := s.find(r, id.name)
	switch {
	case id.qualifier == "" && f == nil:
		return nil, functionNotFound(r.home.arn(id.name))
	case f == nil || f.release(id.qualifier) == nil:
		return nil, missing(r.home, id.name, id.qualifier)
	}
	return f, nil
}

// policyRevision is what a RevisionId is compared with: the policy's, or, where there is none yet, that of
// the function, version or alias; recorded so.
func (f *function) policyRevision(qualifier string) string {
	if p := f.policies[qualifier]; p != nil {
		return p.revision
	}
	if a := f.aliases[qualifier]; a != nil {
		return a.revision
	}
	return f.release(qualifier).revision
}

func (s *Service) removePermission(_ context.Context, r *request) (cloud.Reply, error) {
	sid := r.labels["StatementId"]
	c := &checker{}
	c.text("statementId", &sid, removedForm)
	id, err := r.identify(c, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	f := s.find(r, id.name)
	if f == nil {
		return cloud.Reply{}, notFound("No policy found for: %s", r.home.arn(id.name))
	}
	if id.qualifier == latestName {
		id.qualifier = ""
	}
	if f.release(id.qualifier) == nil {
		return cloud.Reply{}, missing(r.home, id.name, id.qualifier)
	}
	p := f.policies[id.qualifier]
	if p == nil {
		return cloud.Reply{}, notFound("No policy is associated with the given resource.")
	}
	if revision := r.query("RevisionId"); revision != "" && revision != p.revision {
		return cloud.Reply{}, stale(policyAPI)
	}
	i := slices.IndexFunc(p.statements, func(st statement) bool { return st.Sid == sid })
	if i < 0 {
		return cloud.Reply{}, notFound("Statement %s is not found in resource policy.", sid)
	}
	p.statements, p.revision = slices.Delete(p.statements, i, i+1), s.uuid()
	if len(p.statements) == 0 {
		delete(f.policies, id.qualifier)
	}
	return noContent(), nil
}

func (s *Service) getPolicy(_ context.Context, r *request) (cloud.Reply, error) {
	id, err := r.identify(&checker{}, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	f := s.find(r, id.name)
	if f == nil || f.policies[id.qualifier] == nil {
		return cloud.Reply{}, nothingThere()
	}
	p := f.policies[id.qualifier]
	text, err := p.text()
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusOK, map[string]any{"Policy": text, "RevisionId": p.revision}), nil
}
