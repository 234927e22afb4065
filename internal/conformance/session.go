package conformance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	// Tag marks everything that a run makes; its value is when the run began, in RFC 3339.
	Tag = "promote-conformance"
	// names begins the name of everything that a run makes.
	names = "promote-conformance-"

	totalWithin = 50 * time.Minute
)

// The environment variables that a session reads.
const (
	AccountVariable     = "PROMOTE_CONFORMANCE_ACCOUNT"     // the account's twelve digits, so that no other one is used
	RoleVariable        = "PROMOTE_CONFORMANCE_ROLE"        // an execution role that exists; "" to make one
	ProvisionedVariable = "PROMOTE_CONFORMANCE_PROVISIONED" // "1" to pay for provisioned concurrency
	ReportVariable      = "PROMOTE_CONFORMANCE_REPORT"      // a file for the results as Markdown
)

var errTotal = errors.New("the run took longer than it may")

// A Session is a run on the account that its credentials reach.
type Session struct {
	AWS    aws.Config
	Getenv func(string) string
	Out    io.Writer
	// Package makes deployment packages; nil is [Python].
	Package func(name string) Package
}

// Run tries all points, prints the results and removes what it made, also when ctx ends. The error is that a point
// was refuted, that the run was cut short, or that something could not be removed.
func (s Session) Run(ctx context.Context) (err error) {
	if err := s.guard(ctx); err != nil {
		return err
	}
	if s.Package == nil {
		s.Package = Python
	}
	ctx, cancel := context.WithTimeoutCause(ctx, totalWithin, errTotal)
	defer cancel()
	began := time.Now().UTC()
	c := Config{
		AWS: s.AWS, Package: s.Package, Provisioned: s.Getenv(ProvisionedVariable) == "1",
		Prefix: prefix(began), Tags: map[string]string{Tag: began.Format(time.RFC3339)},
		Role: s.Getenv(RoleVariable),
	}
	points := Points()
	fmt.Fprintf(s.Out, "Region %s; everything that is made is called %s... and removed again.\n", s.AWS.Region, c.Prefix)
	fmt.Fprintf(s.Out, "%s", Total(points, c.Provisioned).Bill())
	if !c.Provisioned {
		fmt.Fprintf(s.Out, "Points that need provisioned concurrency are left out; %s=1 tries them.\n", ProvisionedVariable)
	}
	fmt.Fprintf(s.Out, "Calls: %g/s to Lambda's control plane, at most %d in all, for at most %v. Bursts of up to 60 calls take\n"+
		"the account's whole quota in this region for about a second each: others may be throttled then.\n\n", controlRate, maxCalls, totalWithin)
	if c.Role == "" {
		r := roles{s.AWS}
		defer func() { err = errors.Join(err, r.remove(ctx, c.Prefix)) }()
		if c.Role, err = r.make(ctx, c.Prefix, c.Tags); err != nil {
			return err
		}
	}
	rows, err := New(c).Run(ctx, points, s.Out)
	return errors.Join(err, s.report(rows, began), verdict(ctx, rows))
}

// guard holds that the credentials are those of the account that was meant.
func (s Session) guard(ctx context.Context) error {
	want := s.Getenv(AccountVariable)
	if len(want) != 12 {
		return fmt.Errorf("set %s to the twelve digits of the account that may be used", AccountVariable)
	}
	out, err := sts.NewFromConfig(s.AWS).GetCallerIdentity(ctx, nil)
	if err != nil {
		return fmt.Errorf("ask whose credentials these are: %w", err)
	}
	if got := aws.ToString(out.Account); got != want {
		return fmt.Errorf("the credentials are those of account %s, and %s is %s: nothing was done", got, AccountVariable, want)
	}
	return nil
}

func (s Session) report(rows []Row, began time.Time) error {
	table := Table(rows)
	fmt.Fprintf(s.Out, "\n%s", table)
	path := s.Getenv(ReportVariable)
	if path == "" {
		return nil
	}
	text := fmt.Sprintf("# Conformance of AWS\n\nRegion %s, %s.\n\n%s", s.AWS.Region, began.Format(time.RFC3339), table)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func verdict(ctx context.Context, rows []Row) error {
	refuted := 0
	for _, r := range rows {
		if r.Verdict == Refuted {
			refuted++
		}
	}
	var errs []error
	if refuted > 0 {
		errs = append(errs, fmt.Errorf("%d points are refuted: AWS does not behave as is relied on", refuted))
	}
	if ctx.Err() != nil {
		errs = append(errs, fmt.Errorf("the run was cut short: %w", context.Cause(ctx)))
	}
	return errors.Join(errs...)
}

// prefix is a new one, which tells people when it was made.
func prefix(now time.Time) string {
	random := make([]byte, 3)
	rand.Read(random) // never fails: https://pkg.go.dev/crypto/rand#Read
	return names + now.Format("20060102-1504") + "-" + hex.EncodeToString(random)
}
