package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A deviation is an AWS that differs from the sandbox in one respect.
type deviation struct {
	name  string
	api   func(*middleware.Stack) error // stands between the points and the sandbox
	fault *sandbox.Fault                // or the sandbox itself is told to differ
}

// differ makes a deviation out of a change of what an operation is sent, and of what it answers. Either may be nil.
func differ[In, Out any](name string, sent func(*In), answered func(*In, *Out, error) (*Out, error)) deviation {
	step := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		params, mine := in.Parameters.(*In)
		if !mine {
			return next.HandleInitialize(ctx, in)
		}
		if sent != nil {
			changed := *params
			sent(&changed)
			in.Parameters = &changed
		}
		out, meta, err := next.HandleInitialize(ctx, in)
		if answered == nil {
			return out, meta, err
		}
		result, _ := out.Result.(*Out)
		if result, err = answered(params, result, err); err == nil {
			out.Result = result
		}
		return out, meta, err
	}
	return deviation{name: name, api: func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("deviation", step), middleware.After)
	}}
}

// refusal is an error as the SDK makes it of an answer with this status.
func refusal(status int, err error) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err,
	}}
}

// deviations has, for each point, an AWS that has to be told from the one that is claimed.
func deviations() map[string][]deviation {
	type (
		updateAlias = lambda.UpdateAliasInput
		alias       = lambda.UpdateAliasOutput
	)
	latest := func(in *lambda.GetFunctionInput) bool {
		return aws.ToString(in.Qualifier) == "$LATEST" || in.Qualifier == nil
	}
	version := func(change func(*types.FunctionConfiguration)) func(*lambda.GetFunctionInput, *lambda.GetFunctionOutput, error) (*lambda.GetFunctionOutput, error) {
		return func(in *lambda.GetFunctionInput, out *lambda.GetFunctionOutput, err error) (*lambda.GetFunctionOutput, error) {
			if err == nil && !latest(in) {
				change(out.Configuration)
			}
			return out, err
		}
	}
	var reads, moves, ends atomic.Int64
	return map[string][]deviation{
		"alias-compare-and-set": {
			differ[updateAlias, alias]("the revision is not compared", func(in *updateAlias) { in.RevisionId = nil }, nil),
			differ("the winner is told that it lost", nil, func(_ *updateAlias, out *alias, err error) (*alias, error) {
				if err == nil && strings.HasPrefix(aws.ToString(out.Description), "round 3") {
					return nil, refusal(412, &types.PreconditionFailedException{})
				}
				return out, err
			}),
		},
		"alias-read-after-write": {
			differ("reads lag", nil, func(_ *lambda.GetAliasInput, out *lambda.GetAliasOutput, err error) (*lambda.GetAliasOutput, error) {
				if n := reads.Add(1); err == nil && n%10 == 0 {
					out.RevisionId = aws.String("of long ago")
				}
				return out, err
			}),
		},
		"alias-refused-write-changes-nothing": {
			differ("a write takes effect and is called refused", func(in *updateAlias) { in.RevisionId = nil }, func(in *updateAlias, out *alias, err error) (*alias, error) {
				if aws.ToString(in.Description) == "late" {
					return nil, refusal(412, &types.PreconditionFailedException{})
				}
				return out, err
			}),
			differ[updateAlias, alias]("the revision is not compared", func(in *updateAlias) { in.RevisionId = nil }, nil),
		},
		"alias-touch": {
			differ("a write without a change is none", nil, func(in *updateAlias, out *alias, err error) (*alias, error) {
				if err == nil && in.FunctionVersion == nil {
					out.RevisionId = in.RevisionId
				}
				return out, err
			}),
			differ[updateAlias, alias]("late writes land", func(in *updateAlias) { in.RevisionId = nil }, nil),
		},
		"alias-throttled-write-not-sent": {
			{name: "a throttled write is carried out", fault: &sandbox.Fault{
				Kind: sandbox.FailAfter, Service: "lambda", Operation: "UpdateAlias", Count: -1, Status: 429, Code: "TooManyRequestsException",
			}},
		},
		"alias-create-if-absent": {
			differ("a creation of what exists is taken", nil, func(in *lambda.CreateAliasInput, out *lambda.CreateAliasOutput, err error) (*lambda.CreateAliasOutput, error) {
				if err != nil && strings.Contains(err.Error(), "ResourceConflict") && strings.HasPrefix(*in.Name, "contested") {
					return &lambda.CreateAliasOutput{Name: in.Name, RevisionId: aws.String("mine")}, nil
				}
				return out, err
			}),
		},
		"alias-moves-during-update": {
			differ("aliases wait for updates", nil, func(_ *updateAlias, _ *alias, _ error) (*alias, error) {
				return nil, refusal(409, &types.ResourceConflictException{})
			}),
		},
		"routing-in-one-call": {
			differ[updateAlias, alias]("weights are left out", func(in *updateAlias) { in.RoutingConfig = nil }, nil),
		},
		"routing-ends-canary-in-one-call": {
			differ("the last step fails now and then", nil, func(in *updateAlias, out *alias, err error) (*alias, error) {
				if in.RevisionId != nil && moves.Add(1) == 4 {
					return nil, refusal(500, &types.ServiceException{})
				}
				return out, err
			}),
			differ[updateAlias, alias]("an empty map clears nothing", func(in *updateAlias) {
				if in.RevisionId != nil {
					in.RoutingConfig = nil
					in.FunctionVersion = nil
				}
			}, nil),
		},
		"routing-absent-stays": {
			differ[updateAlias, alias]("absent weights are cleared", func(in *updateAlias) {
				if in.RoutingConfig == nil {
					in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}
				}
			}, nil),
		},
		"routing-reaches-invocations": {
			differ("callers go on with the old version", nil, func(_ *lambda.InvokeInput, out *lambda.InvokeOutput, err error) (*lambda.InvokeOutput, error) {
				if err == nil {
					out.ExecutedVersion = aws.String("1")
				}
				return out, err
			}),
		},
		"routing-under-provisioned-concurrency": {
			differ("weights name another version", nil, func(_ *lambda.GetAliasInput, out *lambda.GetAliasOutput, err error) (*lambda.GetAliasOutput, error) {
				if err == nil && out.RoutingConfig != nil {
					out.RoutingConfig.AdditionalVersionWeights = map[string]float64{"3": 1}
				}
				return out, err
			}),
			differ("weights come and go under one revision", nil, func(_ *lambda.GetAliasInput, out *lambda.GetAliasOutput, err error) (*lambda.GetAliasOutput, error) {
				if err == nil {
					out.RevisionId = aws.String("always the same")
				}
				return out, err
			}),
		},
		"latest-revision-moves-when-settled": {
			differ("the revision goes on moving", nil, func(_ *lambda.GetFunctionInput, out *lambda.GetFunctionOutput, err error) (*lambda.GetFunctionOutput, error) {
				if err == nil && out.Configuration.LastUpdateStatus == types.LastUpdateStatusSuccessful {
					out.Configuration.RevisionId = aws.String(fmt.Sprint("revision ", ends.Add(1)))
				}
				return out, err
			}),
			differ[lambda.UpdateFunctionCodeInput, lambda.UpdateFunctionCodeOutput]("the revision is not compared", func(in *lambda.UpdateFunctionCodeInput) { in.RevisionId = nil }, nil),
		},
		"latest-publishing-update-settles": {
			differ("the version's revision moves when it becomes active", nil, version(func(c *types.FunctionConfiguration) {
				if c.State == types.StateActive {
					c.RevisionId = aws.String("another")
				}
			})),
			differ[lambda.UpdateFunctionCodeInput, lambda.UpdateFunctionCodeOutput]("nothing is published", func(in *lambda.UpdateFunctionCodeInput) { in.Publish = false }, nil),
		},
		"latest-update-in-progress": {
			differ("409 comes first", nil, func(in *lambda.UpdateFunctionCodeInput, out *lambda.UpdateFunctionCodeOutput, err error) (*lambda.UpdateFunctionCodeOutput, error) {
				if err != nil && strings.Contains(err.Error(), "PreconditionFailed") {
					return nil, refusal(409, &types.ResourceConflictException{})
				}
				return out, err
			}),
		},
		"latest-keeps-architectures": {
			differ[lambda.UpdateFunctionCodeInput, lambda.UpdateFunctionCodeOutput]("what is not given is the default", func(in *lambda.UpdateFunctionCodeInput) {
				in.Architectures = []types.Architecture{types.ArchitectureX8664}
			}, nil),
		},
		"latest-revision-stays": {
			differ("every call moves it", nil, func(_ *lambda.GetFunctionInput, out *lambda.GetFunctionOutput, err error) (*lambda.GetFunctionOutput, error) {
				if err == nil {
					out.Configuration.RevisionId = aws.String(fmt.Sprint("revision ", ends.Add(1)))
				}
				return out, err
			}),
			differ("nothing moves it", nil, func(_ *lambda.GetFunctionInput, out *lambda.GetFunctionOutput, err error) (*lambda.GetFunctionOutput, error) {
				if err == nil {
					out.Configuration.RevisionId = aws.String("always the same")
				}
				return out, err
			}),
		},
		"publish-guards": {
			differ[lambda.PublishVersionInput, lambda.PublishVersionOutput]("the revision is not compared", func(in *lambda.PublishVersionInput) { in.RevisionId = nil }, nil),
			differ[lambda.PublishVersionInput, lambda.PublishVersionOutput]("the digest is not compared", func(in *lambda.PublishVersionInput) { in.CodeSha256 = nil }, nil),
		},
		"publish-dedupes": {
			differ("the new description is taken", nil, func(in *lambda.PublishVersionInput, out *lambda.PublishVersionOutput, err error) (*lambda.PublishVersionOutput, error) {
				if err == nil {
					out.Description = in.Description
				}
				return out, err
			}),
		},
		"publish-after-identical-update": {
			differ("equal bytes are no change", nil, version(func(c *types.FunctionConfiguration) { c.Version = aws.String("1") })),
		},
		"publish-with-identical-update": {
			differ("equal bytes are no change", nil, func(_ *lambda.UpdateFunctionCodeInput, out *lambda.UpdateFunctionCodeOutput, err error) (*lambda.UpdateFunctionCodeOutput, error) {
				if err == nil {
					out.Version = aws.String("1")
				}
				return out, err
			}),
			differ[lambda.UpdateFunctionCodeInput, lambda.UpdateFunctionCodeOutput]("the revision is not compared", func(in *lambda.UpdateFunctionCodeInput) { in.RevisionId = nil }, nil),
		},
		"publish-numbers-grow": {
			differ("the number of a deleted version is used again", nil, version(func(c *types.FunctionConfiguration) {
				if *c.Version == "3" {
					c.Version = aws.String("2")
				}
			})),
		},
		"configuration-of-version-equals-latest": {
			differ("a version does not keep its memory", nil, version(func(c *types.FunctionConfiguration) { c.MemorySize = aws.Int32(1024) })),
			differ("a version leaves its log group out", nil, version(func(c *types.FunctionConfiguration) { c.LoggingConfig.LogGroup = nil })),
		},
		"configuration-digest": {
			differ("it covers the version's number", nil, version(func(c *types.FunctionConfiguration) { c.ConfigSha256 = aws.String("other") })),
			differ("there is none", nil, func(_ *lambda.GetFunctionInput, out *lambda.GetFunctionOutput, err error) (*lambda.GetFunctionOutput, error) {
				if err == nil {
					out.Configuration.ConfigSha256 = nil
				}
				return out, err
			}),
		},
		"permission-qualifiers": {
			differ[lambda.AddPermissionInput, lambda.AddPermissionOutput]("the alias is not looked at", func(in *lambda.AddPermissionInput) { in.Qualifier = nil }, nil),
		},
		"table-transaction-repeated": {
			differ[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]("tokens are not remembered", func(in *dynamodb.TransactWriteItemsInput) { in.ClientRequestToken = nil }, nil),
		},
		"table-transaction-tells-old-item": {
			differ("reasons are bare", nil, func(_ *dynamodb.TransactWriteItemsInput, out *dynamodb.TransactWriteItemsOutput, err error) (*dynamodb.TransactWriteItemsOutput, error) {
				if err != nil {
					none, failed := aws.String("None"), aws.String("ConditionalCheckFailed")
					return nil, refusal(400, &ddbtypes.TransactionCanceledException{CancellationReasons: []ddbtypes.CancellationReason{{Code: none}, {Code: failed}}})
				}
				return out, err
			}),
		},
		"table-fence-has-one-winner": {
			differ[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]("the condition is not checked", func(in *dynamodb.TransactWriteItemsInput) {
				for i := range in.TransactItems {
					update := *in.TransactItems[i].Update
					if update.ConditionExpression != nil {
						update.ConditionExpression = aws.String("fence >= :known")
					}
					in.TransactItems[i].Update = &update
				}
			}, nil),
		},
	}
}

// TestDeviations holds that no point confirms whatever it meets.
func TestDeviations(t *testing.T) {
	all := deviations()
	for _, p := range conformance.Points() {
		if len(all[p.Name]) == 0 {
			t.Errorf("nothing shows that %s can be refuted", p.Name)
		}
		for _, d := range all[p.Name] {
			t.Run(p.Name+"/"+d.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := sandboxtest.InProcess(t, slow)
					config := onSandbox(c)
					if d.api != nil {
						config.AWS.APIOptions = append(config.AWS.APIOptions, d.api)
					}
					if d.fault != nil {
						if _, err := c.Server().Fault(*d.fault); err != nil {
							t.Fatal(err)
						}
					}
					row := try(t, c, config, p)
					if row.Verdict != conformance.Refuted {
						t.Errorf("%s: %s", row.Verdict, row.Seen)
					}
					t.Log(row.Seen)
				})
			})
		}
	}
}
