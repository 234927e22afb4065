// Package table is the one DynamoDB table that locks, journal and ledger live in: how rows are keyed, which row format
// this program reads and writes, how the table is made and checked, and how a transaction checks or gives back a lock.
//
// Everything of an app's code has the partition key "<app>", everything of one of its environments "<app>/<environment>";
// names hold letters, digits, "_" and "-" only, so a role can be bound to an app by the condition dynamodb:LeadingKeys on
// "<app>" and "<app>/*". The sort keys that begin with LOCK are the lock's own: LOCK is the lock, LOCK#BEAT its holder's
// signs of life, LOCK#WAIT#<id> a waiter. The attribute "expires" ends a row by DynamoDB's time to live. It is for what
// nobody misses; a lock never has it, since its fence would begin anew.
package table

import (
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/promote-on-success/promote/internal/promotion"
)

// DefaultName is the table's name unless another is configured.
const DefaultName = "promote"

// The attributes of the key and of the time to live.
const (
	PK      = "pk"
	SK      = "sk"
	Expires = "expires" // seconds since 1970
)

// callWithin is the limit of one call. Whoever waits longer for a lock's record knows less than one that asks again.
const callWithin = 5 * time.Second

// A Table is the table of one account and region. It is safe for parallel use.
type Table struct {
	db     *dynamodb.Client
	name   string
	format Format
}

// New returns the table of that name where the client works. No call is made.
func New(client *dynamodb.Client, name string, f Format) *Table {
	return &Table{db: client, name: name, format: f}
}

// Name is the table's name.
func (t *Table) Name() string { return t.name }

// Region is where the table is.
func (t *Table) Region() string { return t.db.Options().Region }

// Format is what this program writes.
func (t *Table) Format() Format { return t.format }

// Key is a row's primary key.
type Key struct{ PK, SK string }

// Item is the key as a request carries it.
func (k Key) Item() Item { return Item{PK: S(k.PK), SK: S(k.SK)} }

// Partition is the partition key of an environment of an app, or of its code for environment "".
func Partition(app, environment string) string {
	if environment == "" {
		return app
	}
	return app + "/" + environment
}

// LockSort is the sort key of a lock, and what those of its other rows begin with.
const LockSort = "LOCK"

// LockKey is the key of a lock's row.
func LockKey(l promotion.Lock) Key {
	return Key{PK: Partition(l.App, l.Environment), SK: LockSort}
}

var name = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// CheckName refuses an app or environment that could be mistaken for another one's key.
func CheckName(what, text string) error {
	if name.MatchString(text) {
		return nil
	}
	return promotion.Fault{What: what + " \"" + text + "\" cannot name rows of the lock table", Accepted: "up to 200 letters, digits, \"_\" and \"-\""}
}

func (t *Table) tableName() *string { return aws.String(t.name) }
