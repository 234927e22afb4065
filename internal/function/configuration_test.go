package function_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

// compared are the fields of Lambda's FunctionConfiguration in which two versions can behave differently; leftOut are
// the others, with the reason. An update of the SDK that brings a new field fails the test until it stands here.
var compared = []string{
	"Architectures[]", "DeadLetterConfig.TargetArn", "DurableConfig.ExecutionTimeout", "DurableConfig.KMSKeyArn",
	"DurableConfig.RetentionPeriodInDays", "Environment.Variables{}", "EphemeralStorage.Size", "FileSystemConfigs[].Arn",
	"FileSystemConfigs[].LocalMountPath", "FileSystemConfigs[].S3FilesConfig.DirectS3Read", "Handler",
	"ImageConfigResponse.ImageConfig.Command[]", "ImageConfigResponse.ImageConfig.EntryPoint[]",
	"ImageConfigResponse.ImageConfig.WorkingDirectory", "KMSKeyArn", "Layers[].Arn", "LoggingConfig.ApplicationLogLevel",
	"LoggingConfig.LogFormat", "LoggingConfig.LogGroup", "LoggingConfig.SystemLogLevel", "MemorySize", "PackageType", "Role",
	"Runtime", "SnapStart.ApplyOn", "TenancyConfig.TenantIsolationMode", "Timeout", "TracingConfig.Mode",
	"VpcConfig.Ipv6AllowedForDualStack", "VpcConfig.SecurityGroupIds[]", "VpcConfig.SubnetIds[]", "VpcConfig.VpcId",
}

var leftOut = map[string]string{
	"CapacityProviderConfig":            "functions that have it are refused",
	"CodeSha256":                        "the code's digest, which is compared by itself",
	"CodeSize":                          "follows from the code",
	"ConfigSha256":                      "it is not documented which fields it covers",
	"Description":                       "tells people something, not callers",
	"Environment.Error":                 "a function whose variables cannot be read is refused",
	"FunctionArn":                       "identity",
	"FunctionName":                      "identity",
	"ImageConfigResponse.Error":         "a function whose image configuration cannot be read is refused",
	"LastModified":                      "a date",
	"LastUpdateStatus":                  "condition, not configuration",
	"LastUpdateStatusReason":            "condition, not configuration",
	"LastUpdateStatusReasonCode":        "condition, not configuration",
	"Layers[].CodeSize":                 "follows from the layer's version",
	"Layers[].SigningJobArn":            "follows from the layer's version",
	"Layers[].SigningProfileVersionArn": "follows from the layer's version",
	"MasterArn":                         "identity of Lambda@Edge's copies",
	"RevisionId":                        "moves without any change",
	"RuntimeVersionConfig":              "Lambda patches runtimes by itself, at another time for $LATEST than for a version",
	"SigningJobArn":                     "belongs to the code",
	"SigningProfileVersionArn":          "belongs to the code",
	"SnapStart.OptimizationStatus":      "condition, not configuration",
	"State":                             "condition, not configuration",
	"StateReason":                       "condition, not configuration",
	"StateReasonCode":                   "condition, not configuration",
	"Version":                           "identity",
}

// leaves lists the fields of a type down to values, except below those that are left out.
func leaves(t reflect.Type, path string) []string {
	if _, left := leftOut[path]; left {
		return []string{path}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return leaves(t.Elem(), path)
	case reflect.Slice:
		return leaves(t.Elem(), path+"[]")
	case reflect.Map:
		return []string{path + "{}"}
	case reflect.Struct:
		var all []string
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				all = append(all, leaves(f.Type, strings.TrimPrefix(path+"."+f.Name, "."))...)
			}
		}
		return all
	}
	return []string{path}
}

