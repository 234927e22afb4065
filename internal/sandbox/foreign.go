package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// ForeignPrincipal is who makes the changes of faults of kind ForeignWrite in an account.
func ForeignPrincipal(account string) string { return "arn:aws:iam::" + account + ":user/foreign" }

// lambdaWrites are the operations that another writer may use, as method and path. Parameters that the
// path does not name go into the body, or into the query where there is no body.
var lambdaWrites = map[string]string{
	"UpdateFunctionCode":                 "PUT /2015-03-31/functions/{FunctionName}/code",
	"UpdateFunctionConfiguration":        "PUT /2015-03-31/functions/{FunctionName}/configuration",
	"PublishVersion":                     "POST /2015-03-31/functions/{FunctionName}/versions",
	"DeleteFunction":                     "DELETE /2015-03-31/functions/{FunctionName}",
	"CreateAlias":                        "POST /2015-03-31/functions/{FunctionName}/aliases",
	"UpdateAlias":                        "PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}",
	"DeleteAlias":                        "DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name}",
	"AddPermission":                      "POST /2015-03-31/functions/{FunctionName}/policy",
	"RemovePermission":                   "DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}",
	"PutProvisionedConcurrencyConfig":    "PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
	"DeleteProvisionedConcurrencyConfig": "DELETE /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
}

// queryParameters are those that travel in the query even where there is a body.
var queryParameters = map[string]bool{"Qualifier": true}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// request writes the call as a client would send it.
func (w *Write) request() (*http.Request, error) {
	switch w.Service {
	case "dynamodb":
		body, err := json.Marshal(w.Parameters)
		if err != nil {
			return nil, fmt.Errorf("write.parameters: %w", err)
		}
		r, err := http.NewRequest(http.MethodPost, "http://localhost/", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+w.Operation)
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		return r, nil
	case "lambda":
		return w.lambdaRequest()
	}
	return nil, fmt.Errorf("write.service %q: lambda or dynamodb is needed", w.Service)
}

func (w *Write) lambdaRequest() (*http.Request, error) {
	pattern, ok := lambdaWrites[w.Operation]
	if !ok {
		return nil, fmt.Errorf("write.operation %q: another writer can use %s", w.Operation, strings.Join(slices.Sorted(maps.Keys(lambdaWrites)), ", "))
	}
	method, path, _ := strings.Cut(pattern, " ")
	rest := map[string]any{}
	for name, value := range w.Parameters {
		rest[name] = value
	}
	for _, match := range placeholder.FindAllStringSubmatch(path, -1) {
		value, _ := rest[match[1]].(string)
		if value == "" {
			return nil, fmt.Errorf("write.parameters: %s needs %s", w.Operation, match[1])
		}
		path = strings.Replace(path, match[0], url.PathEscape(value), 1)
		delete(rest, match[1])
	}
	query := url.Values{}
	for name, value := range rest {
		if method == http.MethodDelete || queryParameters[name] {
			query.Set(name, fmt.Sprint(value))
			delete(rest, name)
		}
	}
	var body []byte
	if method != http.MethodDelete {
		var err error
		if body, err = json.Marshal(rest); err != nil {
			return nil, fmt.Errorf("write.parameters: %w", err)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return http.NewRequest(method, "http://localhost"+path, bytes.NewReader(body))
}

// foreignWrite lets another writer's call take effect in the account and region of this one.
func (s *Server) foreignWrite(w Write, beside cloud.Call) error {
	r, err := w.request()
	if err != nil {
		return err
	}
	service, ok := s.services[w.Service]
	if !ok {
		return fmt.Errorf("the sandbox has no service %s", w.Service)
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		return err
	}
	call := cloud.Call{Account: beside.Account, Region: beside.Region, Principal: ForeignPrincipal(beside.Account), Request: r, Body: body.Bytes()}
	if call.Operation, call.Resource, ok = service.Identify(r, call.Body); !ok {
		return fmt.Errorf("the sandbox does not implement %s:%s", w.Service, call.Operation)
	}
	if reply := service.Do(s.ctx, call); reply.Status >= 300 {
		return fmt.Errorf("%s answered %d: %s", w.Operation, reply.Status, reply.Body)
	}
	return nil
}
