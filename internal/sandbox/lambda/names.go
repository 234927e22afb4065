package lambda

import (
	"net/http"
	"regexp"
)

// An identity is what a caller's FunctionName says: a name, a partial or a full ARN, perhaps qualified.
type identity struct{ account, region, name, qualifier string }

var identityForm = regexp.MustCompile(`^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_\.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_$]+))?$`)

func parseIdentity(text string) (identity, bool) {
	m := identityForm.FindStringSubmatch(text)
	if m == nil {
		return identity{}, false
	}
	return identity{region: m[1], account: m[2], name: m[3], qualifier: m[4]}, true
}

// identify checks the label FunctionName and the query's Qualifier, and says which function is meant.
// Other checks of the request's form may already be in c.
func (r *request) identify(c *checker, nameForm, qualifierForm form) (identity, error) {
	name := r.labels["FunctionName"]
	c.text("functionName", &name, nameForm)
	qualifier := r.given("Qualifier")
	c.text("qualifier", qualifier, qualifierForm)
	if err := c.err(); err != nil {
		return identity{}, err
	}
	id, ok := parseIdentity(name)
	if !ok {
		return identity{}, invalid("The function name %s could not be understood.", name)
	}
	if err := r.reachable(id); err != nil {
		return identity{}, err
	}
	if qualifier != nil && *qualifier != "" {
		if id.qualifier != "" && id.qualifier != *qualifier {
			return identity{}, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		id.qualifier = *qualifier
	}
	return id, nil
}

// unqualified is identify for operations on the function as a whole.
func (r *request) unqualified(c *checker, nameForm form) (identity, error) {
	id, err := r.identify(c, nameForm, anyQualifier)
	if err == nil && id.qualifier != "" {
		err = invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return id, err
}

// reachable refuses an ARN of another region or account than the caller's.
func (r *request) reachable(id identity) error {
	if id.region != "" && id.region != r.Region {
		return notFound("Functions from '%s' are not reachable in this region ('%s')", id.region, r.Region)
	}
	if id.account != "" && id.account != r.Account {
		arn := "arn:aws:lambda:" + r.Region + ":" + id.account + ":function:" + id.name
		return refuse(http.StatusForbidden, "AccessDeniedException", "User: %s is not authorized to perform: lambda:%s on resource: %s because no resource-based policy allows the lambda:%s action", r.Principal, r.Operation, arn, r.Operation)
	}
	return nil
}

// find returns the function, settled, or nil.
func (s *Service) find(r *request, name string) *function {
	f := r.home.functions[name]
	if f != nil {
		s.settle(f, r.now)
	}
	return f
}

// must is find for operations that need the function.
func (s *Service) must(r *request, id identity) (*function, error) {
	if f := s.find(r, id.name); f != nil {
		return f, nil
	}
	return nil, functionNotFound(r.home.arn(id.name))
}
