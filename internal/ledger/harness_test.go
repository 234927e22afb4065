package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// The cases run twice: in a bubble of virtual time against the sandbox in this process, and in real time against AWS's
// own DynamoDB Local (build tag dynamodblocal). A fixture is one case's view of either.
type fixture struct {
	*testing.T
	env   map[string]string // by which the account is found
	inner http.RoundTripper
	table string
	scope promotion.Scope

	account *account.Account
	watcher *party // past all wires
}

// bubble runs a case in virtual time.
func bubble(t *testing.T, run func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := sandboxtest.InProcess(t, sandbox.Options{})
		f := &fixture{T: t, env: cloud.Env(), inner: cloud.Server().Transport(), table: "promote", scope: promotion.Scope{App: "shop", Environment: "prod"}}
		f.createTable()
		run(f)
	})
}

// createTable makes what setup makes, as far as a ledger sees it.
func (f *fixture) createTable() {
	f.Helper()
	_, err := f.client(f.inner).CreateTable(f.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(f.table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		f.Fatal(err)
	}
}

// client is one as promote makes it, with its ways of trying again.
func (f *fixture) client(transport http.RoundTripper) *dynamodb.Client {
	f.Helper()
	if f.account == nil {
		a, err := account.Open(f.Context(), account.Options{Getenv: func(name string) string { return f.env[name] }})
		f.must(err)
		f.account = a
	}
	config := f.account.Config
	config.HTTPClient = &http.Client{Transport: transport}
	return dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
		// DynamoDB Local sends no checksum with an error, of which the SDK would warn each time.
		o.DisableValidateResponseChecksum = true
	})
}

// A party is one run: its ledger, on a wire of its own. Its locks go another way, so that the wire has the ledger's calls only.
type party struct {
	*fixture
	name   string
	wire   *wire
	table  *table.Table // past the wire
	ledger *ledger.Ledger
	locks  *lease.Locks
}

func (f *fixture) party(name string) *party { return f.partyOf(name, table.Current()) }

func (f *fixture) partyOf(name string, format table.Format) *party {
	w := &wire{inner: f.inner}
	beside := table.New(f.client(f.inner), f.table, table.Current())
	return &party{fixture: f, name: name, wire: w, table: beside, ledger: ledger.New(table.New(f.client(w), f.table, format)), locks: lease.New(beside)}
}

// seize makes the party the holder of the scope's lock, whoever holds it. It gives no signs of life: cases are short.
func (p *party) seize() promotion.Grant {
	p.Helper()
	h, err := p.locks.Seize(p.Context(), p.scope.Lock(), promotion.Contender{Hold: time.Hour, Holder: promotion.Holder{RunID: p.name}}, "the case")
	p.must(err)
	p.Cleanup(func() { // no call: it stops what watches over the lock
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = h.Release(ctx, false)
	})
	return h.Grant()
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) want(err, kind error) {
	f.Helper()
	if !errors.Is(err, kind) {
		f.Errorf("the error is %v; want %v", err, kind)
	}
}

// wantText wants a kind of error that says something.
func (f *fixture) wantText(err, kind error, text string) {
	f.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		f.Errorf("the error is %v; want %v, with %q", err, kind, text)
	}
}

// wantFault wants parts of what the error says and of what it advises.
func (f *fixture) wantFault(err error, what, hint string) {
	f.Helper()
	var fault promotion.Fault
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), what) || !strings.Contains(fault.Hint, hint) {
		f.Errorf("the error is %v, hint %q; want %q, hint %q", err, fault.Hint, what, hint)
	}
}

func same[T any](f *fixture, what string, got, want T) {
	f.Helper()
	if !reflect.DeepEqual(got, want) {
		f.Errorf("%s is\n%+v\nwant\n%+v", what, got, want)
	}
}

// observer reads what others have written.
func (f *fixture) observer() *party {
	f.Helper()
	if f.watcher == nil {
		f.watcher = f.party("observer")
	}
	return f.watcher
}

