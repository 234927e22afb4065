package apigateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// gateway is a client with one API.
type gateway struct {
	*apigatewayv2.Client
	t        *testing.T
	cloud    *sandboxtest.Cloud
	id       *string
	endpoint string
}

func newGateway(t *testing.T, c *sandboxtest.Cloud) *gateway {
	t.Helper()
	g := &gateway{Client: apigatewayv2.NewFromConfig(c.AWS(), func(o *apigatewayv2.Options) { o.Retryer = aws.NopRetryer{} }), t: t, cloud: c}
	out, err := g.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("shop"), ProtocolType: types.ProtocolTypeHttp, Tags: map[string]string{"promote:app": "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	g.id, g.endpoint = out.ApiId, aws.ToString(out.ApiEndpoint)
	return g
}

func (g *gateway) stage(name string) {
	g.t.Helper()
	if _, err := g.CreateStage(g.t.Context(), &apigatewayv2.CreateStageInput{ApiId: g.id, StageName: aws.String(name), AutoDeploy: aws.Bool(true)}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) integrate(uri string) (id string) {
	g.t.Helper()
	out, err := g.CreateIntegration(g.t.Context(), &apigatewayv2.CreateIntegrationInput{
		ApiId: g.id, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(uri), PayloadFormatVersion: aws.String("2.0"),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return aws.ToString(out.IntegrationId)
}

func (g *gateway) route(key, integration string, auth types.AuthorizationType) *apigatewayv2.CreateRouteOutput {
	g.t.Helper()
	out, err := g.CreateRoute(g.t.Context(), &apigatewayv2.CreateRouteInput{
		ApiId: g.id, RouteKey: aws.String(key), Target: aws.String("integrations/" + integration), AuthorizationType: auth,
	})
	if err != nil {
		g.t.Fatalf("create route %s: %v", key, err)
	}
	return out
}

const orders = "arn:aws:lambda:eu-west-1:123456789012:function:orders"

func TestAPIs(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{BaseURL: "http://127.0.0.1"})
	g := newGateway(t, c)
	got, err := g.GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: g.id})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Name != "shop" || got.ProtocolType != types.ProtocolTypeHttp || *got.ApiEndpoint != "http://127.0.0.1/_api/"+*g.id || got.Tags["promote:app"] != "shop" || got.CreatedDate.IsZero() {
		t.Errorf("got %+v", got)
	}
	if _, err := g.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: g.id, Description: aws.String("the shop")}); err != nil {
		t.Fatal(err)
	}
	if got, err := g.GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: g.id}); err != nil || *got.Description != "the shop" || *got.Name != "shop" {
		t.Errorf("after the update: %+v, %v", got, err)
	}

	t.Run("carry tags", func(t *testing.T) {
		arn := aws.String("arn:aws:apigateway:eu-west-1::/apis/" + *g.id)
		if _, err := g.TagResource(t.Context(), &apigatewayv2.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"team": "a"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := g.UntagResource(t.Context(), &apigatewayv2.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"promote:app"}}); err != nil {
			t.Fatal(err)
		}
		tags, err := g.GetTags(t.Context(), &apigatewayv2.GetTagsInput{ResourceArn: arn})
		if err != nil || len(tags.Tags) != 1 || tags.Tags["team"] != "a" {
			t.Errorf("tags %v, %v", tags, err)
		}
		_, err = g.GetTags(t.Context(), &apigatewayv2.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:eu-west-1::/apis/none")})
		if code(err) != "NotFoundException" {
			t.Errorf("of none: %v", err)
		}
	})
	t.Run("come in pages", func(t *testing.T) {
		newGateway(t, c)
		newGateway(t, c)
		seen := map[string]bool{}
		in := &apigatewayv2.GetApisInput{MaxResults: aws.String("2")}
		for pages := 1; ; pages++ {
			out, err := g.GetApis(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range out.Items {
				seen[*a.ApiId] = true
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				if pages != 2 || len(seen) != 3 {
					t.Errorf("%d pages, %d APIs", pages, len(seen))
				}
				break
			}
		}
	})
	t.Run("are another's in another region", func(t *testing.T) {
		there := apigatewayv2.NewFromConfig(c.AWS("us-east-1"))
		_, err := there.GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: g.id})
		if code(err) != "NotFoundException" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("are gone once deleted", func(t *testing.T) {
		if _, err := g.DeleteApi(t.Context(), &apigatewayv2.DeleteApiInput{ApiId: g.id}); err != nil {
			t.Fatal(err)
		}
		_, err := g.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: g.id})
		if code(err) != "NotFoundException" {
			t.Errorf("got %v", err)
		}
	})
}

