package dynamodb

import "slices"

// writeInput is what Put, Update, Delete and ConditionCheck share, alone or within a transaction.
type writeInput struct {
	TableName                           string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           item
	ReturnValuesOnConditionCheckFailure string
}

// A write is one conditional change of one item, checked as far as it can be without the item.
type write struct {
	table     *table
	key       item
	condition condition // nil: none
	showOld   bool      // ReturnValuesOnConditionCheckFailure=ALL_OLD
	payload   int       // bytes that count against a transaction's 4 MB

	put    item    // the whole new item
	update *update // an empty one changes nothing but creates the item
	delete bool
	// None of the three: a condition check.

	// unfit is a fault of the item or the key against the table's schema. A single write is refused
	// with it; a transaction is cancelled with it as a reason.
	unfit error
}

// prepare checks expressions and finds the table. expression is the UpdateExpression, if there can be one.
func (w *world) prepare(in *writeInput, updating bool, expression *string) (*write, error) {
	if err := oneOf("returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure, "ALL_OLD", "NONE"); err != nil {
		return nil, err
	}
	parameters := []string{"ConditionExpression"}
	if updating {
		parameters = []string{"UpdateExpression", "ConditionExpression"}
	}
	s, err := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression != nil || expression != nil, parameters...)
	if err != nil {
		return nil, err
	}
	wr := &write{showOld: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD", payload: in.ExpressionAttributeValues.size()}
	if updating {
		wr.update = &update{}
	}
	if expression != nil {
		u, err := parseUpdate(*expression, s)
		if err != nil {
			return nil, err
		}
		wr.update = &u
	}
	if in.ConditionExpression != nil {
		if wr.condition, err = parseCondition("ConditionExpression", *in.ConditionExpression, s); err != nil {
			return nil, err
		}
	}
	if err := s.done(); err != nil {
		return nil, err
	}
	wr.table, err = w.usable(in.TableName)
	return wr, err
}

// withKey gives the write its item, named by key.
func (wr *write) withKey(key item) error {
	if key == nil {
		return required("key")
	}
	wr.key = key
	wr.payload += key.size()
	if err := wr.table.checkKey(key); err != nil {
		return wr.refuse(key, err)
	}
	if wr.update != nil {
		for _, a := range wr.update.actions {
			if name := a.path[0].name; wr.table.key.has(name) {
				wr.unfit = validation(invalid+"Cannot update attribute %s. This attribute is part of the key", name)
			}
		}
	}
	return nil
}

// withItem gives a Put its item.
func (wr *write) withItem(it item) error {
	if it == nil {
		return required("item")
	}
	wr.put, wr.key = it, it
	wr.payload += it.size()
	if err := wr.table.checkItem(it); err != nil {
		return wr.refuse(it, err)
	}
	return nil
}

// refuse keeps a fault against the schema for later, and returns at once what a request is refused for
// whatever the table looks like.
func (wr *write) refuse(it item, err error) error {
	if wr.table.broken(it) {
		return err
	}
	wr.unfit = err
	return nil
}

// An effect is what a write would do to its item. A nil item is an absent one.
type effect struct {
	old, new item
	held     bool // the condition held
}

// try evaluates the write against the item as it is now, without changing anything.
func (wr *write) try() (effect, error) {
	e := effect{old: wr.table.get(wr.key)}
	e.new = e.old
	if e.held = wr.condition == nil || wr.condition.holds(e.old); !e.held {
		return e, nil
	}
	switch {
	case wr.put != nil:
		e.new = wr.put
	case wr.delete:
		e.new = nil
	case wr.update != nil:
		if e.old == nil && wr.update.onlyRemoves() {
			return e, nil
		}
		base := e.old
		if base == nil {
			base = wr.key
		}
		changed, err := wr.update.apply(base)
		if err != nil {
			return e, err
		}
		if err := wr.table.checkIndexKeys(changed); err != nil {
			return e, err
		}
		if changed.size() > maxItem {
			return e, validation(faultTooLarge)
		}
		if err := checkDepth(changed); err != nil {
			return e, err
		}
		e.new = changed
	}
	return e, nil
}

// onlyRemoves says that the update could not leave anything in an item that does not exist. Such an
// update does not create it; one without any action does.
func (u *update) onlyRemoves() bool {
	return len(u.actions) > 0 && !slices.ContainsFunc(u.actions, func(a action) bool {
		return a.section == "SET" || a.section == "ADD"
	})
}

// commit carries out what try has found.
func (wr *write) commit(e effect) {
	switch {
	case e.new != nil:
		wr.table.put(e.new)
	case e.old != nil:
		wr.table.remove(e.old)
	}
}

// run carries out a single write.
func (w *world) run(wr *write) (effect, error) {
	if wr.unfit != nil {
		return effect{}, wr.unfit
	}
	if w.isHeld(wr.table, wr.key) {
		return effect{}, refuse("TransactionConflictException", "Transaction is ongoing for the item")
	}
	e, err := wr.try()
	if err != nil {
		return e, err
	}
	if !e.held {
		refusal := refuse("ConditionalCheckFailedException", "The conditional request failed")
		if wr.showOld && e.old != nil {
			refusal.Fields = map[string]any{"Item": e.old}
		}
		return e, refusal
	}
	wr.commit(e)
	return e, nil
}

// size is what the write is charged for: the larger of the two images.
func (e effect) size() int { return max(e.old.size(), e.new.size()) }
