package main

import (
	"context"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// statuses reads what each target's environment holds.
func (w wiring) statuses(ctx context.Context, targets []config.Target) []report.EnvironmentStatus {
	var list []report.EnvironmentStatus
	for _, t := range targets {
		runner, _, err := w.runner(ctx, t)
		if err != nil {
			list = append(list, unreadable(t.Request, err))
			continue
		}
		list = append(list, overview(ctx, runner, t.Request))
	}
	return list
}

// everything reads what the environments of all apps hold that the target's table knows.
func (w wiring) everything(ctx context.Context, t config.Target) ([]report.EnvironmentStatus, error) {
	runner, _, err := w.runner(ctx, t)
	if err != nil {
		return nil, err
	}
	requests, err := runner.Recorded(ctx, t.Settings.Region)
	if err != nil {
		return nil, err
	}
	var list []report.EnvironmentStatus
	for _, req := range requests {
		list = append(list, overview(ctx, runner, req))
	}
	return list, nil
}

func overview(ctx context.Context, runner *promotion.Runner, req promotion.Request) report.EnvironmentStatus {
	v, err := runner.Overview(ctx, req)
	st := report.EnvironmentStatus{
		App: req.App, Environment: req.Environment, Functions: v.Functions, Ledger: v.Ledger, Open: v.Open, Holder: v.Holder, At: v.At,
	}
	if err != nil {
		for i := range st.Functions {
			if st.Functions[i].Err == nil {
				st.Functions[i].Err = err
			}
		}
	}
	return st
}

func unreadable(req promotion.Request, err error) report.EnvironmentStatus {
	st := report.EnvironmentStatus{App: req.App, Environment: req.Environment}
	for _, f := range req.Functions {
		st.Functions = append(st.Functions, promotion.FunctionStatus{Function: f, Err: err})
	}
	return st
}

// histories reads what was promoted to each target's environment.
func (w wiring) histories(ctx context.Context, targets []config.Target, q promotion.Query) ([]report.History, error) {
	var list []report.History
	for _, t := range targets {
		runner, _, err := w.runner(ctx, t)
		if err != nil {
			return nil, err
		}
		entries, err := runner.Ledger.History(ctx, t.Request.Scope(), q)
		if err != nil {
			return nil, err
		}
		list = append(list, report.History{Scope: t.Request.Scope(), Entries: entries})
	}
	return list, nil
}
