package conformance_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// TestPrice holds that the price that is printed is an upper bound of what a run uses, and that it is small.
func TestPrice(t *testing.T) {
	for _, p := range conformance.Points() {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, slow)
			row := try(t, c, onSandbox(c), p)
			if row.Calls.Invoke > p.Most.Invocations {
				t.Errorf("%s invoked functions %d times, of at most %d", p.Name, row.Calls.Invoke, p.Most.Invocations)
			}
			// A transaction takes two units for each of its items.
			for operation, n := range c.Count("dynamodb") {
				units, most := 2*n, p.Most.Reads
				if operation == "TransactWriteItems" || operation == "PutItem" {
					units, most = 4*n, p.Most.Writes
					if p.Name == "table-fence-has-one-winner" {
						units = 2 * n // one item each
					}
				}
				if operation != "GetItem" && operation != "TransactWriteItems" && operation != "PutItem" {
					continue // tables themselves are free
				}
				if units > most {
					t.Errorf("%s took up to %d units by %s, of at most %d", p.Name, units, operation, most)
				}
			}
			if p.Provisioned != (p.Most.Provisioned > 0) {
				t.Errorf("%s provisions %d environments, and Provisioned is %t", p.Name, p.Most.Provisioned, p.Provisioned)
			}
		})
	}
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
		if !strings.HasSuffix(p.Claim, ".") || p.Promise == "" || p.Known == "" {
			t.Errorf("%s lacks its claim, its promise, or how it is known", p.Name)
		}
	}
}
