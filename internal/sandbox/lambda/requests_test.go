package lambda_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox/lambda"
)

// TestRefusals holds what a request gets that AWS would not take: its status, its error and its words.
func TestRefusals(t *testing.T) {
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:"
	configure := func(in sdk.UpdateFunctionConfigurationInput) func(*world) error {
		return func(w *world) error {
			in.FunctionName = aws.String("orders")
			_, err := w.api.UpdateFunctionConfiguration(w.t.Context(), &in)
			return err
		}
	}
	create := func(change func(*sdk.CreateFunctionInput)) func(*world) error {
		return func(w *world) error {
			in := sdk.CreateFunctionInput{
				FunctionName: aws.String("fresh"), Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
				Code: &types.FunctionCode{ZipFile: w.zip("A")},
			}
			change(&in)
			_, err := w.api.CreateFunction(w.t.Context(), &in)
			return err
		}
	}
	get := func(name, qualifier string) func(*world) error {
		return func(w *world) error {
			in := sdk.GetFunctionInput{FunctionName: &name}
			if qualifier != "" {
				in.Qualifier = &qualifier
			}
			_, err := w.api.GetFunction(w.t.Context(), &in)
			return err
		}
	}
	for _, c := range []struct {
		name    string
		call    func(*world) error
		status  int
		code    string
		message string
	}{
		{"a function that exists", create(func(in *sdk.CreateFunctionInput) { in.FunctionName = aws.String("orders") }), 409, "ResourceConflictException", "Function already exist: orders"},
		{"a zip without a runtime", create(func(in *sdk.CreateFunctionInput) { in.Runtime = "" }), 400, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters for functions created with deployment packages."},
		{"an image with a handler", create(func(in *sdk.CreateFunctionInput) { in.PackageType = types.PackageTypeImage }), 400, "InvalidParameterValueException", "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."},
		{"an empty zip", create(func(in *sdk.CreateFunctionInput) {
			in.Code = &types.FunctionCode{ZipFile: append([]byte("PK\x05\x06"), make([]byte, 18)...)}
		}), 400, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"},
		{"a zip that is too large", create(func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = make([]byte, 52428801) }), 413, "RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes"},
		{"a zip that is too large unpacked", create(func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = bomb(t) }), 400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
		{"an object without a bucket", create(func(in *sdk.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("nowhere"), S3Key: aws.String("a.zip")}
		}), 400, "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		{"no role and no name", create(func(in *sdk.CreateFunctionInput) { in.Role, in.FunctionName = aws.String("me"), aws.String("or ders") }), 400, "ValidationException", "2 validation errors detected: *"},
		{"a time too long", configure(sdk.UpdateFunctionConfigurationInput{Timeout: aws.Int32(901)}), 400, "ValidationException", "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		{"too little memory", configure(sdk.UpdateFunctionConfigurationInput{MemorySize: aws.Int32(64)}), 400, "ValidationException", "1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"},
		{"a long description", configure(sdk.UpdateFunctionConfigurationInput{Description: aws.String(strings.Repeat("x", 257))}), 400, "ValidationException", "* failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"a variable of Lambda's own", configure(sdk.UpdateFunctionConfigurationInput{Environment: &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}}), 400, "InvalidParameterValueException", "*contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"},
		{"too many variables", configure(sdk.UpdateFunctionConfigurationInput{Environment: &types.Environment{Variables: map[string]string{"BIG": strings.Repeat("x", 4096)}}}), 400, "InvalidParameterValueException", "*exceeded the 4KB limit. String measured: {\"BIG\":\"*"},
		{"a variable without a name", configure(sdk.UpdateFunctionConfigurationInput{Environment: &types.Environment{Variables: map[string]string{"1": "x"}}}), 400, "ValidationException", "1 validation error detected: Value '{1=x}' at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: *"},
		{"a function that is not there", get("payments", ""), 404, "ResourceNotFoundException", "Function not found: " + arn + "payments"},
		{"a version that is not there", get("orders", "9"), 404, "ResourceNotFoundException", "Function not found: " + arn + "orders:9"},
		{"two qualifiers", get("orders:1", "2"), 400, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."},
		{"another region", get("arn:aws:lambda:us-east-1:123456789012:function:orders", ""), 404, "ResourceNotFoundException", "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"},
		{"another account", get("arn:aws:lambda:eu-west-1:210987654321:function:orders", ""), 403, "AccessDeniedException", "*is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:eu-west-1:210987654321:function:orders*"},
		{"deleting $LATEST", func(w *world) error {
			_, err := w.api.DeleteFunction(w.t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("orders"), Qualifier: aws.String("$LATEST")})
			return err
		}, 400, "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function."},
		{"an image for a zip", func(w *world) error {
			_, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ImageUri: aws.String("a:b")})
			return err
		}, 400, "InvalidParameterValueException", "Please don't provide ImageUri when updating a function with packageType Zip."},
		{"updating a version", func(w *world) error {
			_, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders:1"), ZipFile: w.zip("B")})
			return err
		}, 400, "InvalidParameterValueException", "This operation is permitted on Lambda functions only. *"},
		{"tags on a version", func(w *world) error {
			_, err := w.api.TagResource(w.t.Context(), &sdk.TagResourceInput{Resource: aws.String(arn + "orders:1"), Tags: map[string]string{"a": "b"}})
			return err
		}, 400, "InvalidParameterValueException", "Tags on function aliases and versions are not supported. Please specify a function ARN."},
		{"a statement that is not there", func(w *world) error {
			w.permit("", api+"/*")
			_, err := w.api.RemovePermission(w.t.Context(), &sdk.RemovePermissionInput{FunctionName: aws.String("orders"), StatementId: aws.String("other")})
			return err
		}, 404, "ResourceNotFoundException", "Statement other is not found in resource policy."},
		{"a payload that is no JSON", func(w *world) error {
			_, err := w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), Payload: []byte(`{"a":`)})
			return err
		}, 400, "InvalidRequestContentException", "Could not parse request body into json: *"},
		{"a payload that is too large", func(w *world) error {
			_, err := w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), Payload: []byte(`"` + strings.Repeat("x", 6291456) + `"`)})
			return err
		}, 413, "RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"no concurrency at all", func(w *world) error {
			_, err := w.api.PutFunctionConcurrency(w.t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("orders"), ReservedConcurrentExecutions: aws.Int32(0)})
			w.must(err)
			_, err = w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders")})
			return err
		}, 429, "TooManyRequestsException", "Rate Exceeded."},
		{"more concurrency than the account has", func(w *world) error {
			_, err := w.api.PutFunctionConcurrency(w.t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("orders"), ReservedConcurrentExecutions: aws.Int32(901)})
			return err
		}, 400, "InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."},
	} {
		inWorld(t, c.name, func(w *world) {
			err := c.call(w)
			refused(w.t, err, c.status, c.code)
			if !resembles(c.message, message(err)) {
				w.t.Errorf("the message is\n%.300s, want\n%s", message(err), c.message)
			}
		})
	}
}

