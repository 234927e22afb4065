package lambda

import (
	"context"
	"net/http"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Concurrency of an account in a region, https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
const (
	accountConcurrency = 1000
	minUnreserved      = 100
)

// unreserved is the account's concurrency that functions other than this one leave.
func (h *home) unreserved(except *function) int {
	left := accountConcurrency
	for _, f := range h.functions {
		switch {
		case f == except:
		case f.reserved != nil:
			left -= *f.reserved
		default:
			left -= f.provisionedTotal("")
		}
	}
	return left
}

func (s *Service) putConcurrency(_ context.Context, r *request) (cloud.Reply, error) {
	var in struct{ ReservedConcurrentExecutions *int }
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	if c.required("reservedConcurrentExecutions", in.ReservedConcurrentExecutions != nil) {
		c.number("reservedConcurrentExecutions", in.ReservedConcurrentExecutions, 0, 0)
	}
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return cloud.Reply{}, err
	}
	f := s.find(r, id.name)
	if f == nil {
		return cloud.Reply{}, functionNotFound(r.home.arn(id.name) + ":" + latestName)
	}
	wanted := *in.ReservedConcurrentExecutions
	if r.home.unreserved(f)-wanted < minUnreserved {
		return cloud.Reply{}, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	if total := f.provisionedTotal(""); wanted < total {
		return cloud.Reply{}, invalid(" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", wanted, total)
	}
	f.reserved = &wanted
	return answer(http.StatusOK, map[string]any{"ReservedConcurrentExecutions": wanted}), nil
}

func (s *Service) getConcurrency(_ context.Context, r *request) (cloud.Reply, error) {
	f, err := s.whole(r)
	if err != nil {
		return cloud.Reply{}, err
	}
	doc := map[string]any{}
	if f.reserved != nil {
		doc["ReservedConcurrentExecutions"] = *f.reserved
	}
	return answer(http.StatusOK, doc), nil
}

func (s *Service) deleteConcurrency(_ context.Context, r *request) (cloud.Reply, error) {
	f, err := s.whole(r)
	if err != nil {
		return cloud.Reply{}, err
	}
	f.reserved = nil
	return noContent(), nil
}

// whole finds the function of a call that takes no qualifier.
func (s *Service) whole(r *request) (*function, error) {
	id, err := r.unqualified(&checker{}, plainName)
	if err != nil {
		return nil, err
	}
	return s.must(r, id)
}

func (s *Service) getCodeSigning(_ context.Context, r *request) (cloud.Reply, error) {
	f, err := s.whole(r)
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusOK, map[string]any{"FunctionName": f.name}), nil // code signing is not configured
}

func (s *Service) getEventInvoke(_ context.Context, r *request) (cloud.Reply, error) {
	id, err := r.identify(&checker{}, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	if id.qualifier == "" {
		id.qualifier = latestName
	}
	return cloud.Reply{}, notFound("The function %s:%s doesn't have an EventInvokeConfig", r.home.arn(id.name), id.qualifier)
}

func (s *Service) getAccountSettings(_ context.Context, r *request) (cloud.Reply, error) {
	var size int64
	for _, f := range r.home.functions {
		size += f.latest.code.size
		for _, v := range f.versions {
			size += v.code.size
		}
	}
	return answer(http.StatusOK, map[string]any{
		"AccountLimit": map[string]any{
			"TotalCodeSize": int64(80530636800), "CodeSizeUnzipped": maxUnzipped, "CodeSizeZipped": maxZipped,
			"ConcurrentExecutions": accountConcurrency, "UnreservedConcurrentExecutions": r.home.unreserved(nil),
		},
		"AccountUsage": map[string]any{"TotalCodeSize": size, "FunctionCount": len(r.home.functions)},
	}), nil
}
