package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A Config says where points are tried.
type Config struct {
	// AWS is the account: its region, its credentials, how it is reached.
	AWS aws.Config
	// Role is the ARN of the functions' execution role.
	Role string
	// Prefix begins every name that is made.
	Prefix string
	// Tags are put on everything that is made.
	Tags map[string]string
	// Package makes a deployment package; equal names give equal bytes. Its code answers anything, to any event.
	Package func(name string) Package
	// Rate is how many calls a second Lambda's control plane gets; 0 is 8, about half of what AWS takes.
	Rate float64
	// Provisioned allows points that pay for provisioned concurrency.
	Provisioned bool
}

// A Package is code that can be deployed.
type Package struct {
	Zip     []byte
	Runtime types.Runtime
	Handler string
	// OtherRuntime runs the code too.
	OtherRuntime types.Runtime
}

// An Env is an account that points are tried on. It remembers what was made, to remove it.
type Env struct {
	config   Config
	lambda   *lambda.Client
	dynamodb *dynamodb.Client
	pace     *pace

	mu        sync.Mutex
	made      int
	functions map[string]bool
	tables    map[string]bool
}

// New makes an environment. Calls are sent once each: what a second attempt meets is part of the points.
func New(c Config) *Env {
	e := &Env{config: c, pace: newPace(c.Rate), functions: map[string]bool{}, tables: map[string]bool{}}
	cfg := c.AWS.Copy()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), e.pace.install)
	e.lambda = lambda.NewFromConfig(cfg)
	e.dynamodb = dynamodb.NewFromConfig(cfg)
	return e
}

// name is a new one. It is remembered before anything is made under it, since the answer may be lost.
func (e *Env) name(kind map[string]bool) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made++
	name := fmt.Sprintf("%s-%d", e.config.Prefix, e.made)
	kind[name] = true
	return name
}

// Remove deletes everything that was made and is still there. It may be called again after an error.
func (e *Env) Remove(ctx context.Context) error {
	e.mu.Lock()
	functions, tables := slices.Sorted(maps.Keys(e.functions)), slices.Sorted(maps.Keys(e.tables))
	e.mu.Unlock()
	var errs []error
	for _, name := range functions {
		errs = append(errs, e.removed(name, e.functions, e.deleteFunction(ctx, name)))
	}
	for _, name := range tables {
		errs = append(errs, e.removed(name, e.tables, e.deleteTable(ctx, name)))
	}
	return errors.Join(errs...)
}

func (e *Env) removed(name string, from map[string]bool, err error) error {
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(from, name)
	return nil
}

// deleteFunction deletes a function, with its versions, aliases and provisioned concurrency. AWS may refuse it for
// as long as it is working on the function.
func (e *Env) deleteFunction(ctx context.Context, name string) error {
	return until(ctx, 2*time.Second, time.Minute, "the end of function "+name, func(ctx context.Context) (bool, error) {
		err := e.try(ctx, func(ctx context.Context) error {
			_, err := e.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
			return err
		})
		switch a := answered(err); {
		case err == nil, a.code == "ResourceNotFoundException":
			return true, nil
		case a.status == 409, a.status >= 500:
			return false, nil
		}
		return false, err
	})
}

func (e *Env) deleteTable(ctx context.Context, name string) error {
	return until(ctx, 2*time.Second, time.Minute, "the end of table "+name, func(ctx context.Context) (bool, error) {
		_, err := e.dynamodb.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		var busy *ddbtypes.ResourceInUseException // it is being created, or deleted already
		switch a := answered(err); {
		case a.code == "ResourceNotFoundException":
			return true, nil
		case err == nil, errors.As(err, &busy), a.status >= 500:
			return false, nil
		}
		return false, err
	})
}
