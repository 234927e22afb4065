package lambda

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// configuration is what a caller can set about a function; nil is "not given".
type configuration struct {
	Runtime, Handler, Role, Description, KMSKeyArn *string
	Timeout, MemorySize                            *int
	Environment                                    *struct{ Variables map[string]string }
	EphemeralStorage                               *struct{ Size *int }
	SnapStart                                      *struct{ ApplyOn *string }
	TracingConfig                                  *struct{ Mode *string }
	LoggingConfig                                  *logging
	ImageConfig                                    *struct {
		EntryPoint       []string `json:",omitempty"`
		Command          []string `json:",omitempty"`
		WorkingDirectory string   `json:",omitempty"`
	}
	VpcConfig *struct {
		SubnetIds, SecurityGroupIds []string
		Ipv6AllowedForDualStack     bool
	}
	DeadLetterConfig  *struct{ TargetArn *string }
	FileSystemConfigs *json.RawMessage
	Layers            *[]string
}

// Lambda's limits, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxTimeout     = 900
	maxMemory      = 10240
	maxEnvironment = 4096
)

// check notes what is wrong with the form of a configuration.
func (in configuration) check(c *checker) {
	c.text("role", in.Role, roleForm)
	c.text("handler", in.Handler, handlerForm)
	c.text("description", in.Description, textForm)
	c.text("kMSKeyArn", in.KMSKeyArn, arnOrNothing)
	c.number("timeout", in.Timeout, 1, maxTimeout)
	c.number("memorySize", in.MemorySize, 128, maxMemory)
	if in.Environment != nil {
		in.checkVariables(c)
	}
	if in.EphemeralStorage != nil && c.required("ephemeralStorage.size", in.EphemeralStorage.Size != nil) {
		c.number("ephemeralStorage.size", in.EphemeralStorage.Size, 512, 10240)
	}
	if in.SnapStart != nil {
		c.oneOf("snapStart.applyOn", in.SnapStart.ApplyOn, "PublishedVersions", "None")
	}
	if in.TracingConfig != nil {
		c.oneOf("tracingConfig.mode", in.TracingConfig.Mode, "Active", "PassThrough")
	}
	if in.DeadLetterConfig != nil {
		c.text("deadLetterConfig.targetArn", in.DeadLetterConfig.TargetArn, arnOrNothing)
	}
	if l := in.LoggingConfig; l != nil {
		if l.LogFormat != "" {
			c.oneOf("loggingConfig.logFormat", &l.LogFormat, "JSON", "Text")
		}
		if l.ApplicationLogLevel != "" {
			c.oneOf("loggingConfig.applicationLogLevel", &l.ApplicationLogLevel, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
		}
		if l.SystemLogLevel != "" {
			c.oneOf("loggingConfig.systemLogLevel", &l.SystemLogLevel, "DEBUG", "INFO", "WARN")
		}
		if l.LogGroup != "" {
			c.text("loggingConfig.logGroup", &l.LogGroup, logGroupForm)
		}
	}
}

func (in configuration) checkVariables(c *checker) {
	for _, name := range slices.Sorted(maps.Keys(in.Environment.Variables)) {
		if !variableForm.matches(name) {
			c.fault(printed(in.Environment.Variables), "environment.variables", "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "+variableForm.text+", Member must not be null]")
			return
		}
	}
}

// printed shows a map as AWS's error texts do.
func printed(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// runtimes are those that functions can be created with, in the order in which AWS lists them.
var runtimes = strings.Fields("nodejs20.x python3.14 provided.al2023 python3.12 python3.13 nodejs24.x nodejs22.x java25 python3.10 python3.11 java21 ruby3.3 ruby3.4 ruby3.2 python3.8 python3.9 java17 nodejs16.x dotnet10 dotnet8 java11 dotnet6 nodejs18.x provided.al2 java8.al2")

// snapStartRuntimes can be snapshotted: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
func snapStartRuntime(runtime string) bool {
	switch runtime {
	case "java11", "java17", "java21", "java25", "python3.12", "python3.13", "python3.14", "dotnet8", "dotnet10":
		return true
	}
	return false
}

// reservedVariables belong to Lambda: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var reservedVariables = strings.Fields("_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR")

// meaning refuses what has the right form and is wrong all the same.
func (in configuration) meaning() error {
	if in.Runtime != nil && !slices.Contains(runtimes, *in.Runtime) {
		return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", *in.Runtime, strings.Join(runtimes, ", "))
	}
	if in.Environment != nil {
		return checkEnvironment(in.Environment.Variables)
	}
	return nil
}

func checkEnvironment(variables map[string]string) error {
	const sorry = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	var reserved []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		return invalid(sorry+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	var doc bytes.Buffer
	encoder := json.NewEncoder(&doc)
	encoder.SetEscapeHTML(false) // it would count characters that nobody sent
	if err := encoder.Encode(variables); err != nil {
		return err
	}
	if measured := bytes.TrimSpace(doc.Bytes()); len(measured) > maxEnvironment {
		return invalid(sorry+"exceeded the 4KB limit. String measured: %s", measured)
	}
	return nil
}

// apply sets what was given and leaves the rest.
func (in configuration) apply(s *settings, name string) error {
	set(&s.Runtime, in.Runtime)
	set(&s.Handler, in.Handler)
	set(&s.Role, in.Role)
	set(&s.Description, in.Description)
	set(&s.KMSKeyArn, in.KMSKeyArn)
	set(&s.Timeout, in.Timeout)
	set(&s.MemorySize, in.MemorySize)
	if in.Environment != nil {
		s.Environment = map[string]string{}
		maps.Copy(s.Environment, in.Environment.Variables)
	}
	if in.EphemeralStorage != nil {
		set(&s.EphemeralStorage, in.EphemeralStorage.Size)
	}
	if in.SnapStart != nil {
		set(&s.SnapStart, in.SnapStart.ApplyOn)
	}
	if in.TracingConfig != nil {
		set(&s.Tracing, in.TracingConfig.Mode)
	}
	if s.SnapStart == "PublishedVersions" && !snapStartRuntime(s.Runtime) {
		return invalid("%s is not supported for SnapStart enabled functions.", s.Runtime)
	}
	in.applyLogging(s, name)
	return in.applyOther(s)
}

func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

func (in configuration) applyLogging(s *settings, name string) {
	l := in.LoggingConfig
	if l == nil {
		return
	}
	if l.LogFormat != "" && l.LogFormat != s.Logging.LogFormat {
		s.Logging.LogFormat = l.LogFormat
		s.Logging.ApplicationLogLevel, s.Logging.SystemLogLevel = "", ""
		if l.LogFormat == "JSON" {
			s.Logging.ApplicationLogLevel, s.Logging.SystemLogLevel = "INFO", "INFO"
		}
	}
	if l.ApplicationLogLevel != "" {
		s.Logging.ApplicationLogLevel = l.ApplicationLogLevel
	}
	if l.SystemLogLevel != "" {
		s.Logging.SystemLogLevel = l.SystemLogLevel
	}
	if l.LogGroup != "" {
		s.Logging.LogGroup = l.LogGroup
	}
	if s.Logging.LogGroup == "" {
		s.Logging.LogGroup = "/aws/lambda/" + name
	}
}

// applyOther keeps what the sandbox does not act on, in the form in which Lambda answers it.
func (in configuration) applyOther(s *settings) error {
	if s.Other == nil {
		s.Other = map[string]json.RawMessage{}
	}
	keep := func(member string, doc any, empty bool) error {
		if empty {
			delete(s.Other, member)
			return nil
		}
		raw, err := json.Marshal(doc)
		s.Other[member] = raw
		return err
	}
	var err error
	if v := in.VpcConfig; v != nil {
		err = keep("VpcConfig", map[string]any{
			"SubnetIds": list(v.SubnetIds), "SecurityGroupIds": list(v.SecurityGroupIds),
			"VpcId": "", "Ipv6AllowedForDualStack": v.Ipv6AllowedForDualStack,
		}, false)
	}
	if d := in.DeadLetterConfig; d != nil && err == nil {
		err = keep("DeadLetterConfig", d, d.TargetArn == nil || *d.TargetArn == "")
	}
	if in.FileSystemConfigs != nil && err == nil {
		err = keep("FileSystemConfigs", in.FileSystemConfigs, string(*in.FileSystemConfigs) == "[]")
	}
	if i := in.ImageConfig; i != nil && err == nil {
		empty := len(i.EntryPoint) == 0 && len(i.Command) == 0 && i.WorkingDirectory == ""
		err = keep("ImageConfigResponse", map[string]any{"ImageConfig": i}, empty)
	}
	if in.Layers != nil && err == nil {
		layers := []map[string]any{}
		for _, arn := range *in.Layers {
			layers = append(layers, map[string]any{"Arn": arn, "CodeSize": 0})
		}
		err = keep("Layers", layers, len(layers) == 0)
	}
	return err
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// timestamp is Lambda's way to write a time.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// document is a FunctionConfiguration. Lists leave the states out; recorded so.
func (r *release) document(f *function, arn string, listed bool) map[string]any {
	doc := map[string]any{
		"FunctionName":     f.name,
		"FunctionArn":      arn,
		"Role":             r.Role,
		"CodeSize":         r.code.size,
		"CodeSha256":       r.code.sha,
		"Description":      r.Description,
		"Timeout":          r.Timeout,
		"MemorySize":       r.MemorySize,
		"LastModified":     timestamp(r.modified),
		"Version":          r.version,
		"TracingConfig":    map[string]any{"Mode": r.Tracing},
		"RevisionId":       r.revision,
		"PackageType":      r.PackageType,
		"Architectures":    r.Architectures,
		"EphemeralStorage": map[string]any{"Size": r.EphemeralStorage},
		"SnapStart":        map[string]any{"ApplyOn": r.SnapStart, "OptimizationStatus": r.optimization()},
		"LoggingConfig":    r.Logging,
		"ConfigSha256":     r.configSha(),
	}
	if r.PackageType == "Zip" {
		doc["Runtime"], doc["Handler"] = r.Runtime, r.Handler
		if !listed {
			doc["RuntimeVersionConfig"] = map[string]any{"RuntimeVersionArn": fmt.Sprintf("arn:aws:lambda:%s::runtime:%x", f.home.region, sha256.Sum256([]byte(r.Runtime)))}
		}
	}
	if r.Environment != nil {
		doc["Environment"] = map[string]any{"Variables": r.Environment}
	}
	if r.KMSKeyArn != "" {
		doc["KMSKeyArn"] = r.KMSKeyArn
	}
	for member, value := range r.Other {
		doc[member] = value
	}
	if listed {
		return doc
	}
	for member, value := range map[string]string{
		"State": r.state, "StateReason": r.stateReason, "StateReasonCode": r.stateCode,
		"LastUpdateStatus": r.update, "LastUpdateStatusReason": r.updateReason, "LastUpdateStatusReasonCode": r.updateCode,
	} {
		if value != "" {
			doc[member] = value
		}
	}
	return doc
}

// optimization says whether a version runs from a snapshot.
func (r *release) optimization() string {
	if r.SnapStart == "PublishedVersions" && r.version != latestName && r.state == active {
		return "On"
	}
	return "Off"
}

// configSha covers everything that a version freezes besides the code, but not the description, which
// a publish may replace. AWS does not document what it covers.
func (s settings) configSha() string {
	s.Description = ""
	doc, err := json.Marshal(s)
	if err != nil { // settings hold strings, numbers and documents that were parsed
		return ""
	}
	sum := sha256.Sum256(doc)
	return base64.StdEncoding.EncodeToString(sum[:])
}