func TestIntegrations(t *testing.T) {
	g := newGateway(t, sandboxtest.InProcess(t, sandbox.Options{}))
	t.Run("take a function's ARN in both forms", func(t *testing.T) {
		for _, uri := range []string{orders, orders + ":prod", "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + orders + ":prod/invocations"} {
			id := g.integrate(uri)
			got, err := g.GetIntegration(t.Context(), &apigatewayv2.GetIntegrationInput{ApiId: g.id, IntegrationId: aws.String(id)})
			if err != nil || *got.IntegrationUri != uri || *got.PayloadFormatVersion != "2.0" || *got.TimeoutInMillis != 30000 {
				t.Errorf("%s: %+v, %v", uri, got, err)
			}
		}
	})
	for name, tc := range map[string]struct {
		change func(*apigatewayv2.CreateIntegrationInput)
		want   string
	}{
		"no payload format": {func(in *apigatewayv2.CreateIntegrationInput) { in.PayloadFormatVersion = nil }, "BadRequestException"},
		"no function":       {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String("https://example.org") }, "BadRequestException"},
		"too long":          {func(in *apigatewayv2.CreateIntegrationInput) { in.TimeoutInMillis = aws.Int32(30001) }, "BadRequestException"},
		"another kind":      {func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationType = types.IntegrationTypeHttpProxy }, "NotImplementedException"},
		"unknown member":    {func(in *apigatewayv2.CreateIntegrationInput) { in.ConnectionId = aws.String("vpc") }, "NotImplementedException"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			in := &apigatewayv2.CreateIntegrationInput{ApiId: g.id, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(orders), PayloadFormatVersion: aws.String("2.0")}
			tc.change(in)
			if _, err := g.CreateIntegration(t.Context(), in); code(err) != tc.want {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("one that a route uses stays", func(t *testing.T) {
		id := g.integrate(orders)
		rt := g.route("ANY /", id, "")
		in := &apigatewayv2.DeleteIntegrationInput{ApiId: g.id, IntegrationId: aws.String(id)}
		if _, err := g.DeleteIntegration(t.Context(), in); code(err) != "ConflictException" {
			t.Errorf("got %v", err)
		}
		if _, err := g.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: g.id, RouteId: rt.RouteId}); err != nil {
			t.Fatal(err)
		}
		if _, err := g.DeleteIntegration(t.Context(), in); err != nil {
			t.Error(err)
		}
	})
	t.Run("there are 300 at most", func(t *testing.T) {
		g := newGateway(t, g.cloud)
		for range 300 {
			g.integrate(orders)
		}
		_, err := g.CreateIntegration(t.Context(), &apigatewayv2.CreateIntegrationInput{ApiId: g.id, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(orders), PayloadFormatVersion: aws.String("2.0")})
		if err == nil || !strings.Contains(err.Error(), "Maximum number of Integrations for this API has been reached") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRoutes(t *testing.T) {
	g := newGateway(t, sandboxtest.InProcess(t, sandbox.Options{}))
	id := g.integrate(orders)
	first := g.route("ANY /shop/prod/orders/{proxy+}", id, types.AuthorizationTypeAwsIam)
	if first.AuthorizationType != types.AuthorizationTypeAwsIam || *first.Target != "integrations/"+id {
		t.Errorf("created as %+v", first)
	}
	create := func(key, target string) error {
		_, err := g.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: g.id, RouteKey: aws.String(key), Target: aws.String(target)})
		return err
	}
	t.Run("keys are unique", func(t *testing.T) {
		if err := create(*first.RouteKey, "integrations/"+id); code(err) != "ConflictException" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("keys have a form", func(t *testing.T) {
		for _, key := range []string{"/shop", "FETCH /shop", "GET shop", "GET /{proxy+}/more", "GET /a{b}", "GET /{a}/{a}", "GET /a?b", "default", "GET  /a"} {
			if err := create(key, "integrations/"+id); code(err) != "BadRequestException" {
				t.Errorf("%q: %v", key, err)
			}
		}
	})
	t.Run("the target has to be there", func(t *testing.T) {
		for _, target := range []string{"integrations/none", id} {
			if err := create("GET /"+target, target); code(err) != "BadRequestException" {
				t.Errorf("%q: %v", target, err)
			}
		}
	})
	t.Run("an update changes what it names", func(t *testing.T) {
		out, err := g.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: g.id, RouteId: first.RouteId, AuthorizationType: types.AuthorizationTypeNone})
		if err != nil || out.AuthorizationType != types.AuthorizationTypeNone || *out.RouteKey != *first.RouteKey || *out.Target != *first.Target {
			t.Errorf("got %+v, %v", out, err)
		}
		_, err = g.UpdateRoute(t.Context(), &apigatewayv2.UpdateRouteInput{ApiId: g.id, RouteId: aws.String("none"), AuthorizationType: types.AuthorizationTypeNone})
		if code(err) != "NotFoundException" {
			t.Errorf("of none: %v", err)
		}
	})
	t.Run("there are 300 at most, in pages", func(t *testing.T) {
		for i := range 299 {
			g.route(fmt.Sprintf("GET /%d", i), id, "")
		}
		if err := create("GET /more", "integrations/"+id); err == nil || !strings.Contains(err.Error(), "Maximum number of Routes for this API has been reached") {
			t.Errorf("got %v", err)
		}
		n, pages := 0, 0
		in := &apigatewayv2.GetRoutesInput{ApiId: g.id, MaxResults: aws.String("100")}
		for pages == 0 || in.NextToken != nil {
			out, err := g.GetRoutes(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			n += len(out.Items)
			pages++
			in.NextToken = out.NextToken
		}
		if n != 300 || pages != 3 {
			t.Errorf("%d routes in %d pages", n, pages)
		}
	})
}

func TestStages(t *testing.T) {
	g := newGateway(t, sandboxtest.InProcess(t, sandbox.Options{}))
	g.stage("$default")
	got, err := g.GetStage(t.Context(), &apigatewayv2.GetStageInput{ApiId: g.id, StageName: aws.String("$default")})
	if err != nil || !*got.AutoDeploy {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = g.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: g.id, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)})
	if code(err) != "ConflictException" {
		t.Errorf("twice: %v", err)
	}
	_, err = g.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: g.id, StageName: aws.String("a b"), AutoDeploy: aws.Bool(true)})
	if code(err) != "BadRequestException" {
		t.Errorf("a bad name: %v", err)
	}
	_, err = g.GetStage(t.Context(), &apigatewayv2.GetStageInput{ApiId: g.id, StageName: aws.String("none")})
	if code(err) != "NotFoundException" {
		t.Errorf("of none: %v", err)
	}
}
