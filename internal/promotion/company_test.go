package promotion_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// A company is a theatre in which several runs play at once, under locks: each with a network of its own, which may die.
type company struct {
	*theatre
	commits line
}

// A line is a history of commits in which each is ahead of those before it.
type line []string

func (l line) Compare(_ context.Context, base, head string) (promotion.Relation, error) {
	b, h := slices.Index(l, base), slices.Index(l, head)
	switch {
	case b < 0 || h < 0:
		return promotion.Unknown, promotion.Fault{What: "nobody knows these commits"}
	case b == h:
		return promotion.Identical, nil
	case b < h:
		return promotion.Ahead, nil
	}
	return promotion.Behind, nil
}

// sha makes a commit's hash of a letter.
func sha(letter string) string {
	out := ""
	for len(out) < 40 {
		out += letter
	}
	return out
}

const lockTable = "promote"

func newCompany(t *testing.T, o sandbox.Options) *company {
	t.Helper()
	th := newTheatre(t, o)
	co := &company{theatre: th, commits: line{sha("1"), sha("2"), sha("3"), sha("4"), sha("5"), sha("6")}}
	if _, err := table.New(dynamodb.NewFromConfig(th.cloud.AWS()), lockTable, table.Current()).Setup(t.Context(), func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return co
}

// A party is one run of the program.
type party struct {
	*company
	name    string
	network *network
	runner  *promotion.Runner

	mu   sync.Mutex
	told []string
}

// enter gives a party of the company its way to AWS.
func (co *company) enter(name string) *party {
	p := &party{company: co, name: name, network: &network{next: co.cloud.HTTPClient().Transport}}
	cfg := co.cloud.AWS()
	cfg.HTTPClient = &http.Client{Transport: p.network}
	lambdas := lambda.NewFromConfig(cfg)
	account := function.New(lambdas, s3.NewFromConfig(cfg), ecr.NewFromConfig(cfg), function.Options{Workspace: co.workspace})
	rows := table.New(dynamodb.NewFromConfig(cfg), lockTable, table.Current())
	p.runner = &promotion.Runner{
		Packages: account, Functions: account, Aliases: account,
		Checks: check.New(lambdas, check.Options{Workspace: co.workspace, HTTP: &http.Client{Transport: p.network}}),
		Locks:  lease.New(rows), Ledger: ledger.New(rows), Commits: co.commits,
		Tell: func(e promotion.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if e.Text != "" {
				p.told = append(p.told, string(e.Stage)+": "+e.Text)
			}
		},
	}
	return p
}

// at makes the request that of the party, for a commit.
func (p *party) at(commit string, req promotion.Request) promotion.Request {
	req.Commit, req.Release, req.RunID, req.Attempt = commit, "release-"+p.name, p.name, "1"
	req.RunURL, req.RepositoryID = "https://github.com/acme/shop/actions/runs/"+p.name, "42"
	return req
}

func (p *party) run(req promotion.Request) promotion.Outcome {
	p.t.Helper()
	return p.runner.Run(p.t.Context(), req)
}

// die ends the party like SIGKILL: nothing that it still does reaches anybody.
func (p *party) die() { p.network.lose(true) }

// book is what is recorded of the environment.
func (co *company) book() promotion.Book {
	co.t.Helper()
	b, err := co.enter("reader").runner.Ledger.Read(context.Background(), promotion.Scope{App: "shop", Environment: "prod"})
	if err != nil {
		co.t.Fatal(err)
	}
	return b
}

func (co *company) entries() []promotion.Entry {
	co.t.Helper()
	list, err := co.enter("reader").runner.Ledger.History(context.Background(), promotion.Scope{App: "shop", Environment: "prod"}, promotion.Query{})
	if err != nil {
		co.t.Fatal(err)
	}
	return list
}

// whole tells that nothing is left half done: no open intent, nobody at the lock, and the aliases hold what is recorded.
func (co *company) whole(functions ...string) {
	co.t.Helper()
	b := co.book()
	if b.Open != nil {
		co.t.Errorf("the intent %s is open", b.Open.ID)
	}
	for _, l := range []promotion.Lock{{App: "shop"}, {App: "shop", Environment: "prod"}} {
		if holder, err := co.enter("reader").runner.Locks.Look(context.Background(), l); err != nil || holder != nil {
			co.t.Errorf("%s is held by %v (%v)", l, holder, err)
		}
	}
	for _, f := range functions {
		if recorded, holds := b.Head.Functions[f].Version.String(), co.alias(f); recorded != holds {
			co.t.Errorf("alias of %s holds %s, and %s is recorded", f, holds, recorded)
		}
	}
}

// meanwhile runs something beside the test, and gives its outcome when it is over.
func meanwhile(run func() promotion.Outcome) <-chan promotion.Outcome {
	done := make(chan promotion.Outcome, 1)
	go func() { done <- run() }()
	return done
}

// lingering asks for code whose answer takes ten minutes.
func (co *company) lingering(code string, names ...string) promotion.Request {
	path := co.build(sandboxtest.Code{Name: code, Handler: func(ctx context.Context, _ runner.Input) (runner.Output, error) {
		select {
		case <-time.After(10 * time.Minute):
		case <-ctx.Done():
		}
		return runner.Output{Payload: []byte("{}")}, nil
	}})
	for _, n := range names {
		if _, err := co.cloud.Lambda().UpdateFunctionConfiguration(context.Background(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &n, Timeout: aws.Int32(900)}); err != nil {
			co.t.Fatal(err)
		}
	}
	req := co.requestFor(promotion.Artifact{Kind: promotion.ArtifactZip, Path: path}, names...)
	for i := range req.Checks {
		req.Checks[i].Invoke.Within = 14 * time.Minute
	}
	return req
}