// resembles compares with a text in which * at an end is anything.
func resembles(want, got string) bool {
	start, end := strings.HasPrefix(want, "*"), strings.HasSuffix(want, "*")
	core := strings.Trim(want, "*")
	switch {
	case start && end:
		return strings.Contains(got, core)
	case start:
		return strings.HasSuffix(got, core)
	case end:
		return strings.HasPrefix(got, core)
	}
	return want == got
}

// bomb is a small zip of a large file.
func bomb(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	f, err := z.CreateRaw(&zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, UncompressedSize64: 262144000, CompressedSize64: 1})
	if err == nil {
		_, err = f.Write([]byte{3})
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestPages(t *testing.T) {
	inWorld(t, "versions come fifty at a time at most", func(w *world) {
		for range 60 {
			_, err := w.api.UpdateFunctionCode(w.t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: w.zip("A"), Publish: true})
			w.must(err)
			w.settle()
		}
		var sizes []int
		var seen []string
		pages := sdk.NewListVersionsByFunctionPaginator(w.api, &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("orders"), MaxItems: aws.Int32(1000)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(w.t.Context())
			w.must(err)
			sizes = append(sizes, len(page.Versions))
			for _, v := range page.Versions {
				seen = append(seen, *v.Version)
			}
		}
		if !slices.Equal(sizes, []int{50, 11}) || seen[0] != "$LATEST" || seen[60] != "60" {
			w.t.Errorf("pages of %v: %v", sizes, seen)
		}
	})
	inWorld(t, "functions and aliases come in pages of the size asked for", func(w *world) {
		w.create("payments")
		w.publish()
		for i := range 3 {
			w.alias(fmt.Sprintf("a%d", i), "1")
		}
		var names []string
		functions := sdk.NewListFunctionsPaginator(w.api, &sdk.ListFunctionsInput{MaxItems: aws.Int32(1)})
		for functions.HasMorePages() {
			page, err := functions.NextPage(w.t.Context())
			w.must(err)
			for _, f := range page.Functions {
				names = append(names, *f.FunctionName)
			}
		}
		aliases := sdk.NewListAliasesPaginator(w.api, &sdk.ListAliasesInput{FunctionName: aws.String("orders"), MaxItems: aws.Int32(2)})
		for aliases.HasMorePages() {
			page, err := aliases.NextPage(w.t.Context())
			w.must(err)
			for _, a := range page.Aliases {
				names = append(names, *a.Name)
			}
		}
		if want := []string{"orders", "payments", "a0", "a1", "a2"}; !slices.Equal(names, want) {
			w.t.Errorf("got %v, want %v", names, want)
		}
		all, err := w.api.ListFunctions(w.t.Context(), &sdk.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll})
		w.must(err)
		var arns []string
		for _, f := range all.Functions {
			arns = append(arns, (*f.FunctionArn)[len("arn:aws:lambda:eu-west-1:123456789012:function:"):])
		}
		if want := []string{"orders:$LATEST", "orders:1", "payments:$LATEST"}; !slices.Equal(arns, want) {
			w.t.Errorf("with all versions got %v, want %v", arns, want)
		}
	})
}

