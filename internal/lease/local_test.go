//go:build dynamodblocal

package lease_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/promote-on-success/promote/internal/promotion"
)

// local runs a case in real time against AWS's own implementation. The script .ci/dynamodb-local fetches and starts it
// and sets the variable.
func local(t *testing.T, app string, run func(f *fixture)) {
	t.Helper()
	endpoint := os.Getenv("PROMOTE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Fatal("PROMOTE_DYNAMODB_ENDPOINT is not set; run .ci/dynamodb-local")
	}
	f := &fixture{
		T: t, inner: transport(), lease: 10 * time.Second, slack: 2 * time.Second, lock: promotion.Lock{App: app, Environment: "prod"},
		config: aws.Config{Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")},
	}
	f.createTable()
	run(f)
}

var transport = sync.OnceValue(func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return t
})

func TestDynamoDBLocalPassesTheLockCases(t *testing.T) {
	cases := slices.Concat(basicCases, waitingCases, preemptCases, lostCases)
	t.Run("cases", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				local(t, fmt.Sprintf("case-%d", i), c.run)
			})
		}
	})
	if !t.Failed() {
		t.Logf("%d lock cases passed on DynamoDB Local", len(cases))
	}
}

func TestDynamoDBLocalHoldsACrowdApart(t *testing.T) {
	local(t, "rush", rush)
	local(t, "line", func(f *fixture) { handOver(f, 2) })
}

func TestDynamoDBLocalFigures(t *testing.T) {
	local(t, "costs", costs)
	local(t, "idle", func(f *fixture) { idle(f, 15) })
}

// The schedules of TestRandomSchedules, side by side, each on a lock of its own.
func TestDynamoDBLocalUnderRandomSchedules(t *testing.T) {
	const histories = 16
	var (
		mu  sync.Mutex
		sum = map[string]int{}
	)
	t.Run("schedules", func(t *testing.T) {
		for n := range histories {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				local(t, fmt.Sprintf("random-%d", n), func(f *fixture) {
					h := schedules.Example(1000+n).perform(f, mutant{})
					if fault := h.fault(); fault != "" {
						t.Error(fault)
					}
					mu.Lock()
					defer mu.Unlock()
					h.tally(sum)
				})
			})
		}
	})
	t.Logf("%d histories on DynamoDB Local: %s", histories, tell(sum))
}
