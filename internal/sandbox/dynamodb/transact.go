package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

const (
	maxActions = 100
	maxPayload = 4 << 20
	// tokenLife is how long a ClientRequestToken stands for the request that it came with.
	tokenLife = 10 * time.Minute
	maxToken  = 36
)

// A usedToken is a ClientRequestToken of a transaction that took effect.
type usedToken struct {
	request [sha256.Size]byte
	used    time.Time
}

type (
	putAction struct {
		writeInput
		Item item
	}
	updateAction struct {
		writeInput
		Key              item
		UpdateExpression *string
	}
	keyAction struct {
		writeInput
		Key item
	}
	writeAction struct {
		Put            *putAction
		Update         *updateAction
		Delete         *keyAction
		ConditionCheck *keyAction
	}
)

// A writeActions is the list of a transaction's actions, with what identifies the list: its JSON in a
// canonical order of members, numbers as they were written.
type writeActions struct {
	list        []writeAction
	fingerprint [sha256.Size]byte
}

// UnmarshalJSON reads the list strictly and takes its fingerprint.
func (a *writeActions) UnmarshalJSON(b []byte) error {
	if err := decode("TransactWriteItems", b, &a.list); err != nil {
		return err
	}
	var shape any
	if err := json.Unmarshal(b, &shape); err != nil {
		return serialization("TransactItems")
	}
	canonical, err := json.Marshal(shape)
	if err != nil {
		return serialization("TransactItems")
	}
	a.fingerprint = sha256.Sum256(canonical)
	return nil
}

