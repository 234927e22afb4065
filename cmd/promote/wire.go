package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/endpoint"
	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
	"github.com/promote-on-success/promote/internal/table"
)

// A wiring is what the adapters of one run have in common.
type wiring struct {
	getenv    func(string) string
	workspace string
	mask      func(string)
	tell      func(promotion.Event)
	commits   promotion.History // how commits stand to each other
	hub       *github.Client    // nil where GitHub cannot be asked
	workflow  bool              // this is a step of a workflow: people are told on GitHub
	grace     *grace            // how long they may be told after an interruption
	web       *http.Client      // that carries every call; nil is one for each service, with timeouts
}

// runner opens the target's account and ties the adapters to the story.
func (w wiring) runner(ctx context.Context, t config.Target) (*promotion.Runner, *account.Account, error) {
	options := account.Options{
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
	}
	if w.web != nil {
		options.HTTPClient = w.web
	}
	acct, err := account.Open(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	functions := lambda.NewFromConfig(acct.Config)
	lambdas := function.New(functions, s3.NewFromConfig(acct.Config), ecr.NewFromConfig(acct.Config), function.Options{
		Workspace:      w.workspace,
		ArtifactBucket: t.Settings.ArtifactBucket,
		UpdateTimeout:  t.Settings.UpdateTimeout + time.Minute, // the story's own limit comes first and says so
	})
	runner := &promotion.Runner{
		Packages:  lambdas,
		Functions: lambdas,
		Aliases:   lambdas,
		Checks: check.New(functions, check.Options{
			Workspace:   w.workspace,
			Region:      t.Settings.Region,
			Credentials: acct.Config.Credentials,
			HTTP:        w.web,
		}),
		Routes:  endpoint.New(apigatewayv2.NewFromConfig(acct.Config), functions),
		Commits: w.commits,
		Limits:  promotion.Limits{Update: t.Settings.UpdateTimeout},
		Tell:    w.tell,
	}
	if t.Settings.LockTable != noLockTable {
		rows := table.New(dynamodb.NewFromConfig(acct.Config), t.Settings.LockTable, table.Current())
		runner.Locks, runner.Ledger, runner.Table = lease.New(rows), ledger.New(rows), lockTable{rows}
	}
	return runner, acct, nil
}

// noLockTable switches locking off, by name.
const noLockTable = "none"

// A lockTable is the table as setup sees it.
type lockTable struct{ rows *table.Table }

func (t lockTable) Setup(ctx context.Context, say promotion.Say) ([]string, error) {
	state, err := t.rows.Setup(ctx, say)
	return state.Differences, err
}

// A carriedOut is what came of a target's request.
type carriedOut struct {
	outcome   promotion.Outcome
	owner     promotion.Secret // what mode lock leaves to later steps: the token of the lock that they go on under
	published report.Published
	told      bool // everybody was told, or what failed there is among the warnings; false if there was no time
}

// carryOut does what the target's request asks for, on every road to an outcome, and tells people of it.
func (w wiring) carryOut(ctx context.Context, t config.Target) carriedOut {
	h := w.newHub(t)
	tell := w.tell
	w.tell = func(e promotion.Event) {
		h.heard(e)
		if tell != nil {
			tell(e)
		}
	}
	h.begin(ctx)
	defer func() {
		if p := recover(); p != nil {
			h.end(ctx, defective(t.Request, p))
			panic(p)
		}
	}()
	outcome, owner := w.play(ctx, t, h)
	published, faults, told := h.end(ctx, outcome)
	outcome.Warnings = append(outcome.Warnings, faults...)
	return carriedOut{outcome, owner, published, told}
}

// defective is what people are told of a run that has met a defect of this program.
func defective(req promotion.Request, p any) promotion.Outcome {
	now := time.Now()
	return promotion.Outcome{
		Kind: promotion.Failed, Reason: promotion.ReasonInternal, Sentence: "the run ended by a defect of promote; mode status shows what the environment holds",
		Request: req, Started: now, Finished: now,
		Faults: []promotion.Fault{{What: fmt.Sprintf("internal error: %v", p), Hint: "please report it with the log"}},
	}
}

func (w wiring) play(ctx context.Context, t config.Target, h *hub) (promotion.Outcome, promotion.Secret) {
	req := t.Request
	if refused, is := promotion.Refuse(req); is {
		return refused, ""
	}
	r, acct, err := w.runner(ctx, t)
	if err != nil {
		return promotion.Unopened(req, err), ""
	}
	h.ledger, h.account, h.aws = r.Ledger, acct.ID, acct.Config
	switch req.Mode {
	case promotion.ModeSetup:
		return r.Setup(ctx, req), ""
	case promotion.ModeRollback:
		return r.Rollback(ctx, req), ""
	case promotion.ModeAbort:
		return r.Abort(ctx, req), ""
	case promotion.ModeReconcile:
		return r.Reconcile(ctx, req), ""
	case promotion.ModeUnlock:
		return r.Unlock(ctx, req), ""
	case promotion.ModeLock:
		return r.Lock(ctx, req)
	}
	return r.Run(ctx, req), ""
}