func (f *fixture) book() promotion.Book {
	f.Helper()
	b, err := f.observer().ledger.Read(f.Context(), f.scope)
	f.must(err)
	return b
}

func (f *fixture) history(q promotion.Query) []promotion.Entry {
	f.Helper()
	entries, err := f.observer().ledger.History(f.Context(), f.scope, q)
	f.must(err)
	return entries
}

// raw is the table past the ledger.
func (f *fixture) raw() *table.Table { return f.observer().table }

func (f *fixture) row(sort string) table.Item {
	f.Helper()
	row, err := f.raw().Get(f.Context(), f.key(sort))
	f.must(err)
	return row
}

func (f *fixture) key(sort string) table.Key {
	return table.Key{PK: table.Partition(f.scope.App, f.scope.Environment), SK: sort}
}

// rows are all rows of the scope whose sort keys begin with one of the prefixes.
func (f *fixture) rows(prefixes ...string) (all []table.Item) {
	f.Helper()
	for _, prefix := range prefixes {
		rows, err := f.raw().Rows(f.Context(), table.Partition(f.scope.App, f.scope.Environment), prefix)
		f.must(err)
		all = append(all, rows...)
	}
	return all
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC)

func commit(n int) string { return fmt.Sprintf("%040x", n) }

func record(function string, version int) promotion.Record {
	return promotion.Record{
		Name: "shop-" + function, Alias: "live", Version: promotion.Version(version), Digest: promotion.Digest(fmt.Sprintf("digest-%d", version)),
		Source: promotion.Source{Repository: "42", Commit: commit(version)}, Release: fmt.Sprintf("r%d", version),
	}
}

// entry tells of one promotion, with every field in use.
func entry(function string, from, to int) promotion.Entry {
	return promotion.Entry{
		Kind: promotion.EntryPromotion, At: noon.Add(time.Duration(to) * time.Hour), Fence: 1, Release: fmt.Sprintf("r%d", to),
		Source:     promotion.Source{Repository: "42", Commit: commit(to)},
		Repository: "octo-org/shop", Ref: "refs/heads/main", RunID: "1001", Attempt: "2", RunURL: "https://github.com/octo-org/shop/actions/runs/1001",
		Actor: "octocat", Reason: "because <it> & \"that\"",
		Moves: []promotion.Recording{{
			Function: function, Name: "shop-" + function, From: promotion.Version(from), To: promotion.Version(to), Revision: "rev-1", FromDigest: "digest-a",
			Digest: "digest-b", FromSource: promotion.Source{Repository: "42", Commit: commit(from)}, Adopted: true, Fate: promotion.FateMoved,
		}},
		Proofs: []promotion.Proof{{Check: "junit", Function: function, Version: promotion.Version(to), Verdict: promotion.Pass, Took: 1203 * time.Millisecond,
			Tests: &promotion.TestCounts{Tests: 4, Failed: 1, Errored: 2, Skipped: 3}}},
		Unproved: "unverified", Repaired: "https://github.com/octo-org/shop/actions/runs/1002", Undoes: []uint64{7, 5},
	}
}

func intent(id, function string, from, to int) promotion.Intent {
	r := record(function, to)
	r.Adopted, r.Entry, r.Floor = true, uint64(to), promotion.Source{Repository: "42", Commit: commit(99)}
	return promotion.Intent{ID: id, Fence: 1, Alias: "live", Entry: entry(function, from, to), Next: map[string]promotion.Record{function: r}}
}

// promote records a whole promotion: the intent, and what came of it.
func (p *party) promote(g promotion.Grant, function string, from, to int) uint64 {
	p.Helper()
	i := intent(fmt.Sprintf("intent-%d", to), function, from, to)
	head := p.book().Head
	p.must(p.ledger.Intend(p.Context(), g, head, i))
	number, err := p.ledger.Record(p.Context(), g, head, promotion.Writing{Next: i.Next, Entry: &i.Entry, Close: i.ID})
	p.must(err)
	return number
}
