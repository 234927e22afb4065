package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A stage is where one script plays.
type stage struct {
	t       testing.TB
	code    *runner.Go
	cloud   *sandboxtest.Cloud // nil until the script starts one
	last    []sandbox.Record   // the calls of the last `exits`; nil before
	took    time.Duration      // how long that was
	invoked chan struct{}      // has something once a function of kind slow was asked
	tables  []string           // the regions that have a lock table
	hold    string             // the fault that was armed last
	state   []string           // the STATE_ variables that are set
	known   bool               // GitHub has the commit of the workflow's run
}

type stageKey struct{}

func setStage(env *testscript.Env) error {
	env.Values[stageKey{}] = &stage{t: env.T().(testing.TB), code: runner.NewGo(), invoked: make(chan struct{}, 1)}
	// No machine's own identity may be found, and nothing beyond loopback asked for one.
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Setenv("HOME", env.WorkDir)
	return nil
}

func (s *stage) api(region ...string) *lambda.Client { return s.cloud.Lambda(region...) }
func (s *stage) ctx() context.Context                { return s.t.Context() }

func (s *stage) sandbox(ts *testscript.TestScript, args []string) error {
	o := sandbox.Options{Runner: s.code, Seed: 1}
	oidc, tabled := false, true
	for i := 0; i < len(args); i++ {
		var err error
		switch args[i] {
		case "-oidc":
			oidc = true
			continue
		case "-no-table":
			tabled = false
			continue
		case "-update-time":
			o.UpdateTime, err = time.ParseDuration(args[i+1])
		case "-latency":
			o.Latency, err = time.ParseDuration(args[i+1])
		default:
			err = errUsage
		}
		if err != nil {
			return err
		}
		i++
	}
	s.cloud = sandboxtest.Start(s.t, o)
	account := s.cloud.Server().Accounts()[0]
	ts.Setenv("KEY", account.AccessKeyID)
	ts.Setenv("SECRET", account.SecretAccessKey)
	for name, value := range s.cloud.Env() {
		key := strings.HasSuffix(name, "_KEY_ID") || strings.HasSuffix(name, "_ACCESS_KEY")
		if strings.HasPrefix(name, "AWS_") && !(oidc && key) || oidc && strings.HasPrefix(name, "ACTIONS_") {
			ts.Setenv(name, value)
		}
	}
	if !tabled {
		return nil
	}
	return s.table(ts, nil)
}

const shopFile = `app: shop
functions: {checkout: {artifact: dist/checkout.zip}}
verify:
  - invoke: {function: checkout, expect: .ok, within: 1s}
environments: {prod: {}}
`

func (s *stage) shop(ts *testscript.TestScript, _ []string) error {
	if _, err := os.Stat(ts.MkAbs("promote.yaml")); err != nil {
		if err := write(ts, "promote.yaml", []byte(shopFile), 0o644); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		do   verb
		args []string
	}{
		{(*stage).sandbox, nil}, {(*stage).function, []string{"checkout", "old"}}, {(*stage).publish, []string{"checkout"}},
		{(*stage).alias, []string{"checkout", "prod", "1"}}, {(*stage).zip, []string{"dist/checkout.zip", "v1"}},
	} {
		if err := step.do(s, ts, step.args); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) action(ts *testscript.TestScript, args []string) error {
	work := ts.Getenv("WORK")
	for _, in := range config.Inputs() {
		value := in.Default
		switch in.Name { // those whose defaults are expressions of the workflow
		case "job-status":
			value = "success"
		case "github-token":
			value = s.token()
		}
		ts.Setenv("INPUT_"+strings.ToUpper(in.Name), value)
	}
	for name, value := range s.cloud.Env() {
		if strings.HasPrefix(name, "GITHUB_") && strings.HasSuffix(name, "_URL") {
			ts.Setenv(name, value)
		}
	}
	for name, value := range map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": work, "GITHUB_REPOSITORY": "octo-org/shop", "GITHUB_EVENT_NAME": "push",
		"GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_ACTOR": "octocat", "GITHUB_SHA": strings.Repeat("0123abcd", 5),
		"GITHUB_OUTPUT": filepath.Join(work, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(work, "summary.md"),
		"GITHUB_ENV": filepath.Join(work, "env"), "GITHUB_STATE": filepath.Join(work, "state"),
	} {
		ts.Setenv(name, value)
	}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		ts.Setenv(name, value)
	}
	if s.known {
		return nil
	}
	s.known = true
	_, err := s.cloud.Server().GitHub().AddCommit(repository, github.Commit{SHA: ts.Getenv("GITHUB_SHA"), Message: "Sell more", Author: "octocat"})
	return err
}