// set gives the field at path a value that it does not have by default.
func set(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		set(v.Index(0), strings.TrimPrefix(strings.TrimPrefix(path, "[]"), "."))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"NAME": "value"}))
	case reflect.Struct:
		name := path[:strings.IndexAny(path+".", ".[{")]
		if name == "" {
			name = v.Type().Field(0).Name // of a field that is left out as a whole
		}
		set(v.FieldByName(name), strings.TrimPrefix(strings.TrimPrefix(path, name), "."))
	case reflect.String:
		v.SetString("special")
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprintf("a field of kind %s: teach the test to set it", v.Kind()))
	}
}

// describing is an account whose functions look as described.
func describing(c *types.FunctionConfiguration) *function.Account {
	return account(wired(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			return nil, errors.New("only reading was expected")
		}
		text, err := json.Marshal(map[string]any{"Configuration": c})
		if err != nil {
			return nil, err
		}
		return answer(r, 200, string(text)), nil
	}), function.Options{})
}

func plain() types.FunctionConfiguration {
	return types.FunctionConfiguration{
		FunctionName: aws.String("shop-fn"), Version: aws.String("$LATEST"), RevisionId: aws.String("r1"),
		CodeSha256: aws.String("abc"), State: types.StateActive, LastUpdateStatus: types.LastUpdateStatusSuccessful,
	}
}

func configured(t *testing.T, a *function.Account) promotion.Configuration {
	t.Helper()
	s, err := a.Latest(t.Context(), "shop-fn", quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s.Configuration
}

func TestEveryFieldOfAConfigurationIsComparedOrLeftOutForAReason(t *testing.T) {
	known := map[string]bool{}
	for _, path := range compared {
		known[path] = true
	}
	found := map[string]bool{}
	for _, path := range leaves(reflect.TypeFor[types.FunctionConfiguration](), "") {
		found[path] = true
		if !known[path] && leftOut[path] == "" {
			t.Errorf("%s is new: compare it in configuration.go, or say here why not", path)
		}
	}
	for path := range known {
		if !found[path] {
			t.Errorf("%s is no field of Lambda's any more", path)
		}
	}
	for path := range leftOut {
		if !found[path] {
			t.Errorf("%s is no field of Lambda's any more", path)
		}
	}
}

func TestAChangeOfAComparedFieldIsADifferenceInThatField(t *testing.T) {
	for _, path := range compared {
		t.Run(path, func(t *testing.T) {
			c := plain()
			a := describing(&c)
			before := configured(t, a)
			set(reflect.ValueOf(&c).Elem(), path)
			diff := before.Diff(configured(t, a))
			if path == "FileSystemConfigs[].S3FilesConfig.DirectS3Read" && len(diff) == 1 {
				return
			}
			field := strings.NewReplacer("[]", "", "{}", "", "ImageConfigResponse.", "", ".Variables", ".NAME", "EphemeralStorage.Size", "EphemeralStorage",
				"Layers.Arn", "Layers", "FileSystemConfigs[].Arn", "FileSystemConfigs", "FileSystemConfigs[].LocalMountPath", "FileSystemConfigs",
				"Layers[].Arn", "Layers").Replace(path)
			if len(diff) != 1 || diff[0].Field != field {
				t.Errorf("got %+v, want a difference in %s alone", diff, field)
			}
		})
	}
}

func TestAChangeOfAFieldThatIsLeftOutIsNoDifference(t *testing.T) {
	for path := range leftOut {
		switch path {
		case "CapacityProviderConfig", "Environment.Error", "ImageConfigResponse.Error", "State", "LastUpdateStatus", "Version":
			continue // refused, or they decide what is read
		}
		t.Run(path, func(t *testing.T) {
			c := plain()
			c.Layers = []types.Layer{{}}
			a := describing(&c)
			before := configured(t, a)
			set(reflect.ValueOf(&c).Elem(), path)
			if diff := before.Diff(configured(t, a)); len(diff) > 0 {
				t.Errorf("got %+v", diff)
			}
		})
	}
}

func TestWhatLambdaLeavesOutIsItsDefault(t *testing.T) {
	bare, explicit := plain(), plain()
	explicit.Architectures = []types.Architecture{types.ArchitectureX8664}
	explicit.PackageType = types.PackageTypeZip
	explicit.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(512)}
	explicit.TracingConfig = &types.TracingConfigResponse{Mode: types.TracingModePassThrough}
	explicit.SnapStart = &types.SnapStartResponse{ApplyOn: types.SnapStartApplyOnNone}
	explicit.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatText}
	explicit.Environment = &types.EnvironmentResponse{}
	explicit.VpcConfig = &types.VpcConfigResponse{VpcId: aws.String(""), SubnetIds: []string{}}
	if diff := configured(t, describing(&bare)).Diff(configured(t, describing(&explicit))); len(diff) > 0 {
		t.Errorf("got %+v", diff)
	}
}

