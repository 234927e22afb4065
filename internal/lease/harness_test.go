package lease_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// The cases run twice: in a bubble of virtual time against the sandbox in this process, and in real time against AWS's
// own DynamoDB Local (build tag dynamodblocal). A fixture is one case's view of either.
type fixture struct {
	*testing.T
	config aws.Config
	inner  http.RoundTripper
	lease  time.Duration // the length that cases use: short where time is real
	lock   promotion.Lock
	slack  time.Duration // how far the clocks of an observer and of what it sees may be apart
}

const tableName = "promote"

// bubble runs a case in virtual time.
func bubble(t *testing.T, run func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := sandboxtest.InProcess(t, sandbox.Options{})
		f := &fixture{T: t, config: cloud.AWS(), inner: cloud.Server().Transport(), lease: time.Minute, lock: promotion.Lock{App: "shop", Environment: "prod"}}
		f.createTable()
		run(f)
	})
}

// createTable makes what setup makes, as far as locks see it.
func (f *fixture) createTable() {
	f.Helper()
	_, err := f.client(f.inner).CreateTable(f.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(tableName), BillingMode: types.BillingModePayPerRequest,
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

func (f *fixture) client(transport http.RoundTripper) *dynamodb.Client {
	config := f.config
	config.HTTPClient = &http.Client{Transport: transport}
	return dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
		// DynamoDB Local sends no checksum with an error, of which the SDK would warn each time.
		o.DisableValidateResponseChecksum = true
	})
}

// A party is one run: its way to the table, and what it wants.
type party struct {
	*fixture
	name  string
	wire  *wire
	table *table.Table
	locks *lease.Locks
}

func (f *fixture) party(name string) *party { return f.partyOf(name, table.Current()) }

func (f *fixture) partyOf(name string, format table.Format) *party {
	w := &wire{inner: f.inner}
	rows := table.New(f.client(w), tableName, format)
	return &party{fixture: f, name: name, wire: w, table: rows, locks: lease.New(rows)}
}

func (p *party) holder() promotion.Holder {
	return promotion.Holder{Repository: "octo-org/shop", RunID: p.name, RunURL: "https://github.com/octo-org/shop/actions/runs/" + p.name, Actor: p.name,
		Commit: "commit-of-" + p.name, Stage: promotion.StagePlan}
}

func (p *party) contender() promotion.Contender {
	return promotion.Contender{Holder: p.holder(), Functions: []string{"checkout", "payments"}, Lease: p.lease}
}

// acquire gets the lock or fails the test. What is still held at the end is given back, so that nothing lives on.
func (p *party) acquire() promotion.Held {
	p.Helper()
	return p.keep(p.locks.Acquire(p.Context(), p.lock, p.contender(), nil))
}

func (p *party) keep(h promotion.Held, err error) promotion.Held {
	p.Helper()
	if err != nil {
		p.Fatalf("%s: %v", p.name, err)
	}
	p.Cleanup(func() { p.end(h) })
	return h
}

// end stops signs of life as the death of the process would: nothing leaves it any more.
func (p *party) end(h promotion.Held) {
	p.wire.cut()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.Release(ctx, false) // fails: that is the point
}

// act carries out a write that is guarded by the grant, and tells whether it was.
func (p *party) act(g promotion.Grant) (done bool, err error) {
	err = p.table.Transact(p.Context(), fmt.Sprintf("%s-%d", p.name, acts.Add(1)), p.table.Guard(g), types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String(tableName), Item: table.Item{"pk": table.S("acts"), "sk": table.S(p.lock.App + " " + p.name)},
	}})
	var no *table.Refused
	if errors.As(err, &no) {
		return false, nil
	}
	return err == nil, err
}

// acts numbers the guarded writes of all tests, so that no two share a token.
var acts atomic.Int64

// row reads the lock's row past all wires.
func (f *fixture) row(sort string) table.Item {
	f.Helper()
	row, err := table.New(f.client(f.inner), tableName, table.Current()).Get(f.Context(), table.Key{PK: table.Partition(f.lock.App, f.lock.Environment), SK: sort})
	if err != nil {
		f.Fatal(err)
	}
	return row
}

// must fails the test on an error.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) wantFence(h promotion.Held, fence uint64, unclean bool) {
	f.Helper()
	if g := h.Grant(); g.Fence != fence || g.Unclean != unclean {
		f.Errorf("the grant is %v, unclean %t; want fence %d, unclean %t", g, g.Unclean, fence, unclean)
	}
}

// lostWithin fails the test unless the lock is lost in that time, for that reason.
func (f *fixture) lostWithin(h promotion.Held, d time.Duration, reason error) {
	f.Helper()
	select {
	case <-h.Lost():
	case <-time.After(d):
		f.Fatalf("%v is not lost after %s", h.Grant(), d)
	}
	if !errors.Is(h.Cause(), reason) {
		f.Errorf("the cause is %v; want %v", h.Cause(), reason)
	}
}

// beat lets so much time pass that a holder has given a sign of life.
func (f *fixture) beat() { time.Sleep(f.lease/6 + 200*time.Millisecond + f.slack/2) }

func (f *fixture) stillHeld(h promotion.Held) {
	f.Helper()
	select {
	case <-h.Lost():
		f.Errorf("%v is lost: %v", h.Grant(), h.Cause())
	default:
	}
}
