//go:build dynamodblocal

package ledger_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
)

// TestDynamoDBLocalPassesTheLedgerCases runs the cases in real time against AWS's own implementation. The script
// .ci/dynamodb-local fetches and starts it and sets the variable.
func TestDynamoDBLocalPassesTheLedgerCases(t *testing.T) {
	endpoint := os.Getenv("PROMOTE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Fatal("PROMOTE_DYNAMODB_ENDPOINT is not set; run .ci/dynamodb-local")
	}
	local := func(t *testing.T, app string) *fixture {
		f := &fixture{
			T: t, inner: http.DefaultTransport, table: "ledger", scope: promotion.Scope{App: app, Environment: "prod"},
			env: map[string]string{
				"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
			},
		}
		f.createTable()
		return f
	}
	t.Run("cases", func(t *testing.T) {
		for i, c := range allCases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(local(t, fmt.Sprintf("case-%d", i)))
			})
		}
	})
	if !t.Failed() {
		t.Logf("%d ledger cases passed on DynamoDB Local", len(allCases))
	}
	const histories = 30
	sum := map[string]int{}
	for n := range histories {
		if fault := perform(local(t, fmt.Sprintf("random-%d", n)), schedules.Example(n), sum); fault != "" {
			t.Fatal(fault)
		}
	}
	t.Logf("%d histories on a ledger in DynamoDB Local: %v", histories, sum)
}
