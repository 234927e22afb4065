package conformance_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// leftovers lists all functions and tables of the sandbox.
func leftovers(t *testing.T, c *sandboxtest.Cloud) (left []string) {
	t.Helper()
	cfg := c.AWS()
	functions := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(cfg), nil)
	for functions.HasMorePages() {
		page, err := functions.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			left = append(left, aws.ToString(f.FunctionName))
		}
	}
	tables := dynamodb.NewListTablesPaginator(dynamodb.NewFromConfig(cfg), nil)
	for tables.HasMorePages() {
		page, err := tables.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, page.TableNames...)
	}
	return left
}
