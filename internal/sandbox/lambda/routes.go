package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// An operation is one row of Lambda's API. Without do the sandbox knows its name, for the 501, and no more.
type operation struct {
	name, method, path string
	do                 func(*Service, context.Context, *request) (cloud.Reply, error)
	unlocked           bool // does its own locking: it runs code
}

// route finds the operation of a request and the values of its path's labels.
func route(r *http.Request) (*operation, map[string]string) {
	path := strings.TrimSuffix(r.URL.EscapedPath(), "/") // older SDKs end some paths with a slash
	segments := strings.Split(path, "/")
	for i := range operations {
		op := &operations[i]
		if op.method != r.Method {
			continue
		}
		pattern, query, _ := strings.Cut(op.path, "?")
		if query != "" && !hasQuery(r.URL, query) {
			continue
		}
		if labels, ok := match(strings.Split(pattern, "/"), segments); ok {
			return op, labels
		}
	}
	return nil, nil
}

func hasQuery(u *url.URL, pair string) bool {
	name, value, _ := strings.Cut(pair, "=")
	return u.Query().Get(name) == value
}

func match(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	labels := map[string]string{}
	for i, p := range pattern {
		if !strings.HasPrefix(p, "{") {
			if p != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		labels[strings.Trim(p, "{}")] = value
	}
	return labels, true
}

// resourceOf is the name of the function that a call is about, whichever way the caller wrote it.
func resourceOf(op *operation, labels map[string]string, body []byte) string {
	name := labels["FunctionName"]
	if name == "" {
		name = labels["Resource"]
	}
	if name == "" && op.name == "CreateFunction" {
		var in struct{ FunctionName string }
		if json.Unmarshal(body, &in) == nil {
			name = in.FunctionName
		}
	}
	if id, ok := parseIdentity(name); ok {
		return id.name
	}
	return name
}

// operations is Lambda's API; more specific rows stand before more general ones.
var operations = []operation{
	{name: "CreateFunction", method: "POST", path: "/2015-03-31/functions", do: (*Service).createFunction},
	{name: "GetFunction", method: "GET", path: "/2015-03-31/functions/{FunctionName}", do: (*Service).getFunction},
	{name: "GetFunctionConfiguration", method: "GET", path: "/2015-03-31/functions/{FunctionName}/configuration", do: (*Service).getFunctionConfiguration},
	{name: "UpdateFunctionCode", method: "PUT", path: "/2015-03-31/functions/{FunctionName}/code", do: (*Service).updateFunctionCode},
	{name: "UpdateFunctionConfiguration", method: "PUT", path: "/2015-03-31/functions/{FunctionName}/configuration", do: (*Service).updateFunctionConfiguration},
	{name: "DeleteFunction", method: "DELETE", path: "/2015-03-31/functions/{FunctionName}", do: (*Service).deleteFunction},
	{name: "ListFunctions", method: "GET", path: "/2015-03-31/functions", do: (*Service).listFunctions},
	{name: "PublishVersion", method: "POST", path: "/2015-03-31/functions/{FunctionName}/versions", do: (*Service).publishVersion},
	{name: "ListVersionsByFunction", method: "GET", path: "/2015-03-31/functions/{FunctionName}/versions", do: (*Service).listVersions},
	{name: "CreateAlias", method: "POST", path: "/2015-03-31/functions/{FunctionName}/aliases", do: (*Service).createAlias},
	{name: "GetAlias", method: "GET", path: "/2015-03-31/functions/{FunctionName}/aliases/{Name}", do: (*Service).getAlias},
	{name: "UpdateAlias", method: "PUT", path: "/2015-03-31/functions/{FunctionName}/aliases/{Name}", do: (*Service).updateAlias},
	{name: "DeleteAlias", method: "DELETE", path: "/2015-03-31/functions/{FunctionName}/aliases/{Name}", do: (*Service).deleteAlias},
	{name: "ListAliases", method: "GET", path: "/2015-03-31/functions/{FunctionName}/aliases", do: (*Service).listAliases},
	{name: "Invoke", method: "POST", path: "/2015-03-31/functions/{FunctionName}/invocations", do: (*Service).invoke, unlocked: true},
	{name: "AddPermission", method: "POST", path: "/2015-03-31/functions/{FunctionName}/policy", do: (*Service).addPermission},
	{name: "RemovePermission", method: "DELETE", path: "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", do: (*Service).removePermission},
	{name: "GetPolicy", method: "GET", path: "/2015-03-31/functions/{FunctionName}/policy", do: (*Service).getPolicy},
	{name: "CreateFunctionUrlConfig", method: "POST", path: "/2021-10-31/functions/{FunctionName}/url", do: (*Service).createURL},
	{name: "GetFunctionUrlConfig", method: "GET", path: "/2021-10-31/functions/{FunctionName}/url", do: (*Service).getURL},
	{name: "UpdateFunctionUrlConfig", method: "PUT", path: "/2021-10-31/functions/{FunctionName}/url", do: (*Service).updateURL},
	{name: "DeleteFunctionUrlConfig", method: "DELETE", path: "/2021-10-31/functions/{FunctionName}/url", do: (*Service).deleteURL},
	{name: "ListFunctionUrlConfigs", method: "GET", path: "/2021-10-31/functions/{FunctionName}/urls", do: (*Service).listURLs},
	{name: "TagResource", method: "POST", path: "/2017-03-31/tags/{Resource}", do: (*Service).tagResource},
	{name: "UntagResource", method: "DELETE", path: "/2017-03-31/tags/{Resource}", do: (*Service).untagResource},
	{name: "ListTags", method: "GET", path: "/2017-03-31/tags/{Resource}", do: (*Service).listTags},
	{name: "PutFunctionConcurrency", method: "PUT", path: "/2017-10-31/functions/{FunctionName}/concurrency", do: (*Service).putConcurrency},
	{name: "GetFunctionConcurrency", method: "GET", path: "/2019-09-30/functions/{FunctionName}/concurrency", do: (*Service).getConcurrency},
	{name: "DeleteFunctionConcurrency", method: "DELETE", path: "/2017-10-31/functions/{FunctionName}/concurrency", do: (*Service).deleteConcurrency},
	{name: "ListProvisionedConcurrencyConfigs", method: "GET", path: "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", do: (*Service).listProvisioned},
	{name: "PutProvisionedConcurrencyConfig", method: "PUT", path: "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", do: (*Service).putProvisioned},
	{name: "GetProvisionedConcurrencyConfig", method: "GET", path: "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", do: (*Service).getProvisioned},
	{name: "DeleteProvisionedConcurrencyConfig", method: "DELETE", path: "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", do: (*Service).deleteProvisioned},
	{name: "GetFunctionCodeSigningConfig", method: "GET", path: "/2020-06-30/functions/{FunctionName}/code-signing-config", do: (*Service).getCodeSigning},
	{name: "GetFunctionEventInvokeConfig", method: "GET", path: "/2019-09-25/functions/{FunctionName}/event-invoke-config", do: (*Service).getEventInvoke},
	{name: "GetAccountSettings", method: "GET", path: "/2016-08-19/account-settings", do: (*Service).getAccountSettings},

	// Known by name only.
	{name: "GetLayerVersionByArn", method: "GET", path: "/2018-10-31/layers?find=LayerVersion"},
	{name: "InvokeAsync", method: "POST", path: "/2014-11-13/functions/{FunctionName}/invoke-async"},
	{name: "InvokeWithResponseStream", method: "POST", path: "/2021-11-15/functions/{FunctionName}/response-streaming-invocations"},
	{name: "ListFunctionEventInvokeConfigs", method: "GET", path: "/2019-09-25/functions/{FunctionName}/event-invoke-config/list"},
	{name: "PutFunctionEventInvokeConfig", method: "PUT", path: "/2019-09-25/functions/{FunctionName}/event-invoke-config"},
	{name: "UpdateFunctionEventInvokeConfig", method: "POST", path: "/2019-09-25/functions/{FunctionName}/event-invoke-config"},
	{name: "DeleteFunctionEventInvokeConfig", method: "DELETE", path: "/2019-09-25/functions/{FunctionName}/event-invoke-config"},
	{name: "PutFunctionCodeSigningConfig", method: "PUT", path: "/2020-06-30/functions/{FunctionName}/code-signing-config"},
	{name: "DeleteFunctionCodeSigningConfig", method: "DELETE", path: "/2020-06-30/functions/{FunctionName}/code-signing-config"},
	{name: "GetFunctionRecursionConfig", method: "GET", path: "/2024-08-31/functions/{FunctionName}/recursion-config"},
	{name: "PutFunctionRecursionConfig", method: "PUT", path: "/2024-08-31/functions/{FunctionName}/recursion-config"},
	{name: "GetFunctionScalingConfig", method: "GET", path: "/2025-11-30/functions/{FunctionName}/function-scaling-config"},
	{name: "PutFunctionScalingConfig", method: "PUT", path: "/2025-11-30/functions/{FunctionName}/function-scaling-config"},
	{name: "GetRuntimeManagementConfig", method: "GET", path: "/2021-07-20/functions/{FunctionName}/runtime-management-config"},
	{name: "PutRuntimeManagementConfig", method: "PUT", path: "/2021-07-20/functions/{FunctionName}/runtime-management-config"},
	{name: "ListDurableExecutionsByFunction", method: "GET", path: "/2025-12-01/functions/{FunctionName}/durable-executions"},
	{name: "CreateEventSourceMapping", method: "POST", path: "/2015-03-31/event-source-mappings"},
	{name: "ListEventSourceMappings", method: "GET", path: "/2015-03-31/event-source-mappings"},
	{name: "GetEventSourceMapping", method: "GET", path: "/2015-03-31/event-source-mappings/{UUID}"},
	{name: "UpdateEventSourceMapping", method: "PUT", path: "/2015-03-31/event-source-mappings/{UUID}"},
	{name: "DeleteEventSourceMapping", method: "DELETE", path: "/2015-03-31/event-source-mappings/{UUID}"},
	{name: "ListLayers", method: "GET", path: "/2018-10-31/layers"},
	{name: "ListLayerVersions", method: "GET", path: "/2018-10-31/layers/{LayerName}/versions"},
	{name: "PublishLayerVersion", method: "POST", path: "/2018-10-31/layers/{LayerName}/versions"},
	{name: "GetLayerVersion", method: "GET", path: "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}"},
	{name: "DeleteLayerVersion", method: "DELETE", path: "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}"},
	{name: "CreateCodeSigningConfig", method: "POST", path: "/2020-04-22/code-signing-configs"},
	{name: "ListCodeSigningConfigs", method: "GET", path: "/2020-04-22/code-signing-configs"},
	{name: "AddLayerVersionPermission", method: "POST", path: "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy"},
	{name: "CheckpointDurableExecution", method: "POST", path: "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint"},
	{name: "CreateCapacityProvider", method: "POST", path: "/2025-11-30/capacity-providers"},
	{name: "DeleteCapacityProvider", method: "DELETE", path: "/2025-11-30/capacity-providers/{CapacityProviderName}"},
	{name: "DeleteCodeSigningConfig", method: "DELETE", path: "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}"},
	{name: "GetCapacityProvider", method: "GET", path: "/2025-11-30/capacity-providers/{CapacityProviderName}"},
	{name: "GetCodeSigningConfig", method: "GET", path: "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}"},
	{name: "GetDurableExecution", method: "GET", path: "/2025-12-01/durable-executions/{DurableExecutionArn}"},
	{name: "GetDurableExecutionHistory", method: "GET", path: "/2025-12-01/durable-executions/{DurableExecutionArn}/history"},
	{name: "GetDurableExecutionState", method: "GET", path: "/2025-12-01/durable-executions/{DurableExecutionArn}/state"},
	{name: "GetLayerVersionPolicy", method: "GET", path: "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy"},
	{name: "ListCapacityProviders", method: "GET", path: "/2025-11-30/capacity-providers"},
	{name: "ListFunctionVersionsByCapacityProvider", method: "GET", path: "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions"},
	{name: "ListFunctionsByCodeSigningConfig", method: "GET", path: "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions"},
	{name: "RemoveLayerVersionPermission", method: "DELETE", path: "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}"},
	{name: "SendDurableExecutionCallbackFailure", method: "POST", path: "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail"},
	{name: "SendDurableExecutionCallbackHeartbeat", method: "POST", path: "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat"},
	{name: "SendDurableExecutionCallbackSuccess", method: "POST", path: "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed"},
	{name: "StopDurableExecution", method: "POST", path: "/2025-12-01/durable-executions/{DurableExecutionArn}/stop"},
	{name: "UpdateCapacityProvider", method: "PUT", path: "/2025-11-30/capacity-providers/{CapacityProviderName}"},
	{name: "UpdateCodeSigningConfig", method: "PUT", path: "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}"},
	{name: "GetResourcePolicy", method: "GET", path: "/2026-07-09/resource-policy/{ResourceArn}"},
	{name: "PutResourcePolicy", method: "PUT", path: "/2026-07-09/resource-policy/{ResourceArn}"},
	{name: "DeleteResourcePolicy", method: "DELETE", path: "/2026-07-09/resource-policy/{ResourceArn}"},
}