func TestInvocations(t *testing.T) {
	inWorld(t, "bring the end of the log when asked", func(w *world) {
		out, err := w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), LogType: types.LogTypeTail})
		w.must(err)
		log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		w.must(err)
		if !strings.HasPrefix(string(log), "START RequestId: ") || !strings.Contains(string(log), "\nran A\n") {
			w.t.Errorf("the log is %s", log)
		}
	})
	inWorld(t, "see an empty object where nothing was sent, and the address they were called by", func(w *world) {
		w.publish()
		w.alias("live", "1")
		out, err := w.api.Invoke(w.t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders:live")})
		w.must(err)
		if got := string(out.Payload); !strings.Contains(got, `"event":{}`) || !strings.Contains(got, `function:orders:live"`) {
			w.t.Errorf("got %s", got)
		}
	})
	inWorld(t, "change configuration together with the version that has it", func(w *world) {
		w.publish()
		_, err := w.api.UpdateFunctionConfiguration(w.t.Context(), &sdk.UpdateFunctionConfigurationInput{
			FunctionName: aws.String("orders"), Environment: &types.Environment{Variables: map[string]string{"TABLE": "new"}},
		})
		w.must(err)
		w.settle()
		if latest, first := w.invoke(""), w.invoke("1"); latest.Env["TABLE"] != "new" || first.Env["TABLE"] != "" {
			w.t.Errorf("$LATEST sees %v, version 1 sees %v", latest.Env, first.Env)
		}
		if latest, first := w.get(""), w.get("1"); *latest.ConfigSha256 == *first.ConfigSha256 || *latest.CodeSha256 != *first.CodeSha256 {
			w.t.Error("the digests do not tell configuration from code")
		}
	})
}

// TestEveryOperationHasAName sends each of the SDK's operations: what is not implemented is refused by name.
func TestEveryOperationHasAName(t *testing.T) {
	e := open(t, lambda.Options{Runner: nil})
	var sent *http.Request
	cfg := e.config()
	cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
		sent = r
		return nil, io.EOF
	})
	client := reflect.ValueOf(sdk.NewFromConfig(cfg))
	named := 0
	for i := range client.NumMethod() {
		name, method := client.Type().Method(i).Name, client.Method(i)
		if method.Type().NumIn() < 2 || method.Type().In(1).Kind() != reflect.Pointer {
			continue
		}
		in := reflect.New(method.Type().In(1).Elem())
		for j := range in.Elem().NumField() {
			if f := in.Elem().Field(j); f.CanSet() {
				fillRequired(f)
			}
		}
		sent = nil
		method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
		if sent == nil {
			t.Errorf("%s was not sent", name)
			continue
		}
		if got, _, _ := e.Identify(sent, nil); got != name {
			t.Errorf("%s %s is taken for %s, want %s", sent.Method, sent.URL.Path, got, name)
		}
		named++
	}
	if named < 80 {
		t.Errorf("only %d operations were tried", named)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// fillRequired gives a member of an input a value, so that the SDK sends the call.
func fillRequired(f reflect.Value) {
	switch f.Kind() {
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
		fillRequired(f.Elem())
	case reflect.Struct:
		for i := range f.NumField() {
			if member := f.Field(i); member.CanSet() {
				fillRequired(member)
			}
		}
	case reflect.String:
		f.SetString("x")
	case reflect.Int32, reflect.Int64:
		f.SetInt(1)
	case reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		fillRequired(f.Index(0))
	case reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
	case reflect.Interface:
		if reader := reflect.ValueOf(strings.NewReader("{}")); reader.Type().Implements(f.Type()) {
			f.Set(reader)
		}
	}
}
