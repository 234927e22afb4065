package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// SDK is a [Caller] that sends calls through the AWS SDK, whatever the operation: the client's method is
// found by its name and the input filled member by member.
type SDK struct {
	clients map[string]any
	book    *Book
}

// NewSDK returns a caller for the endpoint, credentials and HTTP client in cfg. Retries are off.
func NewSDK(cfg aws.Config, book *Book) *SDK {
	cfg.RetryMaxAttempts = 1
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	cfg.HTTPClient = &tap{cfg.HTTPClient}
	return &SDK{book: book, clients: map[string]any{
		"lambda":   lambda.NewFromConfig(cfg),
		"dynamodb": dynamodb.NewFromConfig(cfg),
	}}
}

func splitOp(op string) (service, operation string, err error) {
	service, operation, ok := strings.Cut(op, ":")
	if !ok {
		return "", "", fmt.Errorf("%q is not service:Operation", op)
	}
	return service, operation, nil
}

// A wire is an answer as it came.
type wire struct {
	status int
	header http.Header
	body   []byte
}

type wireKey struct{}

// A tap keeps what an HTTP client received where the context asks for it.
type tap struct{ next aws.HTTPClient }

func (t *tap) Do(r *http.Request) (*http.Response, error) {
	next := t.next
	if next == nil {
		next = http.DefaultClient
	}
	response, err := next.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if seen, ok := r.Context().Value(wireKey{}).(*wire); ok {
		*seen = wire{response.StatusCode, response.Header, body}
	}
	return response, err
}

// Call sends one call.
func (s *SDK) Call(ctx context.Context, service, operation string, params map[string]any) (Answer, error) {
	client, ok := s.clients[service]
	if !ok {
		return Answer{}, fmt.Errorf("no client for %s", service)
	}
	method := reflect.ValueOf(client).MethodByName(operation)
	if !method.IsValid() {
		return Answer{}, fmt.Errorf("the SDK's client for %s has no %s", service, operation)
	}
	input := reflect.New(method.Type().In(1).Elem())
	if err := s.fill(input.Elem(), params, operation); err != nil {
		return Answer{}, err
	}
	var seen wire
	ctx = context.WithValue(ctx, wireKey{}, &seen)
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
	failure, _ := out[1].Interface().(error)
	if seen.status == 0 {
		return Answer{}, fmt.Errorf("%s was not sent: %w", operation, failure)
	}
	answer := Answer{Status: seen.status, Doc: document(operation, seen)}
	if failure == nil {
		return answer, nil
	}
	var api smithy.APIError
	if !errors.As(failure, &api) {
		return Answer{}, fmt.Errorf("%s: %w", operation, failure)
	}
	answer.Error, answer.Message = api.ErrorCode(), api.ErrorMessage()
	return answer, nil
}

// document is the answer's JSON; Invoke's members travel in headers.
func document(operation string, seen wire) map[string]any {
	doc := map[string]any{}
	if operation != "Invoke" || seen.status >= 300 {
		json.Unmarshal(seen.body, &doc) // an empty body is an answer without members
		return doc
	}
	doc["StatusCode"] = seen.status
	for member, header := range map[string]string{
		"ExecutedVersion": "X-Amz-Executed-Version", "FunctionError": "X-Amz-Function-Error", "LogResult": "X-Amz-Log-Result",
	} {
		if v := seen.header.Get(header); v != "" {
			doc[member] = v
		}
	}
	if len(seen.body) > 0 {
		doc["Payload"] = string(seen.body)
	}
	return doc
}