// token is that of a job in the sandbox's repository.
func (s *stage) token() string { return s.cloud.Env()["GITHUB_TOKEN"] }

func (s *stage) input(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	value := args[1]
	if file, is := strings.CutPrefix(value, "@"); is {
		value = ts.ReadFile(file)
	}
	ts.Setenv("INPUT_"+strings.ToUpper(args[0]), value)
	return nil
}

// settled waits until a function can be used.
func (s *stage) settled(name, region string) error {
	for {
		out, err := s.api(region).GetFunction(s.ctx(), &lambda.GetFunctionInput{FunctionName: &name})
		if err != nil {
			return err
		}
		if c := out.Configuration; c.State == types.StateActive && c.LastUpdateStatus != types.LastUpdateStatusInProgress {
			return nil
		}
		select {
		case <-s.ctx().Done():
			return s.ctx().Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// place takes a function's name apart: "NAME" or "NAME@REGION".
func place(name string) (string, string) {
	if name, region, found := strings.Cut(name, "@"); found {
		return name, region
	}
	return name, sandbox.DefaultRegion
}

func (s *stage) function(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	pack, err := s.packed(args[1])
	if err != nil {
		return err
	}
	name, region := place(args[0])
	if _, err := s.api(region).CreateFunction(s.ctx(), &lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(sandboxtest.Role), Runtime: types.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &types.FunctionCode{ZipFile: pack},
	}); err != nil {
		return err
	}
	return s.settled(name, region)
}

func write(ts *testscript.TestScript, file string, content []byte, mode os.FileMode) error {
	file = ts.MkAbs(file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, mode)
}

func (s *stage) zip(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	pack, err := s.packed(args[1])
	if err != nil {
		return err
	}
	return write(ts, args[0], pack, 0o644)
}

func (s *stage) tree(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	text, err := s.bootstrap(args[1])
	if err != nil {
		return err
	}
	return write(ts, path.Join(args[0], "bootstrap"), text, 0o755)
}

func (s *stage) archive(ts *testscript.TestScript, args []string) error {
	if len(args) < 3 {
		return errUsage
	}
	megabytes, err := strconv.Atoi(args[2])
	if err != nil {
		return errUsage
	}
	if len(args) > 3 {
		pack, err := claiming(args[1], uint64(megabytes)<<20)
		if err != nil {
			return err
		}
		return write(ts, args[0], pack, 0o644)
	}
	pack, err := stored(args[1], make([]byte, megabytes<<20))
	if err != nil {
		return err
	}
	return write(ts, args[0], pack, 0o644)
}

func (s *stage) publish(_ *testscript.TestScript, args []string) error {
	name, region := place(args[0])
	_, err := s.api(region).PublishVersion(s.ctx(), &lambda.PublishVersionInput{FunctionName: &name})
	return err
}

func (s *stage) alias(_ *testscript.TestScript, args []string) error {
	if len(args) < 3 {
		return errUsage
	}
	weights := map[string]float64{}
	for _, arg := range args[3:] {
		version, weight, _ := strings.Cut(arg, "=")
		var err error
		if weights[version], err = strconv.ParseFloat(weight, 64); err != nil {
			return errUsage
		}
	}
	name, region := place(args[0])
	routing := &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	_, err := s.api(region).CreateAlias(s.ctx(), &lambda.CreateAliasInput{FunctionName: &name, Name: &args[1], FunctionVersion: &args[2], RoutingConfig: routing})
	if exists := (*types.ResourceConflictException)(nil); errors.As(err, &exists) {
		_, err = s.api(region).UpdateAlias(s.ctx(), &lambda.UpdateAliasInput{FunctionName: &name, Name: &args[1], FunctionVersion: &args[2], RoutingConfig: routing})
	}
	return err
}

func (s *stage) configure(_ *testscript.TestScript, args []string) error {
	variables := map[string]string{}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		variables[name] = value
	}
	name, region := place(args[0])
	if _, err := s.api(region).UpdateFunctionConfiguration(s.ctx(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &types.Environment{Variables: variables},
	}); err != nil {
		return err
	}
	return s.settled(name, region)
}

// timeout lets a function take so many seconds.
func (s *stage) timeout(_ *testscript.TestScript, args []string) error {
	seconds, err := strconv.Atoi(args[1])
	if err != nil {
		return errUsage
	}
	name, region := place(args[0])
	if _, err := s.api(region).UpdateFunctionConfiguration(s.ctx(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Timeout: aws.Int32(int32(seconds)),
	}); err != nil {
		return err
	}
	return s.settled(name, region)
}

func (s *stage) objects() *s3.Client {
	return s3.NewFromConfig(s.cloud.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
}

func (s *stage) bucket(_ *testscript.TestScript, args []string) error {
	_, err := s.objects().CreateBucket(s.ctx(), &s3.CreateBucketInput{Bucket: &args[0],
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: sandbox.DefaultRegion}})
	return err
}

func (s *stage) object(ts *testscript.TestScript, args []string) error {
	bucket, key, found := strings.Cut(strings.TrimPrefix(args[0], "s3://"), "/")
	if !found || len(args) != 2 {
		return errUsage
	}
	_, err := s.objects().PutObject(s.ctx(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(ts.ReadFile(args[1]))})
	return err
}

// put stores an object in a bucket that keeps versions, or does not.
func (s *stage) put(t testing.TB, bucket, key string, content []byte, versions bool) {
	t.Helper()
	if !versions {
		if _, err := s.objects().PutBucketVersioning(s.ctx(), &s3.PutBucketVersioningInput{Bucket: &bucket,
			VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.objects().PutObject(s.ctx(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}); err != nil {
		t.Fatal(err)
	}
}

const registry = sandbox.DefaultAccount + ".dkr.ecr." + sandbox.DefaultRegion + ".amazonaws.com/"

func (s *stage) image(_ *testscript.TestScript, args []string) error {
	repository, tag, found := strings.Cut(args[0], ":")
	if !found || len(args) != 2 {
		return errUsage
	}
	api := ecr.NewFromConfig(s.cloud.AWS())
	_, _ = api.CreateRepository(s.ctx(), &ecr.CreateRepositoryInput{RepositoryName: &repository}) // it may be there
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","annotations":{"code":%q}}`, args[1])
	out, err := api.PutImage(s.ctx(), &ecr.PutImageInput{RepositoryName: &repository, ImageTag: &tag, ImageManifest: &manifest})
	if err != nil {
		return err
	}
	s.code.Register(strings.TrimPrefix(aws.ToString(out.Image.ImageId.ImageDigest), "sha256:"), s.handler(args[1]))
	return nil
}

func (s *stage) imageFunction(_ *testscript.TestScript, args []string) error {
	if _, err := s.api().CreateFunction(s.ctx(), &lambda.CreateFunctionInput{
		FunctionName: &args[0], Role: aws.String(sandboxtest.Role), PackageType: types.PackageTypeImage,
		Code: &types.FunctionCode{ImageUri: aws.String(registry + args[1])},
	}); err != nil {
		return err
	}
	return s.settled(args[0], sandbox.DefaultRegion)
}

func (s *stage) deny(_ *testscript.TestScript, args []string) error {
	d := sandbox.Denial{Action: args[0]}
	if len(args) > 1 {
		d.Resource = args[1]
	}
	return s.cloud.Server().Deny(d)
}

func (s *stage) fault(_ *testscript.TestScript, args []string) error {
	var f sandbox.Fault
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &f); err != nil {
		return err
	}
	var err error
	s.hold, err = s.cloud.Server().Fault(f)
	return err
}

func (s *stage) foreignCode(_ *testscript.TestScript, args []string) error {
	if len(args) != 3 {
		return errUsage
	}
	pack, err := s.packed(args[1])
	if err != nil {
		return err
	}
	_, err = s.cloud.Server().Fault(sandbox.Fault{Kind: sandbox.ForeignWrite, Service: "lambda", Operation: args[2], Resource: args[0], Write: &sandbox.Write{
		Operation:  "UpdateFunctionCode",
		Parameters: map[string]any{"FunctionName": args[0], "ZipFile": base64.StdEncoding.EncodeToString(pack)},
	}})
	return err
}

func (s *stage) calm(*testscript.TestScript, []string) error {
	s.cloud.Server().ClearFaults()
	s.cloud.Server().ClearDenials()
	return nil
}
