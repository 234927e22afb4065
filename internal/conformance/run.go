package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Row is a point and what came of it.
type Row struct {
	Point
	Result
	Took  time.Duration
	Calls Calls
}

// errOver ends a point that takes longer than it may.
var errOver = errors.New("the point took longer than it may")

// Run tries points one after the other, and removes after each what it made. When ctx ends, the rest is not tried.
// The error is about what could not be removed: the rows are complete all the same.
func (e *Env) Run(ctx context.Context, points []Point, progress io.Writer) ([]Row, error) {
	var rows []Row
	var errs []error
	for _, p := range points {
		row := e.row(ctx, p)
		rows = append(rows, row)
		if ctx.Err() != nil && row.Took == 0 {
			continue
		}
		fmt.Fprintf(progress, "%-12s %s (%v): %s\n", row.Verdict, p.Name, row.Took.Round(100*time.Millisecond), row.Seen)
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
		errs = append(errs, e.Remove(clean))
		cancel()
	}
	return rows, errors.Join(errs...)
}

// removeWithin bounds how long the removal after one point may take.
const removeWithin = 2 * time.Minute

func (e *Env) row(ctx context.Context, p Point) Row {
	row := Row{Point: p, Result: Result{Verdict: Inconclusive}}
	switch {
	case ctx.Err() != nil:
		row.Seen = "not tried: " + context.Cause(ctx).Error()
		return row
	case p.Provisioned && !e.config.Provisioned:
		row.Seen = "not tried: provisioned concurrency was not asked for"
		return row
	}
	before, begin := e.pace.count(), time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, p.Within, errOver)
	defer cancel()
	result, err := p.try(ctx, e)
	if row.Result = result; err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		row.Result = Result{Verdict: Inconclusive, Seen: err.Error()}
	}
	row.Took = time.Since(begin)
	after := e.pace.count()
	row.Calls = Calls{after.Lambda - before.Lambda, after.Invoke - before.Invoke, after.DynamoDB - before.DynamoDB}
	return row
}

// try keeps a panic within the point, since what was made has to be removed whatever happens.
func (p Point) try(ctx context.Context, e *Env) (r Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the point panicked: %v", cause)
		}
	}()
	return p.check(ctx, e)
}

// Table is the results as Markdown.
func Table(rows []Row) string {
	var b strings.Builder
	b.WriteString("| point | what rests on it | result | seen | figures | time | calls |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	count := map[Verdict]int{}
	for _, r := range rows {
		count[r.Verdict]++
		calls := r.Calls.Lambda + r.Calls.Invoke + r.Calls.DynamoDB
		fmt.Fprintf(&b, "| %s | %s | **%s** | %s | %s | %v | %d |\n", r.Name, cell(cmp.Or(r.Promise, "nothing yet")), r.Verdict, cell(r.Seen), cell(r.Figures), r.Took.Round(100*time.Millisecond), calls)
	}
	fmt.Fprintf(&b, "\n%d confirmed, %d refuted, %d inconclusive.\n", count[Confirmed], count[Refuted], count[Inconclusive])
	return b.String()
}

// cell keeps a text within its cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
