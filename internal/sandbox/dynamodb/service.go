// Package dynamodb is the sandbox's DynamoDB: tables, items, conditions, queries and transactions over
// AWS's wire protocol (AWS JSON 1.0), in memory, for each account and region apart.
//
// It is small and strict. It holds to AWS's rules where a lock, a journal or a ledger could lean on them:
// conditions are evaluated and applied in one step, a transaction happens whole or not at all and gives a
// reason for each of its actions, numbers are decimals of 38 digits, expressions are parsed by AWS's
// grammar. What it does not know, an operation or a member of a request, is refused with 501 by name.
// Reads are always consistent; items with a past time to live stay readable, as they may for days on AWS.
//
// Time is read from package time when a request needs it; nothing runs between requests.
package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Options are the service's settings. The zero value is a service without delays.
type Options struct {
	// CreateTime is how long a new table is CREATING, and unusable, after CreateTable has answered.
	CreateTime time.Duration
	// DeleteTime is how long a table is DELETING before it is gone.
	DeleteTime time.Duration
}

// A Service is the DynamoDB of all accounts and regions of a sandbox. It is safe for parallel use.
type Service struct {
	options Options

	mu     sync.Mutex
	worlds map[worldKey]*world
}

var _ cloud.Service = (*Service)(nil)

type worldKey struct{ account, region string }

// A world is the DynamoDB of one account in one region.
type world struct {
	worldKey
	options Options
	now     time.Time // of the request that is being carried out
	tables  map[string]*table
	tokens  map[string]usedToken
	held    map[string]int
}

// New makes a service without tables.
func New(o Options) *Service {
	return &Service{options: o, worlds: map[worldKey]*world{}}
}

// Name is "dynamodb".
func (*Service) Name() string { return "dynamodb" }

// An operation carries a decoded request out, under the service's lock.
type operation func(w *world, body []byte) (any, error)

// handle makes an operation of a function over its request's type.
func handle[T any](name string, do func(*world, *T) (any, error)) operation {
	return func(w *world, body []byte) (any, error) {
		in := new(T)
		if err := decode(name, body, in); err != nil {
			return nil, err
		}
		return do(w, in)
	}
}

var operations = map[string]operation{
	"CreateTable":               handle("CreateTable", (*world).createTable),
	"DescribeTable":             handle("DescribeTable", (*world).describeTable),
	"DeleteTable":               handle("DeleteTable", (*world).deleteTable),
	"ListTables":                handle("ListTables", (*world).listTables),
	"UpdateTable":               handle("UpdateTable", (*world).updateTable),
	"UpdateTimeToLive":          handle("UpdateTimeToLive", (*world).updateTimeToLive),
	"DescribeTimeToLive":        handle("DescribeTimeToLive", (*world).describeTimeToLive),
	"UpdateContinuousBackups":   handle("UpdateContinuousBackups", (*world).updateContinuousBackups),
	"DescribeContinuousBackups": handle("DescribeContinuousBackups", (*world).describeContinuousBackups),
	"TagResource":               handle("TagResource", (*world).tagResource),
	"UntagResource":             handle("UntagResource", (*world).untagResource),
	"ListTagsOfResource":        handle("ListTagsOfResource", (*world).listTagsOfResource),
	"GetItem":                   handle("GetItem", (*world).getItem),
	"PutItem":                   handle("PutItem", (*world).putItem),
	"UpdateItem":                handle("UpdateItem", (*world).updateItem),
	"DeleteItem":                handle("DeleteItem", (*world).deleteItem),
	"Query":                     handle("Query", (*world).query),
	"Scan":                      handle("Scan", (*world).scan),
	"BatchGetItem":              handle("BatchGetItem", (*world).batchGetItem),
	"BatchWriteItem":            handle("BatchWriteItem", (*world).batchWriteItem),
	"TransactGetItems":          handle("TransactGetItems", (*world).transactGetItems),
	"TransactWriteItems":        handle("TransactWriteItems", (*world).transactWriteItems),
}

// Identify reads the operation from X-Amz-Target and the tables from the body. Several tables of a
// batch or a transaction are sorted and joined by commas.
func (*Service) Identify(r *http.Request, body []byte) (name, resource string, ok bool) {
	name, _ = strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	_, ok = operations[name]
	return name, strings.Join(tablesOf(body), ","), ok
}

// tablesOf lists the names of the tables in a request, whatever its operation.
func tablesOf(body []byte) []string {
	type named struct{ TableName string }
	var in struct {
		TableName    string
		ResourceArn  string
		RequestItems map[string]json.RawMessage
		// Each action has one member: Put, Update, Delete, ConditionCheck or Get.
		TransactItems []map[string]named
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	set := map[string]bool{in.TableName: true, in.ResourceArn: true}
	for name := range in.RequestItems {
		set[name] = true
	}
	for _, action := range in.TransactItems {
		for _, target := range action {
			set[target.TableName] = true
		}
	}
	names := map[string]bool{}
	for name := range set {
		if name != "" {
			names[shortName(name)] = true
		}
	}
	list := sortedKeys(names)
	sort.Strings(list)
	return list
}

// Do carries one call out.
func (s *Service) Do(_ context.Context, call cloud.Call) cloud.Reply {
	do, ok := operations[call.Operation]
	if !ok {
		return s.Fail(call, notImplemented("%s", call.Operation))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.world(call.Account, call.Region)
	w.settle(time.Now())
	out, err := do(w, call.Body)
	if err != nil {
		var e *cloud.Error
		if !errors.As(err, &e) {
			e = &cloud.Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: err.Error()}
		}
		return s.Fail(call, e)
	}
	return reply(http.StatusOK, out)
}

// Fail renders an error in DynamoDB's protocol.
func (*Service) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply { return refusal(e) }

func (s *Service) world(account, region string) *world {
	key := worldKey{account, region}
	w := s.worlds[key]
	if w == nil {
		w = &world{worldKey: key, options: s.options, tables: map[string]*table{}, tokens: map[string]usedToken{}, held: map[string]int{}}
		s.worlds[key] = w
	}
	return w
}

// settle lets the time pass that has passed since the last request.
func (w *world) settle(now time.Time) {
	w.now = now
	for name, t := range w.tables {
		if t.status == statusCreating && !now.Before(t.settles) {
			t.status = statusActive
		}
		if t.status == statusDeleting && !now.Before(t.settles) {
			delete(w.tables, name)
		}
	}
	for id, token := range w.tokens {
		if now.Sub(token.used) > tokenLife {
			delete(w.tokens, id)
		}
	}
}

// Hold makes an item behave as if another transaction were writing it, until release is called: a
// transaction that touches it is cancelled with TransactionConflict, a single write is refused with
// TransactionConflictException, a batch returns it unprocessed. Plain reads are not affected.
//
// key is the item's primary key in the wire format, {"pk":{"S":"a"}}. The table has to exist. Held twice,
// an item is free after the second release.
func (s *Service) Hold(account, region, tableName, key string) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.world(account, region)
	w.settle(time.Now())
	t, err := w.usable(tableName)
	if err != nil {
		return nil, err
	}
	var it item
	if err := json.Unmarshal([]byte(key), &it); err != nil {
		return nil, err
	}
	if err := t.checkKey(it); err != nil {
		return nil, err
	}
	id := t.name + "/" + t.primary(it)
	w.held[id]++
	var once sync.Once
	return func() {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if w.held[id]--; w.held[id] == 0 {
				delete(w.held, id)
			}
		})
	}, nil
}

func (w *world) isHeld(t *table, key item) bool { return w.held[t.name+"/"+t.primary(key)] > 0 }
