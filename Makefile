.PHONY: test demo lint bench oracles model conformance conformance-sweep ci long

test:
	go test ./...

demo:
	go run ./cmd/sandbox demo

lint:
	test -z "$$(gofmt -l cmd internal examples)"
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags container,act,dynamodblocal,openapi,aws ./...

bench:
	go test -run '^$$' -bench . -benchtime 1s ./...

# The sandbox against AWS's own DynamoDB Local and GitHub's own description of its API.
oracles:
	.ci/dynamodb-local
	.ci/github-openapi

# Every interleaving of what promotions rest on, as a model; see internal/promotion/model/README.md.
model:
	.ci/model

# Whether AWS behaves as promote relies on, on the account that the default credentials reach and that
# PROMOTE_CONFORMANCE_ACCOUNT names; see internal/conformance/README.md. Costs less than a cent.
conformance:
	go test -tags aws -run '^TestRealAccount$$' -count 1 -v -timeout 70m ./internal/conformance

# Removes what a run that was killed left behind.
conformance-sweep:
	go test -tags aws -run '^TestRealSweep$$' -count 1 -v -timeout 30m ./internal/conformance

ci:
	.ci/run

long:
	.ci/run --long
