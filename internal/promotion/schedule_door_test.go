package promotion_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// A door stands before the sandbox. Every write that decides something passes it alone, so that it knows in which order
// they were carried out, and it holds each of them to the rules at the very moment when it takes effect.
type door struct {
	performance *performance
	next        http.RoundTripper
	turn        chan struct{} // a lock that time in a bubble can pass
	rows        *table.Table
	ledger      promotion.Ledger

	aliases  map[string]*seenAlias
	lock     seenLock
	book     promotion.Book
	decided  uint64                     // the greatest fence under which something was decided: its barrier is passed
	verified map[string]map[string]bool // versions that answered without an error, by function
	moved    map[string]int             // moves of aliases by release
	diverges map[string]bool            // commits that a person lets through
	faults   []string
}

// A seenAlias is what an alias holds, and who made it so.
type seenAlias struct {
	version  string
	fence    uint64 // the greatest under which it was written
	stranger bool   // who gave it this version
}

type seenLock struct {
	owner string
	fence uint64
}

// A letter is a request on its way, from somebody about something.
type letter struct {
	from     *weather
	deed     string
	function string
	body     []byte
	request  *http.Request
}

type fenceKey struct{}

// fence is the fence under which the request was sent.
func (l *letter) fence() uint64 {
	fence, _ := l.request.Context().Value(fenceKey{}).(uint64)
	return fence
}

func newDoor(pf *performance) *door {
	d := &door{
		performance: pf, next: pf.cloud.HTTPClient().Transport, turn: make(chan struct{}, 1), aliases: map[string]*seenAlias{},
		verified: map[string]map[string]bool{}, moved: map[string]int{}, diverges: map[string]bool{},
	}
	d.rows = table.New(dynamodb.NewFromConfig(pf.cloud.AWS()), lockTable, table.Current())
	d.ledger = ledger.New(d.rows)
	for _, f := range pf.functions {
		d.aliases[f] = &seenAlias{}
		if !pf.schedule.Fresh {
			d.aliases[f].version = "1"
		}
		d.verified[f] = map[string]bool{"1": !pf.schedule.Fresh}
	}
	return d
}

// carry carries the request out.
func (d *door) carry(l *letter) (*http.Response, error) {
	r := l.request
	r.Body = io.NopCloser(bytes.NewReader(l.body))
	if !writes(l.deed) || l.deed == "Beat" {
		answer, err := d.next.RoundTrip(r)
		if l.deed == "Invoke" && err == nil {
			d.invoked(l, answer)
		}
		return answer, err
	}
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	answer, err := d.next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	switch l.deed {
	case "UpdateAlias", "CreateAlias":
		text, _ := io.ReadAll(answer.Body)
		answer.Body = io.NopCloser(bytes.NewReader(text))
		d.written(l, answer.StatusCode, text)
	case "Intend", "Record", "Lock", "Release":
		if answer.StatusCode < 300 {
			d.look(l)
		}
	}
	return answer, nil
}

func (d *door) invoked(l *letter, answer *http.Response) {
	version := l.request.URL.Query().Get("Qualifier")
	if _, err := strconv.Atoi(version); err == nil && answer.StatusCode == http.StatusOK && answer.Header.Get("X-Amz-Function-Error") == "" {
		d.turn <- struct{}{}
		defer func() { <-d.turn }()
		d.verified[l.function][version] = true
	}
}

func (d *door) wrong(l *letter, format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf("%s (%s): %s", l.from.party, l.deed, fmt.Sprintf(format, args...)))
}

// written holds a write of an alias to the rules.
func (d *door) written(l *letter, status int, text []byte) {
	a := d.aliases[l.function]
	if status == http.StatusPreconditionFailed {
		d.performance.count("412s")
	}
	if status >= 300 || a == nil {
		return
	}
	var sent, got struct{ FunctionVersion, RevisionId string }
	_, _ = json.Unmarshal(l.body, &sent), json.Unmarshal(text, &got)
	if path.Base(l.request.URL.Path) == "aliases" {
		sent.FunctionVersion = got.FunctionVersion
	}
	was, fence := a.version, l.fence()
	a.version = got.FunctionVersion
	if l.from.door.stranger(l) {
		a.stranger = a.stranger || was != a.version
		if was != a.version {
			d.verified[l.function][a.version] = true // whatever stood there may be gone back to
		}
		return
	}
	if l.deed == "UpdateAlias" && sent.RevisionId == "" {
		d.wrong(l, "alias of %s was written without a revision", l.function)
	}
	if !d.verified[l.function][a.version] {
		d.wrong(l, "alias of %s went to version %s, which nobody has verified", l.function, a.version)
	}
	if l.deed == "CreateAlias" { // nothing fences a creation but that there is no alias
		a.fence, a.stranger = max(a.fence, fence), false
		return
	}
	defer func() { a.fence = max(a.fence, fence) }()
	if was == a.version {
		d.performance.count("touches")
		return
	}
	var move *promotion.Recording
	if d.book.Open != nil {
		i := slices.IndexFunc(d.book.Open.Entry.Moves, func(m promotion.Recording) bool {
			from, to := m.From.String(), m.To.String()
			return m.Name == l.function && (from == was && to == a.version || to == was && from == a.version)
		})
		if i >= 0 {
			move = &d.book.Open.Entry.Moves[i]
		}
	}
	// What a stranger had put there is a stranger's again when it is put back.
	a.stranger = move != nil && a.version == move.From.String() && d.book.Head.Functions[move.Function].Version != move.From
	switch greatest := max(a.fence, d.decided); {
	case fence < greatest:
		d.wrong(l, "alias of %s went from version %s to %s under fence %d, after fence %d had passed its barrier", l.function, was, a.version, fence, greatest)
	case d.book.Open == nil:
		d.wrong(l, "alias of %s went from version %s to %s, and no intent is open", l.function, was, a.version)
	case move == nil:
		d.wrong(l, "alias of %s went from version %s to %s, of which the open intent %s says nothing", l.function, was, a.version, d.book.Open.ID)
	default:
		d.moved[d.book.Open.Entry.Release]++
	}
}

