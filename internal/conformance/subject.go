package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const (
	latestName = "$LATEST"
	live       = "live" // the alias of most points

	pollEvery    = 300 * time.Millisecond
	settleWithin = 2 * time.Minute
)

// A subject is a function that a point made for itself.
type subject struct {
	*Env
	name string
}

// function makes a function with code A and waits until it is active.
func (e *Env) function(ctx context.Context, change ...func(*lambda.CreateFunctionInput)) (*subject, error) {
	pack := e.config.Package("A")
	in := &lambda.CreateFunctionInput{
		FunctionName: aws.String(e.name(e.functions)),
		Role:         &e.config.Role,
		Runtime:      pack.Runtime,
		Handler:      &pack.Handler,
		Code:         &types.FunctionCode{ZipFile: pack.Zip},
		Tags:         e.config.Tags,
		MemorySize:   aws.Int32(128),
	}
	for _, c := range change {
		c(in)
	}
	s := &subject{e, *in.FunctionName}
	err := until(ctx, 2*time.Second, settleWithin, "the creation of "+s.name, func(ctx context.Context) (bool, error) {
		err := e.arrange(ctx, "create function "+s.name, func(ctx context.Context) error {
			_, err := e.lambda.CreateFunction(ctx, in)
			return err
		})
		// A role that was made a moment ago cannot be assumed everywhere yet, and Lambda calls it an invalid value.
		if answered(err).code == "InvalidParameterValueException" {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	_, err = s.settled(ctx)
	return s, err
}

// released makes a function with the versions 1 (code A) and 2 (code B), and the alias live at version 1.
func (e *Env) released(ctx context.Context) (*subject, error) {
	s, err := e.function(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.publish(ctx); err != nil {
		return nil, err
	}
	if _, err := s.upload(ctx, "B"); err != nil {
		return nil, err
	}
	if _, err := s.settled(ctx); err != nil {
		return nil, err
	}
	if _, err := s.publish(ctx); err != nil {
		return nil, err
	}
	return s, s.arrange(ctx, "create alias of "+s.name, func(ctx context.Context) error {
		_, err := s.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &s.name, Name: aws.String(live), FunctionVersion: aws.String("1")})
		return err
	})
}

// configuration reads $LATEST or a version as it is.
func (s *subject) configuration(ctx context.Context, qualifier string) (*types.FunctionConfiguration, error) {
	var out *lambda.GetFunctionOutput
	err := s.arrange(ctx, "read "+s.name+":"+qualifier, func(ctx context.Context) (err error) {
		out, err = s.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &s.name, Qualifier: &qualifier})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out.Configuration, nil
}

// settled waits until nothing is in progress on $LATEST.
func (s *subject) settled(ctx context.Context) (*types.FunctionConfiguration, error) {
	return s.await(ctx, latestName)
}

// await waits until $LATEST or a version is active and not being updated.
func (s *subject) await(ctx context.Context, qualifier string) (c *types.FunctionConfiguration, err error) {
	err = until(ctx, pollEvery, settleWithin, s.name+":"+qualifier, func(ctx context.Context) (bool, error) {
		if c, err = s.configuration(ctx, qualifier); err != nil {
			return false, err
		}
		if c.State == types.StateFailed || c.LastUpdateStatus == types.LastUpdateStatusFailed {
			return false, fmt.Errorf("it failed: %s%s", aws.ToString(c.StateReason), aws.ToString(c.LastUpdateStatusReason))
		}
		return c.State == types.StateActive && c.LastUpdateStatus != types.LastUpdateStatusInProgress, nil
	})
	return c, err
}

// upload gives $LATEST a code, without a condition, and does not wait.
func (s *subject) upload(ctx context.Context, code string) (out *lambda.UpdateFunctionCodeOutput, err error) {
	err = s.arrange(ctx, "update the code of "+s.name, func(ctx context.Context) (err error) {
		out, err = s.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &s.name, ZipFile: s.config.Package(code).Zip})
		return err
	})
	return out, err
}

// publish publishes $LATEST and waits until the version is active.
func (s *subject) publish(ctx context.Context) (*types.FunctionConfiguration, error) {
	var out *lambda.PublishVersionOutput
	err := s.arrange(ctx, "publish version of "+s.name, func(ctx context.Context) (err error) {
		out, err = s.lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &s.name})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.await(ctx, aws.ToString(out.Version))
}

// versions counts the published versions.
func (s *subject) versions(ctx context.Context) (int, error) {
	var out *lambda.ListVersionsByFunctionOutput
	err := s.arrange(ctx, "list the versions of "+s.name, func(ctx context.Context) (err error) {
		out, err = s.lambda.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: &s.name})
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(out.Versions) - 1, nil // $LATEST is in the list
}
