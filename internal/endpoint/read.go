package endpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A gateway is an API as it was read, and as it was changed since.
type gateway struct {
	id           string
	url          string // without a slash at its end
	routes       map[string]types.Route
	integrations []types.Integration
}

func newGateway(id, url *string) *gateway {
	return &gateway{id: aws.ToString(id), url: strings.TrimSuffix(aws.ToString(url), "/"), routes: map[string]types.Route{}}
}

// lacks tells whether a function's routes are missing at an endpoint, lead to another function, or let in others
// than are to be let in.
func (g *gateway) lacks(e endpoint, f promotion.Function) bool {
	for _, key := range e.routeKeys(f) {
		route, there := g.routes[key]
		if !there || authorizationOf(route) != e.auth || !invokes(g.targetOf(route), e, f) {
			return true
		}
	}
	return false
}

// authorizationOf is who may use a route; nothing said means everybody.
func authorizationOf(r types.Route) types.AuthorizationType {
	if r.AuthorizationType == "" {
		return types.AuthorizationTypeNone
	}
	return r.AuthorizationType
}

// targetOf is the URI of the integration that a route leads to.
func (g *gateway) targetOf(r types.Route) string {
	id, _ := strings.CutPrefix(aws.ToString(r.Target), "integrations/")
	for _, i := range g.integrations {
		if aws.ToString(i.IntegrationId) == id {
			return aws.ToString(i.IntegrationUri)
		}
	}
	return ""
}

// integration finds one that can be used for a function's ARN.
func (g *gateway) integration(uri string) (id string, found bool) {
	i := slices.IndexFunc(g.integrations, func(i types.Integration) bool {
		return aws.ToString(i.IntegrationUri) == uri && i.IntegrationType == types.IntegrationTypeAwsProxy && aws.ToString(i.PayloadFormatVersion) == payloadFormat
	})
	if i < 0 {
		return "", false
	}
	return aws.ToString(g.integrations[i].IntegrationId), true
}

// read finds the app's API and reads its routes and integrations; nil if there is none.
func (s *Routes) read(ctx context.Context, r promotion.Request) (*gateway, error) {
	api, err := s.find(ctx, r)
	if err != nil || api == nil {
		return nil, err
	}
	g := newGateway(api.ApiId, api.ApiEndpoint)
	deed := "read the routes of API " + g.id
	routes, err := pages(deed, func(next *string) ([]types.Route, *string, error) {
		out, err := s.api.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: api.ApiId, NextToken: next})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	for _, route := range routes {
		g.routes[aws.ToString(route.RouteKey)] = route
	}
	deed = "read the integrations of API " + g.id
	g.integrations, err = pages(deed, func(next *string) ([]types.Integration, *string, error) {
		out, err := s.api.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: api.ApiId, NextToken: next})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
	return g, err
}

// find finds the app's API by its tag. Two that fit are refused: one of them is the wrong one.
func (s *Routes) find(ctx context.Context, r promotion.Request) (*types.Api, error) {
	all, err := pages("find the HTTP API of "+tagValue(r), func(next *string) ([]types.Api, *string, error) {
		out, err := s.api.GetApis(ctx, &apigatewayv2.GetApisInput{NextToken: next})
		if err != nil {
			return nil, nil, err
		}
		return out.Items, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var fit []types.Api
	for _, api := range all {
		if api.Tags[TagKey] == tagValue(r) {
			fit = append(fit, api)
		}
	}
	switch len(fit) {
	case 0:
		return nil, nil
	case 1:
		if fit[0].ProtocolType != types.ProtocolTypeHttp {
			return nil, promotion.Fault{
				What: fmt.Sprintf("API %s has the tag %s = %s, but it is not an HTTP API", aws.ToString(fit[0].ApiId), TagKey, tagValue(r)),
				Hint: "remove the tag from it",
			}
		}
		return &fit[0], nil
	}
	return nil, tooMany(r, fit)
}

// tooMany names the APIs that fit. All who see them agree on which one to keep: the oldest.
func tooMany(r promotion.Request, fit []types.Api) error {
	slices.SortFunc(fit, func(a, b types.Api) int {
		if c := created(a).Compare(created(b)); c != 0 {
			return c
		}
		return strings.Compare(aws.ToString(a.ApiId), aws.ToString(b.ApiId))
	})
	var ids, remedies []string
	for i, api := range fit {
		id := aws.ToString(api.ApiId)
		ids = append(ids, id)
		if i > 0 {
			remedies = append(remedies, "aws apigatewayv2 delete-api --api-id "+id)
		}
	}
	return promotion.Fault{
		What: fmt.Sprintf("%d APIs have the tag %s = %s: %s", len(fit), TagKey, tagValue(r), strings.Join(ids, ", ")),
		Hint: fmt.Sprintf("keep the one whose address is in use; if none is yet, keep the oldest, %s: %s", ids[0], strings.Join(remedies, "; ")),
	}
}

func created(a types.Api) time.Time { return aws.ToTime(a.CreatedDate) }

// maxPages bounds a list that does not end. The quotas allow far fewer.
const maxPages = 1000

// pages reads a list to its end.
func pages[T any](deed string, page func(next *string) ([]T, *string, error)) ([]T, error) {
	var all []T
	var next *string
	for range maxPages {
		items, token, err := page(next)
		if err != nil {
			return nil, awserr.Explain(err, deed)
		}
		all = append(all, items...)
		if aws.ToString(token) == "" {
			return all, nil
		}
		next = token
	}
	return nil, promotion.Fault{What: deed + ": the list does not end"}
}
