package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/endpoint"
	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A wiring is what the adapters of one run have in common.
type wiring struct {
	getenv    func(string) string
	workspace string
	mask      func(string)
	tell      func(promotion.Event)
}

// runner opens the target's account and ties the adapters to the story.
func (w wiring) runner(ctx context.Context, t config.Target) (*promotion.Runner, error) {
	acct, err := account.Open(ctx, account.Options{
		Region:          t.Settings.Region,
		Role:            t.Settings.Role,
		AllowedAccounts: t.Settings.AllowedAccounts,
		Rates:           account.Rates{Shared: float64(t.Settings.APIRate)},
		Getenv:          w.getenv,
		Mask:            w.mask,
		Version:         version,
		Tell: func(format string, args ...any) {
			if w.tell != nil {
				w.tell(promotion.Event{Stage: promotion.StageAWS, Text: fmt.Sprintf(format, args...)})
			}
		},
	})
	if err != nil {
		return nil, err
	}
	functions := lambda.NewFromConfig(acct.Config)
	lambdas := function.New(functions, s3.NewFromConfig(acct.Config), ecr.NewFromConfig(acct.Config), function.Options{
		Workspace:      w.workspace,
		ArtifactBucket: t.Settings.ArtifactBucket,
		UpdateTimeout:  t.Settings.UpdateTimeout + time.Minute, // the story's own limit comes first and says so
	})
	return &promotion.Runner{
		Packages:  lambdas,
		Functions: lambdas,
		Aliases:   lambdas,
		Checks: check.New(functions, check.Options{
			Workspace:   w.workspace,
			Region:      t.Settings.Region,
			Credentials: acct.Config.Credentials,
		}),
		Routes: endpoint.New(apigatewayv2.NewFromConfig(acct.Config), functions),
		Limits: promotion.Limits{Update: t.Settings.UpdateTimeout},
		Tell:   w.tell,
	}, nil
}

// carryOut does what the target's request asks for, on every road to an outcome.
func (w wiring) carryOut(ctx context.Context, t config.Target) promotion.Outcome {
	if refused, is := promotion.Refuse(t.Request); is && t.Request.Mode != promotion.ModeSetup {
		return refused
	}
	runner, err := w.runner(ctx, t)
	if err != nil {
		return promotion.Unopened(t.Request, err)
	}
	if t.Request.Mode == promotion.ModeSetup {
		return runner.Setup(ctx, t.Request)
	}
	return runner.Run(ctx, t.Request)
}
