package conformance

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A routing is all that an alias holds.
type routing struct {
	version, description, revision string
	weights                        map[string]float64
}

func (r routing) String() string {
	text := "version " + r.version
	for v, w := range r.weights {
		text += " with " + strconv.FormatFloat(w, 'g', -1, 64) + " at " + v
	}
	if r.description != "" {
		text += fmt.Sprintf(" (%s)", r.description)
	}
	return text
}

// same compares everything but the revision.
func (r routing) same(o routing) bool {
	return r.version == o.version && r.description == o.description && maps.Equal(r.weights, o.weights)
}

func routed(version, description, revision *string, config *types.AliasRoutingConfiguration) routing {
	r := routing{version: aws.ToString(version), description: aws.ToString(description), revision: aws.ToString(revision)}
	if config != nil && len(config.AdditionalVersionWeights) > 0 {
		r.weights = config.AdditionalVersionWeights
	}
	return r
}

// look reads the alias.
func (s *subject) look(ctx context.Context) (r routing, err error) {
	err = s.arrange(ctx, "read alias of "+s.name, func(ctx context.Context) error {
		r, err = s.glance(ctx)
		return err
	})
	return r, err
}

// glance reads the alias, once.
func (s *subject) glance(ctx context.Context) (routing, error) {
	out, err := s.lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &s.name, Name: aws.String(live)})
	if err != nil {
		return routing{}, err
	}
	return routed(out.FunctionVersion, out.Description, out.RevisionId, out.RoutingConfig), nil
}

// A write is an UpdateAlias; what is nil is not sent.
type write struct {
	version, description, revision *string
	weights                        map[string]float64 // nil: not sent; empty: sent empty
}

// write sends it, again while it is throttled.
func (s *subject) write(ctx context.Context, w write) (r routing, err error) {
	err = s.try(ctx, func(ctx context.Context) error {
		r, err = s.send(ctx, w)
		return err
	})
	return r, err
}

// send sends a write once.
func (s *subject) send(ctx context.Context, w write) (routing, error) {
	in := &lambda.UpdateAliasInput{
		FunctionName: &s.name, Name: aws.String(live),
		FunctionVersion: w.version, Description: w.description, RevisionId: w.revision,
	}
	if w.weights != nil {
		in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: w.weights}
	}
	out, err := s.lambda.UpdateAlias(ctx, in)
	if err != nil {
		return routing{}, err
	}
	return routed(out.FunctionVersion, out.Description, out.RevisionId, out.RoutingConfig), nil
}

// set brings the alias to a value, to begin from.
func (s *subject) set(ctx context.Context, version string, weights map[string]float64) (r routing, err error) {
	if weights == nil {
		weights = map[string]float64{}
	}
	err = s.arrange(ctx, "set alias of "+s.name, func(ctx context.Context) error {
		r, err = s.write(ctx, write{version: &version, weights: weights})
		return err
	})
	return r, err
}