// prepareAction checks one action of a transaction.
func (w *world) prepareAction(n int, a *writeAction) (*write, error) {
	given := 0
	for _, there := range []bool{a.Put != nil, a.Update != nil, a.Delete != nil, a.ConditionCheck != nil} {
		if there {
			given++
		}
	}
	if given > 1 {
		return nil, validation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	missing := func(member string) error {
		return required(fmt.Sprintf("transactItems.%d.member.%s", n+1, member))
	}
	switch {
	case a.Put != nil:
		wr, err := w.prepare(&a.Put.writeInput, false, nil)
		if err != nil {
			return nil, err
		}
		return wr, wr.withItem(a.Put.Item)
	case a.Update != nil:
		if a.Update.UpdateExpression == nil {
			return nil, missing("update.updateExpression")
		}
		wr, err := w.prepare(&a.Update.writeInput, true, a.Update.UpdateExpression)
		if err != nil {
			return nil, err
		}
		return wr, wr.withKey(a.Update.Key)
	case a.Delete != nil:
		wr, err := w.prepare(&a.Delete.writeInput, false, nil)
		if err != nil {
			return nil, err
		}
		wr.delete = true
		return wr, wr.withKey(a.Delete.Key)
	case a.ConditionCheck != nil:
		if a.ConditionCheck.ConditionExpression == nil {
			return nil, missing("conditionCheck.conditionExpression")
		}
		wr, err := w.prepare(&a.ConditionCheck.writeInput, false, nil)
		if err != nil {
			return nil, err
		}
		return wr, wr.withKey(a.ConditionCheck.Key)
	}
	return nil, validation("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
}

// A reason says why one action of a transaction did not take place.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

const noReason = "None"

// cancelled is the transaction's error, one reason for each action in order.
func cancelled(reasons []reason) *cloud.Error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	e := refuse("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.Fields = map[string]any{"CancellationReasons": reasons}
	return e
}

func (w *world) transactWriteItems(in *struct {
	TransactItems               writeActions
	ClientRequestToken          *string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}) (any, error) {
	used, err := newUsage(in.ReturnConsumedCapacity)
	if err != nil {
		return nil, err
	}
	if err := refuseMetrics(in.ReturnItemCollectionMetrics); err != nil {
		return nil, err
	}
	if err := checkLength("transactItems", len(in.TransactItems.list)); err != nil {
		return nil, err
	}
	if in.ClientRequestToken != nil && (len(*in.ClientRequestToken) < 1 || len(*in.ClientRequestToken) > maxToken) {
		return nil, constraint("clientRequestToken", *in.ClientRequestToken, "Member must have length between 1 and %d", maxToken)
	}
	writes, err := w.prepareActions(in.TransactItems.list)
	if err != nil {
		return nil, err
	}
	if in.ClientRequestToken != nil {
		if token, known := w.tokens[*in.ClientRequestToken]; known {
			if token.request != in.TransactItems.fingerprint {
				return nil, refuse("IdempotentParameterMismatchException",
					"DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.")
			}
			out := map[string]any{}
			for _, wr := range writes {
				used.read(wr.table, wr.table.get(wr.key).size(), 2)
			}
			used.reportAll(out)
			return out, nil
		}
	}
	effects := make([]effect, len(writes))
	reasons := make([]reason, len(writes))
	failed := false
	for i, wr := range writes {
		effects[i], reasons[i] = w.tryAction(wr)
		failed = failed || reasons[i].Code != noReason
	}
	if failed {
		return nil, cancelled(reasons)
	}
	for i, wr := range writes {
		wr.commit(effects[i])
		used.written(wr.table, effects[i].size(), 2)
	}
	if in.ClientRequestToken != nil {
		w.tokens[*in.ClientRequestToken] = usedToken{request: in.TransactItems.fingerprint, used: w.now}
	}
	out := map[string]any{}
	used.reportAll(out)
	return out, nil
}

func checkLength(member string, n int) error {
	if n < 1 {
		return constraint(member, "[]", "Member must have length greater than or equal to 1")
	}
	if n > maxActions {
		return constraint(member, fmt.Sprintf("[%d members]", n), "Member must have length less than or equal to %d", maxActions)
	}
	return nil
}

// prepareActions checks all actions, and that no item occurs twice and the whole is not too large.
func (w *world) prepareActions(actions []writeAction) ([]*write, error) {
	writes := make([]*write, len(actions))
	seen := map[string]bool{}
	payload := 0
	for i := range actions {
		wr, err := w.prepareAction(i, &actions[i])
		if err != nil {
			return nil, err
		}
		writes[i] = wr
		payload += wr.payload
		if wr.unfit != nil {
			continue
		}
		id := wr.table.name + "/" + wr.table.primary(wr.key)
		if seen[id] {
			return nil, validation("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
	}
	if payload > maxPayload {
		return nil, validation("Transaction payload size cannot exceed 4MB. Payload Size: %d", payload)
	}
	return writes, nil
}

// tryAction evaluates one action and gives its reason against the transaction.
func (w *world) tryAction(wr *write) (effect, reason) {
	if wr.unfit != nil {
		return effect{}, reason{Code: "ValidationError", Message: messageOf(wr.unfit)}
	}
	if w.isHeld(wr.table, wr.key) {
		return effect{}, conflict()
	}
	e, err := wr.try()
	if err != nil {
		return e, reason{Code: "ValidationError", Message: messageOf(err)}
	}
	if e.held {
		return e, reason{Code: noReason}
	}
	r := reason{Code: "ConditionalCheckFailed", Message: "The conditional request failed"}
	if wr.showOld {
		r.Item = e.old
	}
	return e, r
}

func conflict() reason {
	return reason{Code: "TransactionConflict", Message: "Transaction is ongoing for the item"}
}

func messageOf(err error) string {
	if e, ok := err.(*cloud.Error); ok {
		return e.Message
	}
	return err.Error()
}

func (w *world) transactGetItems(in *struct {
	TransactItems          []struct{ Get *getInput }
	ReturnConsumedCapacity string
}) (any, error) {
	used, err := newUsage(in.ReturnConsumedCapacity)
	if err != nil {
		return nil, err
	}
	if err := checkLength("transactItems", len(in.TransactItems)); err != nil {
		return nil, err
	}
	responses := make([]map[string]any, len(in.TransactItems))
	reasons := make([]reason, len(in.TransactItems))
	failed := false
	seen := map[string]bool{}
	for i, action := range in.TransactItems {
		if action.Get == nil {
			return nil, required(fmt.Sprintf("transactItems.%d.member.get", i+1))
		}
		reasons[i].Code = noReason
		g, err := w.prepareGet(action.Get)
		switch {
		case err != nil && (g == nil || g.table.broken(g.key)):
			return nil, err
		case err != nil: // the key does not fit the schema
			reasons[i] = reason{Code: "ValidationError", Message: messageOf(err)}
			failed = true
			continue
		case w.isHeld(g.table, g.key):
			reasons[i] = conflict()
			failed = true
		}
		id := g.table.name + "/" + g.table.primary(g.key)
		if seen[id] {
			return nil, validation("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
		it := g.table.get(g.key)
		responses[i] = map[string]any{}
		if it != nil {
			responses[i]["Item"] = g.show(it)
		}
		used.read(g.table, it.size(), 2)
	}
	if failed {
		return nil, cancelled(reasons)
	}
	out := map[string]any{"Responses": responses}
	used.reportAll(out)
	return out, nil
}
