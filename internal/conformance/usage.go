package conformance

import (
	"fmt"
	"strings"
)

// Usage is what a run uses of what AWS charges for. Calls to Lambda's control plane cost nothing.
type Usage struct {
	Invocations int
	// Provisioned is how many environments of 128 MB are kept warm, each for one billing period of five minutes.
	Provisioned int
	// Reads and Writes are request units of DynamoDB on demand; a transaction takes two for each item.
	Reads, Writes int
}

func (u Usage) plus(o Usage) Usage {
	return Usage{u.Invocations + o.Invocations, u.Provisioned + o.Provisioned, u.Reads + o.Reads, u.Writes + o.Writes}
}

// Total is the most that points use, those left out that are not asked for.
func Total(points []Point, provisioned bool) Usage {
	var u Usage
	for _, p := range points {
		if !p.Provisioned || provisioned {
			u = u.plus(p.Most)
		}
	}
	return u
}

// Prices in US dollars in us-east-1, without free tiers, from
// https://aws.amazon.com/lambda/pricing/ and https://aws.amazon.com/dynamodb/pricing/on-demand/.
const (
	pricesAsOf       = "2026-11-21"
	perInvocation    = 0.20 / 1e6
	perGBSecond      = 0.0000166667
	perWarmGBSecond  = 0.0000041667
	perReadUnit      = 0.125 / 1e6
	perWriteUnit     = 0.625 / 1e6
	memoryGB         = 0.125
	invocationLasts  = 0.5 // seconds, a cold start's initialization counted in; most take a hundredth of it
	provisionedLasts = 300 // seconds: provisioned concurrency is charged in steps of five minutes
)

// Cents is the most that it costs, in US cents.
func (u Usage) Cents() float64 {
	dollars := float64(u.Invocations)*(perInvocation+invocationLasts*memoryGB*perGBSecond) +
		float64(u.Provisioned)*provisionedLasts*memoryGB*perWarmGBSecond +
		float64(u.Reads)*perReadUnit + float64(u.Writes)*perWriteUnit
	return 100 * dollars
}

// Bill says what it costs at most, and by which prices.
func (u Usage) Bill() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Price: at most %.2f US cents.\n", u.Cents())
	fmt.Fprintf(&b, "  %d invocations of 128 MB for at most %.1f s, %d warm environments for 5 minutes,\n", u.Invocations, invocationLasts, u.Provisioned)
	fmt.Fprintf(&b, "  %d read and %d write units of DynamoDB on demand; calls to Lambda's control plane are free.\n", u.Reads, u.Writes)
	fmt.Fprintf(&b, "  Prices of us-east-1 without free tiers, as of %s:\n", pricesAsOf)
	fmt.Fprint(&b, "  https://aws.amazon.com/lambda/pricing/ and https://aws.amazon.com/dynamodb/pricing/on-demand/\n")
	return b.String()
}
