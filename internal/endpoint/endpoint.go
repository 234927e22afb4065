// Package endpoint keeps an app's routes in an HTTP API of API Gateway: /<app>/latest/<function> on the newest
// code, and /<app>/<environment>/<function> on what was promoted there.
//
// The API is found by its tag promote:endpoints, whose value is "<app>/<api>", and is created by Setup only. For
// a function and an endpoint there are, in this order, a permission on the function (or the alias), an
// integration, and two routes. A crash in between leaves no route that does not work, and the next call goes on
// from there. What is there already costs no write. Nothing is ever deleted.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Routes implements promotion.EndpointRoutes.
type Routes struct {
	api    *apigatewayv2.Client
	lambda *lambda.Client
}

// New returns the routes of the account and region that the clients belong to.
func New(api *apigatewayv2.Client, functions *lambda.Client) *Routes {
	return &Routes{api: api, lambda: functions}
}

// passes bounds how often a piece of work begins anew since somebody else did the same at the same time.
const passes = 4

// Observe implements promotion.EndpointRoutes. It makes no write, and no call to Lambda.
func (s *Routes) Observe(ctx context.Context, r promotion.Request) (promotion.EndpointState, error) {
	latest, environment, err := endpoints(r)
	if err != nil {
		return promotion.EndpointState{}, err
	}
	g, err := s.read(ctx, r)
	if err != nil {
		return promotion.EndpointState{}, err
	}
	return state(g, r, latest, environment), nil
}

// Setup implements promotion.EndpointRoutes.
func (s *Routes) Setup(ctx context.Context, r promotion.Request, say promotion.Say) (promotion.EndpointState, error) {
	latest, environment, err := endpoints(r)
	if err != nil {
		return promotion.EndpointState{}, err
	}
	g, err := s.read(ctx, r)
	if err == nil && g == nil {
		g, err = s.create(ctx, r, say)
	}
	if err != nil {
		return promotion.EndpointState{}, err
	}
	if err := s.ensureStage(ctx, g, say); err != nil {
		return promotion.EndpointState{}, err
	}
	if g, err = s.connect(ctx, r, g, latest, r.Endpoints.Functions, say); err != nil {
		return promotion.EndpointState{}, err
	}
	return state(g, r, latest, environment), nil
}

// AddEnvironment implements promotion.EndpointRoutes.
func (s *Routes) AddEnvironment(ctx context.Context, r promotion.Request, keys []string, say promotion.Say) error {
	_, environment, err := endpoints(r)
	if err != nil {
		return err
	}
	var functions []promotion.Function
	for _, key := range keys {
		i := slices.IndexFunc(r.Endpoints.Functions, func(f promotion.Function) bool { return f.Key == key })
		if i < 0 {
			return promotion.Fault{What: fmt.Sprintf("add routes of environment %s: there is no function %q", environment.name, key)}
		}
		functions = append(functions, r.Endpoints.Functions[i])
	}
	g, err := s.read(ctx, r)
	if err != nil {
		return err
	}
	if g == nil {
		return promotion.Fault{
			What: fmt.Sprintf("add routes of environment %s: there is no HTTP API with the tag %s = %s", environment.name, TagKey, tagValue(r)),
			Hint: "promote setup creates it, once",
		}
	}
	_, err = s.connect(ctx, r, g, environment, functions, say)
	return err
}

// connect makes what is missing of one endpoint, and returns the API as it is then. Two runs that do so at once
// meet in a conflict, and whoever meets it looks again.
func (s *Routes) connect(ctx context.Context, r promotion.Request, g *gateway, e endpoint, functions []promotion.Function, say promotion.Say) (*gateway, error) {
	for pass := 1; ; pass++ {
		err := s.connectOnce(ctx, g, e, functions, say)
		var conflict *types.ConflictException
		if err == nil || !errors.As(err, &conflict) || pass == passes || ctx.Err() != nil {
			return g, err
		}
		again, readErr := s.read(ctx, r)
		if readErr != nil || again == nil {
			return g, err
		}
		g = again
	}
}

func (s *Routes) connectOnce(ctx context.Context, g *gateway, e endpoint, functions []promotion.Function, say promotion.Say) error {
	for _, f := range functions {
		if !g.lacks(e, f) {
			continue
		}
		if err := s.connectFunction(ctx, g, e, f, say); err != nil {
			return err
		}
	}
	return nil
}

// state puts what was read into the words of the plan.
func state(g *gateway, r promotion.Request, latest, environment endpoint) promotion.EndpointState {
	var s promotion.EndpointState
	if g != nil {
		s.Exists = true
		s.LatestURL = g.url + latest.prefix
		s.EnvironmentURL = g.url + environment.prefix
		s.Routes, s.Integrations = len(g.routes), len(g.integrations)
	}
	for _, f := range r.Endpoints.Functions {
		if g == nil || g.lacks(latest, f) {
			s.MissingLatest = append(s.MissingLatest, f.Key)
		}
		if g == nil || g.lacks(environment, f) {
			s.MissingEnvironment = append(s.MissingEnvironment, f.Key)
		}
	}
	return s
}
