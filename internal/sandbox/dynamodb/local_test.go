//go:build dynamodblocal

package dynamodb_test

import (
	"os"
	"testing"
)

// TestDynamoDBLocalPassesTheSuite holds the suite against AWS's own implementation. The script
// .ci/dynamodb-local fetches and starts it and sets the variable.
func TestDynamoDBLocalPassesTheSuite(t *testing.T) {
	endpoint := os.Getenv("PROMOTE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Fatal("PROMOTE_DYNAMODB_ENDPOINT is not set; run .ci/dynamodb-local")
	}
	n := suite(t, server{client: newClient(endpoint, true), local: true})
	t.Logf("%d cases passed on DynamoDB Local", n)
}
