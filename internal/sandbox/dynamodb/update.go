package dynamodb

import (
	"cmp"
	"slices"
)

// An update is a parsed UpdateExpression.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
type update struct {
	actions []action
}

// An action is one clause of a section: SET path = operand, REMOVE path, ADD path :v, DELETE path :v.
type action struct {
	section string
	path    path
	operand operand // nil for REMOVE
}

type (
	// A sum is left + right or left - right.
	sum struct {
		operator    string
		left, right operand
	}
	ifNotExists struct {
		path     path
		fallback operand
	}
	listAppend struct{ left, right operand }
)

// What an update can meet in an item. AWS names no attribute in these texts.
const (
	faultMissing  = "The provided expression refers to an attribute that does not exist in the item"
	faultPath     = "The document path provided in the update expression is invalid for update"
	faultOperand  = "An operand in the update expression has an incorrect data type"
	faultTooLarge = "Item size to update has exceeded the maximum allowed size"
	faultTooDeep  = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)

func (i ifNotExists) in(it item) (value, bool) {
	if v, ok := i.path.in(it); ok {
		return v, true
	}
	return i.fallback.in(it)
}

func (s sum) in(it item) (value, bool) {
	left, right := operandOf(it, s.left, kindN), operandOf(it, s.right, kindN)
	addend := right.num
	if s.operator == "-" {
		addend = addend.negated()
	}
	total, err := left.num.plus(addend)
	if err != nil {
		panic(fault{err.Error()})
	}
	return value{kind: kindN, num: total}, true
}

func (l listAppend) in(it item) (value, bool) {
	left, right := operandOf(it, l.left, kindL), operandOf(it, l.right, kindL)
	return value{kind: kindL, list: slices.Concat(left.list, right.list)}, true
}

// operandOf evaluates an operand that has to be there and of this type.
func operandOf(it item, o operand, kind string) value {
	v, ok := o.in(it)
	if !ok {
		panic(fault{faultMissing})
	}
	if v.kind != kind {
		panic(fault{faultOperand})
	}
	return v
}

// apply gives the item after the update. The old item is not changed. Every operand is evaluated
// against the old item. A fault is what AWS answers with ValidationException.
func (u update) apply(old item) (result item, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok {
				panic(r)
			}
			result, err = nil, validation("%s", f.text)
		}
	}()
	type change struct {
		action
		value  value
		remove bool
	}
	changes := make([]change, 0, len(u.actions))
	for _, a := range u.actions {
		c := change{action: a}
		switch a.section {
		case "REMOVE":
			c.remove = true
		case "SET":
			v, ok := a.operand.in(old)
			if !ok {
				panic(fault{faultMissing})
			}
			c.value = v
		default:
			c.value, c.remove = a.merge(old)
		}
		changes = append(changes, c)
	}
	// Values first, in ascending order of list index, so that elements beyond a list's end are appended
	// in that order; then removals from the highest index down, so that none moves another.
	slices.SortStableFunc(changes, func(a, b change) int {
		switch {
		case a.remove != b.remove:
			if a.remove {
				return 1
			}
			return -1
		case a.remove:
			return comparePaths(b.path, a.path)
		}
		return comparePaths(a.path, b.path)
	})
	tree := value{kind: kindM, tree: old}
	for _, c := range changes {
		if c.remove {
			tree = removeAt(tree, c.path)
		} else {
			tree = setAt(tree, c.path, c.value)
		}
	}
	return tree.tree, nil
}

// merge is what ADD and DELETE make of the attribute; true means that nothing is left of it.
func (a action) merge(old item) (value, bool) {
	given, _ := a.operand.in(old)
	now, there := a.path.in(old)
	switch {
	case !there:
		return given, a.section == "DELETE"
	case now.kind != given.kind:
		panic(fault{faultOperand})
	case given.kind == kindN:
		total, err := now.num.plus(given.num)
		if err != nil {
			panic(fault{err.Error()})
		}
		return value{kind: kindN, num: total}, false
	}
	result := value{kind: now.kind}
	for _, member := range now.list {
		if a.section == "ADD" || !contains(given, member) {
			result.list = append(result.list, member)
		}
	}
	if a.section == "ADD" {
		result.list = append(result.list, given.list...)
		slices.SortFunc(result.list, value.compare)
		result.list = slices.CompactFunc(result.list, value.equal)
	}
	return result, len(result.list) == 0
}

func comparePaths(a, b path) int {
	return slices.CompareFunc(a, b, func(x, y element) int {
		return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.index, y.index))
	})
}

// setAt gives a copy of v with the value at the path set. The path's parent has to exist.
func setAt(v value, p path, to value) value {
	return changeAt(v, p, func(parent value, last element) value {
		switch {
		case last.name != "":
			parent.tree = cloneItem(parent.tree)
			parent.tree[last.name] = to
		case last.index < len(parent.list):
			parent.list = slices.Clone(parent.list)
			parent.list[last.index] = to
		default:
			parent.list = append(slices.Clip(parent.list), to)
		}
		return parent
	})
}

// removeAt gives a copy of v without what is at the path. Nothing there is no fault; no parent is one.
func removeAt(v value, p path) value {
	return changeAt(v, p, func(parent value, last element) value {
		switch {
		case last.name != "":
			parent.tree = cloneItem(parent.tree)
			delete(parent.tree, last.name)
		case last.index < len(parent.list):
			parent.list = slices.Delete(slices.Clone(parent.list), last.index, last.index+1)
		}
		return parent
	})
}

// changeAt copies the containers along a path and changes the last of them.
func changeAt(v value, p path, change func(parent value, last element) value) value {
	if p[0].name != "" && v.kind != kindM || p[0].name == "" && v.kind != kindL {
		panic(fault{faultPath})
	}
	if len(p) == 1 {
		return change(v, p[0])
	}
	if p[0].name != "" {
		child, ok := v.tree[p[0].name]
		if !ok {
			panic(fault{faultPath})
		}
		v.tree = cloneItem(v.tree)
		v.tree[p[0].name] = changeAt(child, p[1:], change)
		return v
	}
	if p[0].index >= len(v.list) {
		panic(fault{faultPath})
	}
	v.list = slices.Clone(v.list)
	v.list[p[0].index] = changeAt(v.list[p[0].index], p[1:], change)
	return v
}

func cloneItem(it item) item {
	clone := make(item, len(it)+1)
	for name, v := range it {
		clone[name] = v
	}
	return clone
}
