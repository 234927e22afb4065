// Package policy writes the IAM policy that a request needs, and no more: one statement for each purpose, bound to the
// functions, buckets, APIs, lock table and topic that the request names. What a run needs suffices for every other mode
// but setup: a rollback, say, reads and moves the same aliases and writes the same rows.
package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Options are what a policy depends on besides the request.
type Options struct {
	Account        string // "" leaves it open: "*"
	Partition      string // "" is "aws"
	ArtifactBucket string
	LockTable      string // "" where locking is switched off
	Topic          string // the ARN of the SNS topic that is told how runs end, "" for none
	Setup          bool   // mode setup, which makes the lock table and the API itself
}

// A Policy is an IAM policy document: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
type Policy struct {
	Version   string
	Statement []Statement
}

// A Statement allows actions on resources. Sid says what for.
type Statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// For writes the policy for a request.
func For(req promotion.Request, o Options) Policy {
	w := writer{req: req, options: o}
	if o.Partition == "" {
		w.options.Partition = "aws"
	}
	if o.Account == "" {
		w.options.Account = "*"
	}
	functions, versions := w.functions()
	all := slices.Concat(functions, versions)

	read := []string{"lambda:GetAlias", "lambda:GetFunction"}
	if w.any(func(f promotion.Function) bool { return f.Artifact.Candidate.Newest }) {
		read = append(read, "lambda:ListVersionsByFunction")
	}
	w.allow("SeeWhatIsLive", read, all)

	if w.any(func(f promotion.Function) bool { return !f.Artifact.Candidate.Existing() }) {
		deploy := []string{"lambda:PublishVersion"}
		if w.any(func(f promotion.Function) bool { return f.Artifact.Kind != promotion.ArtifactNone }) {
			deploy = append(deploy, "lambda:UpdateFunctionCode")
		}
		w.allow("DeployCandidates", deploy, functions)
	}
	if slices.ContainsFunc(req.Checks, func(c promotion.Check) bool { return !c.ThroughLatest() }) {
		w.allow("VerifyVersionsByNumber", []string{"lambda:InvokeFunction"}, versions)
	}
	w.allow("MoveAliases", []string{"lambda:CreateAlias", "lambda:UpdateAlias"}, functions)
	w.locks()
	w.artifacts()
	w.endpoints(functions, versions)
	if o.Topic != "" {
		w.allow("TellTheTopic", []string{"sns:Publish"}, []string{o.Topic})
	}
	return Policy{Version: "2012-10-17", Statement: w.statements}
}

// JSON is the policy as it is given to IAM, indented.
func (p Policy) JSON() []byte {
	out, _ := json.MarshalIndent(p, "", "  ") // strings only: it cannot fail
	return append(out, '\n')
}

type writer struct {
	req        promotion.Request
	options    Options
	statements []Statement
}

func (w *writer) allow(sid string, actions, resources []string) {
	w.statements = append(w.statements, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources})
}

func (w *writer) any(is func(promotion.Function) bool) bool {
	return slices.ContainsFunc(w.req.Functions, is)
}

func (w *writer) arn(service, region, account, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", w.options.Partition, service, region, account, resource)
}

// functions are the ARNs of the functions themselves, and of everything that can be named below them.
func (w *writer) functions() (functions, versions []string) {
	for _, f := range w.req.Functions {
		arn := w.arn("lambda", w.req.Environment.Region, w.options.Account, "function:"+f.Name)
		functions, versions = append(functions, arn), append(versions, arn+":*")
	}
	return functions, versions
}

// artifacts allows reading stored code, keeping large archives, and looking a tag up.
func (w *writer) artifacts() {
	var objects []string
	var repositories []string
	for _, f := range w.req.Functions {
		switch f.Artifact.Kind {
		case promotion.ArtifactS3:
			objects = append(objects, w.arn("s3", "", "", f.Artifact.Bucket+"/"+f.Artifact.Key))
		case promotion.ArtifactImage:
			repositories = append(repositories, w.repository(f.Artifact.Image))
		}
	}
	if len(objects) > 0 {
		slices.Sort(objects)
		w.allow("ReadStoredCode", []string{"s3:GetObject", "s3:GetObjectVersion"}, slices.Compact(objects))
	}
	if w.options.ArtifactBucket != "" {
		w.allow("KeepLargeArchives", []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}, []string{w.arn("s3", "", "", w.options.ArtifactBucket+"/*")})
	}
	if len(repositories) > 0 {
		slices.Sort(repositories)
		w.allow("ReadImages", []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}, slices.Compact(repositories))
	}
}

var imageName = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z.]+/([^:@]+)`)

// repository is the ARN of an image's repository.
func (w *writer) repository(image string) string {
	if m := imageName.FindStringSubmatch(image); m != nil {
		return w.arn("ecr", m[2], m[1], "repository/"+m[3])
	}
	return w.arn("ecr", w.req.Environment.Region, w.options.Account, "repository/*")
}

// The Sids of what a role that only runs releases may lack. ListEveryApp is for a status of all apps; release notes of a tag
// use it to name the other environments of the app, and do without.
const (
	ListEveryApp   = "ListEveryApp"
	SetUpLockTable = "SetUpLockTable"
	SetUpEndpoints = "SetUpEndpoints"
)

// locks allows the rows of locks, journal and ledger; with Setup also making the table. A transaction has no action of its
// own, but needs those of its items: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html.
func (w *writer) locks() {
	if w.options.LockTable == "" {
		return
	}
	table := []string{w.arn("dynamodb", w.req.Environment.Region, w.options.Account, "table/"+w.options.LockTable)}
	w.allow("KeepLocksAndLedger", []string{
		"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
	}, table)
	w.allow(ListEveryApp, []string{"dynamodb:Scan"}, table)
	if w.options.Setup {
		w.allow(SetUpLockTable, []string{
			"dynamodb:CreateTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
			"dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
		}, table)
	}
}

// endpoints allows finding the HTTP API and adding routes to it; with Setup also making it. API Gateway's actions are the
// HTTP methods of its own paths: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html.
func (w *writer) endpoints(functions, versions []string) {
	if w.req.Endpoints == nil {
		return
	}
	path := func(p string) string { return w.arn("apigateway", w.req.Environment.Region, "", p) }
	w.allow("FindEndpoints", []string{"apigateway:GET"}, []string{path("/apis"), path("/apis/*")})
	w.allow("AddRoutes", []string{"apigateway:PATCH", "apigateway:POST"}, []string{path("/apis/*/routes"), path("/apis/*/routes/*"), path("/apis/*/integrations")})
	if w.options.Setup {
		w.allow(SetUpEndpoints, []string{"apigateway:POST"}, []string{path("/apis"), path("/apis/*/stages"), path("/tags/*")})
	}
	w.allow("LetTheAPIInvoke", []string{"lambda:AddPermission"}, slices.Concat(functions, versions))
	if w.req.Endpoints.Latest == promotion.AuthIAM && slices.ContainsFunc(w.req.Checks, promotion.Check.ThroughLatest) {
		w.allow("CallTheLatestEndpoint", []string{"execute-api:Invoke"}, []string{w.arn("execute-api", w.req.Environment.Region, w.options.Account, "*/*/*/"+w.req.App+"/latest*")})
	}
}
