package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

// configurationPoints are those on which the notion of "unchanged" rests.
func configurationPoints() []Point {
	return []Point{
		{
			Name:    "configuration-of-version-equals-latest",
			Claim:   "Every field of the configuration that promote compares is equal for $LATEST and the version just published from it: with defaults, and with each field set that needs no other resource.",
			Promise: "Unchanged means unchanged: a run without a change writes nothing and publishes nothing.",
			Known:   Assumed,
			check:   versionEqualsLatest,
		}, {
			Name:  "configuration-digest",
			Claim: "ConfigSha256 moves with each compared field, not with the description, not with the code, and is equal for $LATEST and its version.",
			// No promise rests on it: configurations are compared field by field. If it is confirmed, one digest could do.
			Known: Assumed, Within: 6 * time.Minute,
			check: configurationDigest,
		},
	}
}

// A setting is one field of a configuration and a change of it.
type setting struct {
	field  string
	change func(*lambda.UpdateFunctionConfigurationInput)
	// covered says that ConfigSha256 is taken to cover it.
	covered bool
}

// settings are the fields that can be changed without a resource besides the function and its role. Not among them:
// Role, Layers, VpcConfig, FileSystemConfigs, DeadLetterConfig, KMSKeyArn, ImageConfig, and SnapStart, which costs
// minutes and money.
func (s *subject) settings() []setting {
	type input = lambda.UpdateFunctionConfigurationInput
	pack := s.config.Package("A")
	logs := "/aws/lambda/" + s.config.Prefix
	return []setting{
		{"Description", func(in *input) { in.Description = aws.String("said") }, false},
		{"MemorySize", func(in *input) { in.MemorySize = aws.Int32(192) }, true},
		{"Timeout", func(in *input) { in.Timeout = aws.Int32(7) }, true},
		{"Environment", func(in *input) {
			in.Environment = &types.Environment{Variables: map[string]string{"GREETING": "hello", "STAGE": "conformance"}}
		}, true},
		{"EphemeralStorage", func(in *input) { in.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(640)} }, true},
		{"Runtime", func(in *input) { in.Runtime = pack.OtherRuntime }, true},
		{"TracingConfig", func(in *input) { in.TracingConfig = &types.TracingConfig{Mode: types.TracingModeActive} }, true},
		{"LoggingConfig.LogFormat", func(in *input) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson}
		}, true},
		{"LoggingConfig.LogGroup", func(in *input) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: &logs}
		}, true},
		{"LoggingConfig.SystemLogLevel", func(in *input) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: &logs, SystemLogLevel: types.SystemLogLevelWarn}
		}, true},
		{"Handler", func(in *input) { in.Handler = aws.String("other.handler") }, true},
	}
}

// configure changes one field and waits. It returns false for a value that this account does not let us set: X-Ray
// needs a permission of the role, for one.
func (s *subject) configure(ctx context.Context, set setting) (c *types.FunctionConfiguration, could bool, err error) {
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: &s.name}
	set.change(in)
	err = s.arrange(ctx, "set "+set.field+" of "+s.name, func(ctx context.Context) error {
		_, err := s.lambda.UpdateFunctionConfiguration(ctx, in)
		return err
	})
	if a := answered(err); a.status == 400 || a.status == 403 {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	c, err = s.settled(ctx)
	return c, true, err
}

// versionEqualsLatest is the promise that a run without a change does nothing. It compares as the product does.
func versionEqualsLatest(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	product := function.New(e.lambda, nil, nil, function.Options{PollRate: 1, UpdateTimeout: settleWithin})
	quiet := func(string, ...any) {}
	var f findings
	compared := 0
	compare := func(when string) error {
		published, err := s.publish(ctx)
		if err != nil {
			return err
		}
		number, err := promotion.ParseVersion(aws.ToString(published.Version))
		if err != nil {
			return err
		}
		latest, err := product.Latest(ctx, s.name, quiet)
		if err != nil {
			return err
		}
		version, err := product.Version(ctx, s.name, number)
		if err != nil {
			return err
		}
		compared = len(latest.Configuration)
		for _, d := range latest.Configuration.Diff(version.Configuration) {
			f.hold(false, "%s, %s is %q on $LATEST and %q on version %s", when, d.Field, d.From, d.To, number)
		}
		f.hold(latest.Digest == version.Digest, "%s, the digests differ", when)
		return nil
	}
	if err := compare("with defaults"); err != nil {
		return Result{}, err
	}
	var not []string
	for _, set := range s.settings() {
		_, could, err := s.configure(ctx, set)
		if err != nil {
			return Result{}, err
		}
		if !could {
			not = append(not, set.field)
		}
	}
	if err := compare("with every field set"); err != nil {
		return Result{}, err
	}
	f.saw("no field differs")
	f.figure("%d fields compared; not settable here: %s", compared, listed(not))
	return f.result()
}

// configurationDigest asks what ConfigSha256 covers. No promise rests on it.
func configurationDigest(ctx context.Context, e *Env) (Result, error) {
	s, err := e.function(ctx)
	if err != nil {
		return Result{}, err
	}
	now, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	if aws.ToString(now.ConfigSha256) == "" {
		f.hold(false, "AWS gives no ConfigSha256")
		return f.result()
	}
	var covered, not, unset []string
	for _, set := range s.settings() {
		next, could, err := s.configure(ctx, set)
		if err != nil {
			return Result{}, err
		}
		if !could {
			unset = append(unset, set.field)
			continue
		}
		moved := aws.ToString(next.ConfigSha256) != aws.ToString(now.ConfigSha256)
		if moved {
			covered = append(covered, set.field)
		} else {
			not = append(not, set.field)
		}
		f.hold(moved == set.covered, "%s moves it: %t", set.field, moved)
		now = next
	}
	if _, err := s.upload(ctx, "B"); err != nil {
		return Result{}, err
	}
	coded, err := s.settled(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(coded.ConfigSha256) == aws.ToString(now.ConfigSha256), "other code moves it")
	published, err := s.publish(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(aws.ToString(published.ConfigSha256) == aws.ToString(coded.ConfigSha256), "it differs between $LATEST and its version")
	f.saw("it moves with every compared field and with nothing else")
	f.figure("covers %s; does not cover %s; not settable here: %s", listed(covered), listed(not), listed(unset))
	return f.result()
}

func listed(fields []string) string {
	if len(fields) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d (%s)", len(fields), strings.Join(fields, " "))
}