// stranger tells whether the request comes past locks and ledger: somebody else's, or a rollback without them.
func (d *door) stranger(l *letter) bool {
	return strings.HasPrefix(l.from.party, "stranger") || strings.HasSuffix(l.from.party, "-alone")
}

// look reads lock and book after a write of the table, and holds them to the rules.
func (d *door) look(l *letter) {
	ctx := context.Background()
	row, err := d.rows.Get(ctx, table.LockKey(promotion.Lock{App: "shop", Environment: "prod"}))
	if err != nil {
		d.wrong(l, "the lock cannot be read: %v", err)
		return
	}
	now := seenLock{row.String(table.OwnerAttribute), row.Uint(table.FenceAttribute)}
	switch was := d.lock; {
	case now.fence < was.fence:
		d.wrong(l, "the fence went from %d to %d", was.fence, now.fence)
	case now.owner != "" && now.owner != was.owner && now.fence == was.fence:
		d.wrong(l, "a grant without a greater fence than %d", now.fence)
	case now.owner != was.owner && was.owner != "" && now.fence > was.fence:
		d.performance.count("takeovers")
	}
	if now.fence > d.lock.fence {
		d.performance.takenOver(now.fence)
	}
	d.lock = now
	if l.deed != "Intend" && l.deed != "Record" {
		return
	}
	book, err := d.ledger.Read(ctx, promotion.Scope{App: "shop", Environment: "prod"})
	if err != nil {
		d.wrong(l, "the book cannot be read: %v", err)
		return
	}
	d.recorded(l, book)
}

// recorded holds a book to the rules.
func (d *door) recorded(l *letter, book promotion.Book) {
	was := d.book
	d.book = book
	d.decided = max(d.decided, book.Head.Fence)
	if was.Open != nil && book.Open != nil && was.Open.ID != book.Open.ID {
		d.wrong(l, "the intent %s was written over by %s", was.Open.ID, book.Open.ID)
	}
	if book.Head.Number < was.Head.Number || book.Head.Number > was.Head.Number+1 || book.Head.Fence < was.Head.Fence {
		d.wrong(l, "the head went from number %d, fence %d to number %d, fence %d", was.Head.Number, was.Head.Fence, book.Head.Number, book.Head.Fence)
	}
	var kind promotion.EntryKind
	if book.Head.Number > was.Head.Number {
		list, err := d.ledger.History(context.Background(), promotion.Scope{App: "shop", Environment: "prod"}, promotion.Query{Limit: 1})
		if err != nil || len(list) != 1 || list[0].Number != book.Head.Number {
			d.wrong(l, "the newest entry is not that of the head: %v, %v", list, err)
			return
		}
		kind = list[0].Kind
	}
	for key, rec := range book.Head.Functions {
		before := was.Head.Functions[key]
		if rec.Source.Commit != before.Source.Commit && kind != promotion.EntryRollback {
			d.ordered(l, key, before, rec)
		}
		if a := d.aliases[rec.Name]; book.Open == nil && !a.stranger && a.version != rec.Version.String() {
			d.wrong(l, "alias of %s holds version %s, %s is recorded, and no intent is open", key, a.version, rec.Version)
		}
	}
	for key := range was.Head.Functions {
		if _, is := book.Head.Functions[key]; !is {
			d.wrong(l, "the record of %s is gone", key)
		}
	}
}

// ordered tells whether a commit may take the place of what was recorded.
func (d *door) ordered(l *letter, key string, before, now promotion.Record) {
	for what, other := range map[string]string{"promoted": before.Source.Commit, "rolled back": before.Floor.Commit} {
		if other == "" {
			continue
		}
		relation, _ := d.performance.family.Compare(context.Background(), other, now.Source.Commit)
		if relation == promotion.Behind || relation == promotion.Identical && what == "rolled back" || relation == promotion.Diverged && !d.diverges[now.Source.Commit] {
			d.wrong(l, "commit %.1s was recorded of %s after %.1s was %s: it is %s", now.Source.Commit, key, other, what, relation)
		}
	}
}
