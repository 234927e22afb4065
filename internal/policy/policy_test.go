package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/policy"
	"github.com/promote-on-success/promote/internal/promotion"
)

// That a whole story passes with the policy, and that it has no action too many, is shown with the real binary in
// cmd/promote. Here is what it depends on.

func request(change func(*promotion.Request)) promotion.Request {
	r := promotion.Request{
		App: "shop", Environment: promotion.Environment{Name: "prod", Alias: "live", Region: "eu-west-1"},
		Functions: []promotion.Function{{Key: "checkout", Name: "shop-checkout", Artifact: promotion.Artifact{Kind: promotion.ArtifactZip, Path: "checkout.zip"}}},
		Checks:    []promotion.Check{{Name: "invoke", Invoke: &promotion.InvokeCheck{Function: "checkout"}}},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func actions(p policy.Policy) []string {
	var list []string
	for _, s := range p.Statement {
		list = append(list, s.Action...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestActionsAreThoseOfTheRequest(t *testing.T) {
	base := "lambda:CreateAlias lambda:GetAlias lambda:GetFunction lambda:InvokeFunction lambda:PublishVersion lambda:UpdateAlias lambda:UpdateFunctionCode"
	without := func(names ...string) []string {
		return slices.DeleteFunc(strings.Fields(base), func(a string) bool { return slices.Contains(names, a) })
	}
	with := func(names ...string) []string {
		all := append(strings.Fields(base), names...)
		slices.Sort(all)
		return all
	}
	artifact := func(a promotion.Artifact) func(*promotion.Request) {
		return func(r *promotion.Request) { r.Functions[0].Artifact = a }
	}
	for name, c := range map[string]struct {
		change  func(*promotion.Request)
		options policy.Options
		want    []string
	}{
		"a local archive": {want: with()},
		"code that is there": {change: artifact(promotion.Artifact{Kind: promotion.ArtifactNone}),
			want: without("lambda:UpdateFunctionCode")},
		"a version that is there": {change: artifact(promotion.Artifact{Kind: promotion.ArtifactNone, Candidate: promotion.CandidateChoice{Number: 7}}),
			want: without("lambda:UpdateFunctionCode", "lambda:PublishVersion")},
		"the newest version": {change: artifact(promotion.Artifact{Kind: promotion.ArtifactNone, Candidate: promotion.CandidateChoice{Newest: true}}),
			want: append(without("lambda:UpdateFunctionCode", "lambda:PublishVersion", "lambda:InvokeFunction", "lambda:UpdateAlias"), "lambda:InvokeFunction", "lambda:ListVersionsByFunction", "lambda:UpdateAlias")},
		"no checks": {change: func(r *promotion.Request) { r.Checks, r.VerifyNone = nil, true }, want: without("lambda:InvokeFunction")},
		"checks by URL": {change: func(r *promotion.Request) {
			r.Checks = []promotion.Check{{Name: "by URL", HTTP: &promotion.HTTPCheck{URL: "https://shop.example.org"}}}
		}, want: without("lambda:InvokeFunction")},
		"locks and a ledger": {options: policy.Options{LockTable: "promote"}, want: append([]string{"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem",
			"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"}, with()...)},
		"a topic":                     {options: policy.Options{Topic: "arn:aws:sns:eu-west-1:123456789012:releases"}, want: with("sns:Publish")},
		"a bucket for large archives": {options: policy.Options{ArtifactBucket: "artifacts"}, want: with("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")},
	} {
		t.Run(name, func(t *testing.T) {
			if got := actions(policy.For(request(c.change), c.options)); !slices.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestResourcesAreThoseOfTheRequest(t *testing.T) {
	text := func(r promotion.Request, o policy.Options) string { return string(policy.For(r, o).JSON()) }
	for _, c := range []struct {
		outcome, text, want string
	}{
		{"the functions by Lambda's names", text(request(nil), policy.Options{Account: "123456789012"}), `"arn:aws:lambda:eu-west-1:123456789012:function:shop-checkout"`},
		{"an account that nobody named is open", text(request(nil), policy.Options{}), `"arn:aws:lambda:eu-west-1:*:function:shop-checkout"`},
		{"the partition", text(request(nil), policy.Options{Partition: "aws-cn"}), `"arn:aws-cn:lambda:`},
		{"the object", text(request(func(r *promotion.Request) {
			r.Functions[0].Artifact = promotion.Artifact{Kind: promotion.ArtifactS3, Bucket: "artifacts", Key: "checkout.zip"}
		}), policy.Options{}), `"arn:aws:s3:::artifacts/checkout.zip"`},
		{"the image's repository, where it is", text(request(func(r *promotion.Request) {
			r.Functions[0].Artifact = promotion.Artifact{Kind: promotion.ArtifactImage, Image: "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1"}
		}), policy.Options{Account: "123456789012"}), `"arn:aws:ecr:eu-west-1:210987654321:repository/team/app"`},
		{"the lock table", text(request(nil), policy.Options{Account: "123456789012", LockTable: "locks"}), `"arn:aws:dynamodb:eu-west-1:123456789012:table/locks"`},
		{"the topic", text(request(nil), policy.Options{Topic: "arn:aws:sns:us-east-1:210987654321:releases"}), `"arn:aws:sns:us-east-1:210987654321:releases"`},
	} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("%s: %s is not in\n%s", c.outcome, c.want, c.text)
		}
	}
}

func TestWhatOnlySetupNeedsStandsApart(t *testing.T) {
	r := request(func(r *promotion.Request) { r.Endpoints = &promotion.Endpoints{API: "shop"} })
	for _, sid := range []string{policy.SetUpLockTable, policy.SetUpEndpoints} {
		has := func(o policy.Options) bool {
			o.LockTable = "promote"
			return slices.ContainsFunc(policy.For(r, o).Statement, func(s policy.Statement) bool { return s.Sid == sid })
		}
		if has(policy.Options{}) || !has(policy.Options{Setup: true}) {
			t.Errorf("the statement %s is to be there for setup, and only then", sid)
		}
	}
}

func TestItIsADocumentThatIAMTakes(t *testing.T) {
	var document map[string]any
	if err := json.Unmarshal(policy.For(request(nil), policy.Options{}).JSON(), &document); err != nil {
		t.Fatal(err)
	}
	if document["Version"] != "2012-10-17" {
		t.Errorf("version %v", document["Version"])
	}
	seen := map[string]bool{}
	all := policy.Options{LockTable: "promote", Topic: "arn:aws:sns:eu-west-1:123456789012:releases", ArtifactBucket: "artifacts", Setup: true}
	for _, s := range policy.For(request(nil), all).Statement {
		if seen[s.Sid] || strings.ContainsAny(s.Sid, " -_") || s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 {
			t.Errorf("statement %+v", s)
		}
		seen[s.Sid] = true
	}
}
