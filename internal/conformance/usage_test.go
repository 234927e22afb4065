package conformance_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// affordable holds that a point used no more of what costs money than it says.
func affordable(t *testing.T, c *sandboxtest.Cloud, row conformance.Row) {
	t.Helper()
	if row.Calls.Invoke > row.Most.Invocations {
		t.Errorf("it invoked functions %d times, of at most %d", row.Calls.Invoke, row.Most.Invocations)
	}
	calls := c.Count("dynamodb")
	items := 2 // in a transaction, at most
	if row.Name == "table-fence-has-one-winner" {
		items = 1
	}
	if units := 2*items*calls["TransactWriteItems"] + calls["PutItem"]; units > row.Most.Writes {
		t.Errorf("it took up to %d write units, of at most %d", units, row.Most.Writes)
	}
	if units := calls["GetItem"]; units > row.Most.Reads {
		t.Errorf("it took %d read units, of at most %d", units, row.Most.Reads)
	}
	if row.Provisioned != (row.Most.Provisioned > 0) {
		t.Errorf("it provisions %d environments, and Provisioned is %t", row.Most.Provisioned, row.Provisioned)
	}
}

// TestPrice holds that the price is small, and says where it comes from.
func TestPrice(t *testing.T) {
	all, some := conformance.Total(conformance.Points(), true), conformance.Total(conformance.Points(), false)
	if some.Provisioned != 0 || all.Provisioned == 0 {
		t.Errorf("provisioned concurrency is counted where it is not asked for, or not where it is: %+v, %+v", some, all)
	}
	if cents := all.Cents(); cents <= some.Cents() || cents > 1 {
		t.Errorf("it costs %.3f cents with provisioned concurrency, and %.3f without", cents, some.Cents())
	}
	bill := all.Bill()
	if !regexp.MustCompile(`at most \d+\.\d\d US cents`).MatchString(bill) || !strings.Contains(bill, "https://aws.amazon.com/lambda/pricing/") {
		t.Errorf("the bill is\n%s", bill)
	}
	t.Log(bill)
}

// TestPointsSayWhatTheyAre holds that each point can stand in a table.
func TestPointsSayWhatTheyAre(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range conformance.Points() {
		if seen[p.Name] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`).MatchString(p.Name) {
			t.Errorf("the name %q is no name, or is there twice", p.Name)
		}
		seen[p.Name] = true
		if !strings.HasSuffix(p.Claim, ".") || p.Known == "" {
			t.Errorf("%s lacks its claim, or how it is known", p.Name)
		}
	}
}
