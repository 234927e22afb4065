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
		st := report.EnvironmentStatus{App: t.Request.App, Environment: t.Request.Environment}
		runner, err := w.runner(ctx, t)
		if err != nil {
			for _, f := range t.Request.Functions {
				st.Functions = append(st.Functions, promotion.FunctionStatus{Function: f, Err: err})
			}
		} else {
			st.Functions = runner.Status(ctx, t.Request)
		}
		list = append(list, st)
	}
	return list
}
