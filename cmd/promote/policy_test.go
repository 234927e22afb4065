package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/policy"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// Everything that a configuration can ask for, so that the policy has every action that there is.
const everything = `
app: shop
endpoints: {environment: {auth: none}}
functions:
  uploaded: {artifact: uploaded.zip}
  stored: {artifact: "s3://artifacts/stored.zip"}
  loose: {artifact: "s3://unversioned/loose.zip"}
  boxed: {artifact: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/app:v2"}
  placed: {artifact: none}
  newest: {artifact: none, candidate: newest-version}
verify:
  - invoke: {function: uploaded, expect: .ok}
  - http: {url: "{{.Endpoint.latest}}/uploaded/health", auth: aws-iam, expect: {json: .ok}, within: 1s}
environments: {prod: {}}
`

// A world is a sandbox with a workspace, in which everything is ready to be released.
type world struct {
	t   *testing.T
	s   *stage
	dir string
	tmp string // for the program's own files
}

func newWorld(t *testing.T) *world {
	t.Helper()
	code := runner.NewGo()
	w := &world{t: t, dir: t.TempDir(), tmp: t.TempDir()}
	w.s = &stage{t: t, code: code, cloud: sandboxtest.Start(t, sandbox.Options{Runner: code})}
	return w
}

func (w *world) write(name string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// run runs the program and returns its exit code and both of its outputs.
func (w *world) run(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	return w.runWith(nil, args...)
}

func (w *world) runWith(env []string, args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	cmd := w.command(env, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); cmd.ProcessState == nil {
		w.t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

// command is the program, in the workspace, with the sandbox as its AWS.
func (w *world) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("promote", args...)
	cmd.Dir = w.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + w.tmp, "AWS_EC2_METADATA_DISABLED=true"}
	for name, value := range w.s.cloud.Env() {
		if strings.HasPrefix(name, "AWS_") {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

func (w *world) do(v verb, args ...string) {
	w.t.Helper()
	if err := v(w.s, nil, args); err != nil {
		w.t.Fatalf("%v: %v", args, err)
	}
}

func (w *world) packed(code string) []byte {
	w.t.Helper()
	pack, err := w.s.packed(code)
	if err != nil {
		w.t.Fatal(err)
	}
	return pack
}

// arrange makes the functions and the artifacts of everything.
func (w *world) arrange() {
	w.t.Helper()
	for _, name := range []string{"uploaded", "stored", "loose", "placed", "newest"} {
		w.do((*stage).function, name, "old")
	}
	w.do((*stage).publish, "uploaded")
	w.do((*stage).alias, "uploaded", "prod", "1")
	w.do((*stage).publish, "newest")
	w.do((*stage).image, "shop/app:v1", "v1")
	w.do((*stage).imageFunction, "boxed", "shop/app:v1")
	w.do((*stage).image, "shop/app:v2", "v2")
	w.do((*stage).bucket, "artifacts")
	w.do((*stage).bucket, "unversioned")
	w.s.put(w.t, "artifacts", "stored.zip", w.packed("v1"), true)
	w.s.put(w.t, "unversioned", "loose.zip", w.packed("v1"), false)
	w.bareTable()
	w.write("uploaded.zip", w.packed("v1"))
	w.write("promote.yaml", []byte(everything))
	w.write("open.yaml", []byte(strings.Replace(everything, "endpoints: {", "endpoints: {latest: {auth: none}, ", 1)))
}

// bareTable makes a lock table by hand, which lacks all that setup can add.
func (w *world) bareTable() {
	w.t.Helper()
	client, _ := w.s.rows(sandbox.DefaultRegion)
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := client.CreateTable(w.t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("bare"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{text("pk"), text("sk")},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// story goes through every mode, and makes every call that there is. It ends with the first step that fails. The policy is
// all that setup has shown.
func (w *world) story() (failure string, document policy.Policy) {
	w.t.Helper()
	steps := []struct {
		args  string
		env   []string
		build string // the code that is released from here on
	}{
		{args: "setup --config open.yaml"},
		{args: "setup"},
		{args: "setup --lock-table bare"},
		{args: "run -q"},
		{args: "deploy -q", build: "v2"},
		{args: "promote -q", env: []string{"GITHUB_RUN_ID=42"}},
		{args: "rollback -q --reason drill"},
		{args: "unlock -q --target floor --reason drill"},
		{args: "run -q", build: "v3"},
		{args: "plan -q"},
		{args: "status -q"},
		{args: "status -q --all-apps"},
		{args: "history -q"},
		{args: "reconcile -q"},
		{args: "abort -q"},
		{args: "lock -q"},
		{args: "unlock -q --target code --reason drill"},
		{args: "deploy -q", env: []string{"GITHUB_RUN_ID=43"}, build: "v4"},
		{env: w.post("deploy", "43", "failure")},
	}
	release := ""
	for _, step := range steps {
		if step.build != "" {
			w.write("uploaded.zip", w.packed(step.build))
		}
		args := strings.Fields(step.args)
		if len(args) > 0 {
			args = append(args, "--json")
			if args[0] == "promote" {
				args = append(args, "--release-id", release)
			}
		}
		code, stdout, stderr := w.runWith(step.env, args...)
		if code != 0 {
			return step.args + ": " + stdout + stderr, document
		}
		var o struct {
			Release string `json:"release_id"`
			Policy  *policy.Policy
		}
		// Some commands print more than the document, or something else.
		if json.NewDecoder(strings.NewReader(stdout)).Decode(&o) != nil {
			continue
		}
		release = o.Release
		if o.Policy != nil {
			document.Statement = append(document.Statement, o.Policy.Statement...)
		}
	}
	return "", document
}

// post is the environment of the post-entrypoint of a step that has deployed.
func (w *world) post(mode, run, status string) []string {
	env := []string{"GITHUB_ACTIONS=true", "GITHUB_WORKSPACE=" + w.dir, "GITHUB_REPOSITORY=acme/shop", "GITHUB_RUN_ID=" + run,
		"STATE_promote_mode=" + mode}
	for _, in := range config.Inputs() {
		value := in.Default
		switch in.Name {
		case "job-status":
			value = status
		case "github-token":
			value = w.s.token()
		case "mode":
			value = mode
		}
		env = append(env, "INPUT_"+strings.ToUpper(in.Name)+"="+value)
	}
	return env
}

func actionsOf(p policy.Policy) []string {
	var list []string
	for _, s := range p.Statement {
		list = append(list, s.Action...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestThePolicyAllowsEveryCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.arrange()
	w.s.cloud.ResetCalls()
	failure, document := w.story()
	if failure != "" {
		t.Fatal(failure)
	}
	calls := w.s.cloud.Calls()
	if len(calls) < 50 {
		t.Errorf("only %d calls were made", len(calls))
	}
	for _, r := range calls {
		action, arn := permission(r)
		if action != "" && !allowed(document, action, arn) {
			t.Errorf("%s on %s is not allowed, which %s:%s needs", action, arn, r.Service, r.Operation)
		}
	}

	// What a transaction needs is not in the log: the items of each have actions of their own.
	again := newWorld(t)
	again.arrange()
	for _, action := range []string{"BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "DescribeTable", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"} {
		if slices.Contains(actionsOf(document), "dynamodb:"+action) {
			continue
		}
		if err := again.s.cloud.Server().Deny(sandbox.Denial{Action: "dynamodb:" + action}); err != nil {
			t.Fatal(err)
		}
	}
	if failure, _ := again.story(); failure != "" {
		t.Error(failure)
	}
}

// Not seen in the story: AWS itself asks for an image's layers on our behalf, and a row is read alone only after a write
// whose answer was lost.
var askedElsewhere = []string{"ecr:GetDownloadUrlForLayer", "dynamodb:GetItem"}

func TestThePolicyHasNoActionTooMany(t *testing.T) {
	t.Parallel()
	planned := newWorld(t)
	planned.arrange()
	failure, document := planned.story()
	if failure != "" {
		t.Fatal(failure)
	}
	for _, action := range actionsOf(document) {
		if slices.Contains(askedElsewhere, action) {
			continue
		}
		t.Run("without "+action+" it fails, and says so", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.arrange()
			if err := w.s.cloud.Server().Deny(sandbox.Denial{Action: action}); err != nil {
				t.Fatal(err)
			}
			failure, _ := w.story()
			if !strings.Contains(failure, action) {
				t.Errorf("it is not named:\n%s", failure)
			}
		})
	}
}

// permission is what a call needs, and on what.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func permission(r sandbox.Record) (action, arn string) {
	scope := r.Region + ":" + r.Account
	switch r.Service {
	case "lambda":
		arn = "arn:aws:lambda:" + scope + ":function:" + r.Resource
		if r.Operation == "Invoke" {
			return "lambda:InvokeFunction", arn + ":1"
		}
	case "dynamodb":
		arn = "arn:aws:dynamodb:" + scope + ":table/" + r.Resource
		if r.Operation == "TransactWriteItems" {
			return "", arn
		}
	case "s3":
		arn = "arn:aws:s3:::" + r.Resource
		if r.Operation == "HeadObject" {
			return "s3:GetObject", arn
		}
	case "ecr":
		arn = "arn:aws:ecr:" + scope + ":repository/" + r.Resource
	case "apigateway":
		verb, thing := "GET", strings.TrimPrefix(r.Operation, "Get")
		for prefix, method := range map[string]string{"Create": "POST", "Update": "PATCH"} {
			if rest, is := strings.CutPrefix(r.Operation, prefix); is {
				verb, thing = method, rest
			}
		}
		path := map[string]string{
			"Apis": "/apis", "Api": "/apis", "Routes": "/apis/a/routes", "Route": "/apis/a/routes", "Integrations": "/apis/a/integrations",
			"Integration": "/apis/a/integrations", "Stage": "/apis/a/stages",
		}[thing]
		if verb == "PATCH" {
			path += "/r"
		}
		return "apigateway:" + verb, "arn:aws:apigateway:" + r.Region + "::" + path
	}
	return r.Service + ":" + r.Operation, arn
}

func allowed(p policy.Policy, action, arn string) bool {
	return slices.ContainsFunc(p.Statement, func(s policy.Statement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Action, action) &&
			slices.ContainsFunc(s.Resource, func(pattern string) bool { return cloud.Match(pattern, arn) })
	})
}
