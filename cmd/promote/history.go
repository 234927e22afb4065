package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// historyShown is how many entries of each environment are shown unless something else is asked for.
const historyShown = 20

// kindsOfEntries are what a history can be narrowed to.
var kindsOfEntries = []promotion.EntryKind{
	promotion.EntryPromotion, promotion.EntryRollback, promotion.EntryUndone, promotion.EntryRaised, promotion.EntryFloor,
}

// history is the command that shows what was promoted when.
func (c *command) history() *cobra.Command {
	cmd := c.configured(promotion.ModeHistory, &cobra.Command{
		Use: "history", Short: "Show what was promoted when",
		Long: `Show what was promoted to the environments, rolled back and undone, newest first: when, by whom, from which
version to which, and by which evidence. Nothing is changed.`,
	})
	var since, until, kind, commit, release string
	limit := cmd.Flags().Int("limit", historyShown, "How many entries of each environment to show; 0 is all")
	cmd.Flags().StringVar(&since, "since", "", "Only what is younger: a time (2026-11-21, 2026-11-21T08:00:00Z) or a duration (36h)")
	cmd.Flags().StringVar(&until, "until", "", "Only what is older: a time or a duration")
	cmd.Flags().StringVar(&kind, "kind", "", "Only entries of one kind: "+kindNames())
	cmd.Flags().StringVar(&commit, "of-commit", "", "Only what was promoted of this commit")
	cmd.Flags().StringVar(&release, "of-release", "", "Only what was promoted of this release")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s := c.surrounding(cmd, promotion.ModeHistory)
		result, faults := s.load(flags(cmd))
		query := promotion.Query{Limit: *limit, Kind: promotion.EntryKind(kind), Commit: strings.ToLower(commit), WithRelease: release}
		faults = append(faults, narrow(&query, since, until)...)
		if len(faults) > 0 {
			c.show(promotion.BadInput(result.Request, faults), nil, "")
			return nil
		}
		if f, narrowed := only(result); narrowed {
			query.Function = f
		}
		w := wiring{getenv: c.getenv, workspace: s.workspace, mask: func(string) {}}
		histories, err := w.histories(cmd.Context(), result.Targets, query)
		if err != nil {
			c.show(promotion.Unopened(result.Request, err), nil, "")
			return nil
		}
		if c.json {
			c.stdout.Write(report.HistoryJSON(histories))
		} else {
			io.WriteString(c.stdout, report.HistoryTable(histories))
		}
		return nil
	}
	return cmd
}

// only is the function that a history is narrowed to, where it is about a single one of several.
func only(result config.Result) (string, bool) {
	if len(result.Request.Functions) != 1 {
		return "", false
	}
	return result.Request.Functions[0].Key, true
}

func kindNames() string {
	var names []string
	for _, k := range kindsOfEntries {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// narrow reads the times and the kind, and says what is wrong with them.
func narrow(q *promotion.Query, since, until string) []promotion.Fault {
	var faults []promotion.Fault
	at := func(flag, text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		if d, err := time.ParseDuration(text); err == nil && d >= 0 {
			return time.Now().Add(-d)
		}
		for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
			if t, err := time.Parse(form, text); err == nil {
				return t
			}
		}
		faults = append(faults, promotion.Fault{Where: promotion.Where{Input: flag}, What: fmt.Sprintf("%q is no time", text),
			Accepted: "2026-11-21, 2026-11-21T08:00:00Z, or a duration such as 36h"})
		return time.Time{}
	}
	q.Since, q.Until = at("--since", since), at("--until", until)
	if q.Kind != "" && !slices.Contains(kindsOfEntries, q.Kind) {
		faults = append(faults, promotion.Fault{Where: promotion.Where{Input: "--kind"}, What: fmt.Sprintf("%q is no kind of entry", q.Kind), Accepted: kindNames()})
	}
	if q.Limit < 0 {
		faults = append(faults, promotion.Fault{Where: promotion.Where{Input: "--limit"}, What: "the limit is negative", Accepted: "a number from 0"})
	}
	return faults
}

// publishHistory is mode history of a step: the newest entries in the log and in the job summary.
func (a *action) publishHistory(ctx context.Context, result config.Result) int {
	query := promotion.Query{Limit: historyShown}
	if f, narrowed := only(result); narrowed {
		query.Function = f
	}
	histories, err := a.histories(ctx, result.Targets, query)
	if err != nil {
		failed := promotion.Unopened(result.Request, err)
		publish(a.step, failed, "")
		return give(a.step, failed, report.Published{})
	}
	a.step.Foreign(report.HistoryTable(histories))
	warn(a.step, a.step.AddSummary(report.HistorySummary(histories, contextOf(a.step))))
	return 0
}
