.PHONY: test demo lint bench conformance ci long

test:
	go test ./...

demo:
	go run ./cmd/sandbox demo

lint:
	test -z "$$(gofmt -l cmd internal examples)"
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags container,dynamodblocal,openapi,aws ./...

bench:
	go test -run '^$$' -bench . -benchtime 1s ./...

# The sandbox against AWS's own DynamoDB Local and GitHub's own description of its API.
conformance:
	.ci/dynamodb-local
	.ci/github-openapi

ci:
	.ci/run

long:
	.ci/run --long
