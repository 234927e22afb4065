package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A stage is a sandbox with an IAM, and a session on it.
type stage struct {
	cloud *sandboxtest.Cloud
	iam   *withIAM
	out   bytes.Buffer
	env   map[string]string
	conformance.Session
}

func newStage(t *testing.T) *stage {
	t.Helper()
	c := sandboxtest.InProcess(t, slow)
	s := &stage{
		cloud: c,
		iam:   &withIAM{next: c.HTTPClient().Transport, roles: map[string]*role{}},
		env:   map[string]string{conformance.AccountVariable: sandbox.DefaultAccount},
	}
	cfg := c.AWS()
	cfg.HTTPClient = &http.Client{Transport: s.iam}
	s.Session = conformance.Session{
		AWS: cfg, Out: &s.out, Package: onSandbox(c).Package,
		Getenv: func(name string) string { return s.env[name] },
	}
	return s
}

// left is everything that is there: functions, tables and roles.
func (s *stage) left(t *testing.T) []string {
	t.Helper()
	return append(leftovers(t, s.cloud), slices.Sorted(maps.Keys(s.iam.roles))...)
}

func TestSession(t *testing.T) {
	t.Run("confirms all on the sandbox, reports it, and leaves nothing", func(t *testing.T) {
		report := filepath.Join(t.TempDir(), "report.md")
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.env[conformance.ReportVariable], s.env[conformance.ProvisionedVariable] = report, "1"
			if err := s.Run(t.Context()); err != nil {
				t.Error(err)
			}
			if left := s.left(t); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			text, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{" confirmed, 0 refuted, 0 inconclusive.", "| alias-compare-and-set |"} {
				if !strings.Contains(s.out.String(), want) || !strings.Contains(string(text), want) {
					t.Errorf("it does not say %q:\n%s\n%s", want, s.out.String(), text)
				}
			}
			if !strings.Contains(s.out.String(), "US cents") {
				t.Errorf("it has no price:\n%s", s.out.String())
			}
		})
	})
	t.Run("takes a role that is given, and makes none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.env[conformance.RoleVariable] = sandboxtest.Role
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the end of the time", err)
			}
			if s.iam.made > 0 {
				t.Errorf("made %d roles", s.iam.made)
			}
		})
	})
	for _, when := range []time.Duration{0, 500 * time.Millisecond, 10 * time.Second, 100 * time.Second, 6 * time.Minute} {
		t.Run("interrupted after "+when.String()+" removes all and says so", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				interrupted := errors.New("interrupted")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(when, func() { cancel(interrupted) })
				if when == 0 {
					cancel(interrupted)
				}
				err := s.Run(ctx)
				if !errors.Is(err, interrupted) && when > 0 {
					t.Errorf("got %v, want it to say that it was interrupted", err)
				}
				if err == nil {
					t.Error("an interrupted run succeeded")
				}
				if left := s.left(t); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		})
	}
	t.Run("fails when a point is refuted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.AWS.APIOptions = append(s.AWS.APIOptions, deviations()["alias-touch"][1].api)
			err := s.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "refuted") {
				t.Errorf("got %v", err)
			}
			if left := s.left(t); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	})
	for name, account := range map[string]string{"another account": "210987654321", "no account": ""} {
		t.Run("touches nothing with "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.env[conformance.AccountVariable] = account
				if err := s.Run(t.Context()); err == nil {
					t.Error("it ran")
				}
				if err := s.Sweep(t.Context()); err == nil {
					t.Error("it swept")
				}
				for service := range map[string]bool{"lambda": true, "dynamodb": true} {
					if n := s.cloud.Count(service); len(n) > 0 {
						t.Errorf("%s was called: %v", service, n)
					}
				}
				if len(s.iam.roles) > 0 {
					t.Errorf("made the roles %v", s.iam.roles)
				}
			})
		})
	}
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		old := map[string]string{conformance.Tag: time.Now().Add(-25 * time.Hour).Format(time.RFC3339)}
		young := map[string]string{conformance.Tag: time.Now().Add(-23 * time.Hour).Format(time.RFC3339)}
		for name, tags := range map[string]map[string]string{
			"promote-conformance-old": old, "promote-conformance-young": young, "promote-conformance-untagged": nil,
			"promote-conformance-odd": {conformance.Tag: "yes"}, "orders": old,
		} {
			s.make(t, name, tags)
			s.iam.roles[name] = &role{path: "/promote-conformance/", tags: tags, policies: map[string]bool{"traces": true}}
		}
		s.iam.roles["elsewhere"] = &role{path: "/", tags: old, policies: map[string]bool{}}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		kept := []string{"orders", "promote-conformance-odd", "promote-conformance-untagged", "promote-conformance-young"}
		want := slices.Concat(kept, kept, []string{"elsewhere"}, kept)
		if left := s.left(t); !slices.Equal(left, want) {
			t.Errorf("kept %v\nwant %v", left, want)
		}
		if n := strings.Count(s.out.String(), "removed "); n != 3 {
			t.Errorf("it says:\n%s", s.out.String())
		}
	})
}

// make makes a function and a table.
func (s *stage) make(t *testing.T, name string, tags map[string]string) {
	t.Helper()
	s.cloud.Function(name, sandboxtest.Code{Name: "A"})
	if tags != nil {
		_, err := lambda.NewFromConfig(s.cloud.AWS()).TagResource(t.Context(), &lambda.TagResourceInput{
			Resource: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:" + name), Tags: tags,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: ddbtypes.KeyTypeHash}},
	}
	for key, value := range tags {
		in.Tags = append(in.Tags, ddbtypes.Tag{Key: &key, Value: &value})
	}
	if _, err := dynamodb.NewFromConfig(s.cloud.AWS()).CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}