func TestOrderCountsWhereItMeansSomething(t *testing.T) {
	one, two := plain(), plain()
	one.VpcConfig = &types.VpcConfigResponse{SubnetIds: []string{"a", "b"}, SecurityGroupIds: []string{"c", "d"}}
	two.VpcConfig = &types.VpcConfigResponse{SubnetIds: []string{"b", "a"}, SecurityGroupIds: []string{"d", "c"}}
	one.Layers = []types.Layer{{Arn: aws.String("x")}, {Arn: aws.String("y")}}
	two.Layers = []types.Layer{{Arn: aws.String("y")}, {Arn: aws.String("x")}}
	diff := configured(t, describing(&one)).Diff(configured(t, describing(&two)))
	if len(diff) != 1 || diff[0] != (promotion.Difference{Field: "Layers", From: "x, y", To: "y, x"}) {
		t.Errorf("got %+v, want the layers alone", diff)
	}
}

func TestTheValueOfAnEnvironmentVariableIsNeverShown(t *testing.T) {
	c := plain()
	c.Environment = &types.EnvironmentResponse{Variables: map[string]string{"PASSWORD": "hunter2", "COPY": "hunter2"}}
	a := describing(&c)
	one, again, other := configured(t, a), configured(t, a), configured(t, describing(&c))
	text := fmt.Sprintf("%v", one)
	if strings.Contains(text, "hunter2") {
		t.Errorf("the value is in %s", text)
	}
	if one["Environment.PASSWORD"] != again["Environment.PASSWORD"] {
		t.Error("the same value has two fingerprints within one run")
	}
	if one["Environment.PASSWORD"] == other["Environment.PASSWORD"] {
		t.Error("a fingerprint is the same in two runs: the value can be found by trying")
	}
	if one["Environment.PASSWORD"] == one["Environment.COPY"] {
		t.Error("it can be seen that two variables have the same value")
	}
}

func TestAFunctionThatCannotBeComparedIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*types.FunctionConfiguration)
		want   []string
	}{
		"managed instances": {func(c *types.FunctionConfiguration) { c.CapacityProviderConfig = &types.CapacityProviderConfig{} },
			[]string{"managed instances", "no immutable version"}},
		"variables encrypted with another's key": {func(c *types.FunctionConfiguration) {
			c.KMSKeyArn = aws.String("arn:aws:kms:eu-west-1:123456789012:key/1")
			c.Environment = &types.EnvironmentResponse{Error: &types.EnvironmentError{ErrorCode: aws.String("AccessDeniedException"), Message: aws.String("Lambda was unable to decrypt")}}
		}, []string{"environment variables of shop-fn cannot be read", "kms:Decrypt", "key/1"}},
		"image configuration": {func(c *types.FunctionConfiguration) {
			c.ImageConfigResponse = &types.ImageConfigResponse{Error: &types.ImageConfigError{Message: aws.String("no")}}
		}, []string{"image configuration of shop-fn cannot be read"}},
		"being deleted": {func(c *types.FunctionConfiguration) { c.State = types.StateDeleting }, []string{"is being deleted"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := plain()
			c.change(&cfg)
			_, err := describing(&cfg).Latest(t.Context(), "shop-fn", quiet)
			contains(t, faultText(t, err), c.want...)
		})
	}
}
