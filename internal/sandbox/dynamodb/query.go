package dynamodb

import (
	"fmt"
	"slices"
)

// maxPage is how much one Query or Scan reads before it returns a LastEvaluatedKey.
const maxPage = 1 << 20

// readInput is what Query and Scan share.
type readInput struct {
	TableName                 string
	IndexName                 *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	Select                    string
	Limit                     *int
	ExclusiveStartKey         item
	ConsistentRead            bool
	ReturnConsumedCapacity    string
}

// A reading is a Query or a Scan, checked, with the items that it walks in order.
type reading struct {
	in       *readInput
	order    order
	index    *index // nil: the table itself
	used     *usage
	filter   condition
	paths    []path
	items    []item
	backward bool
}

func (w *world) query(in *struct {
	readInput
	KeyConditionExpression *string
	ScanIndexForward       *bool
}) (any, error) {
	if in.KeyConditionExpression == nil {
		return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	var keys *keyRange
	r, err := w.begin(&in.readInput, true, func(r *reading, s *scope) (err error) {
		keys, err = parseKeyCondition(*in.KeyConditionExpression, s, r.order.key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := refuseKeysIn(r.filter, r.order.key); err != nil {
		return nil, err
	}
	hash, sort := r.order.key.hash.name, r.order.key.sort.name
	if start := in.ExclusiveStartKey; start != nil {
		switch {
		case !start[hash].equal(keys.hash):
			return nil, validation("The provided starting key is outside query boundaries based on provided conditions")
		case !keys.includes(start[sort]):
			return nil, validation("The provided starting key does not match the range key predicate")
		}
	}
	var partition []item
	if r.index == nil {
		if p := r.order.table.partitions[keyText(keys.hash)]; p != nil {
			partition = p.items
		}
	} else {
		partition = r.order.table.view(r.index)
	}
	for _, it := range partition {
		if it[hash].equal(keys.hash) && keys.includes(it[sort]) {
			r.items = append(r.items, it)
		}
	}
	if r.index != nil {
		slices.SortFunc(r.items, r.order.compare)
	}
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		r.backward = true
		slices.Reverse(r.items)
	}
	return r.page()
}

func (w *world) scan(in *struct {
	readInput
	Segment, TotalSegments *int
}) (any, error) {
	r, err := w.begin(&in.readInput, in.FilterExpression != nil || in.ProjectionExpression != nil, nil)
	if err != nil {
		return nil, err
	}
	segment, total := 0, 1
	switch {
	case in.Segment == nil && in.TotalSegments == nil:
	case in.TotalSegments == nil:
		return nil, validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil:
		return nil, validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	default:
		segment, total = *in.Segment, *in.TotalSegments
	}
	if total < 1 || total > 1000000 {
		return nil, constraint("totalSegments", fmt.Sprint(total), "Member must have value between 1 and 1000000")
	}
	if segment < 0 || segment >= total {
		return nil, validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, total)
	}
	if r.index == nil {
		r.items = r.order.table.all()
	} else {
		r.items = r.order.table.view(r.index)
		slices.SortFunc(r.items, r.order.compare)
	}
	if total > 1 {
		r.items = slices.DeleteFunc(r.items, func(it item) bool {
			return scatter(keyText(it[r.order.key.hash.name]))%uint64(total) != uint64(segment)
		})
	}
	return r.page()
}

// begin checks what Query and Scan share. expressions says whether the request has any, and keys parses
// the key condition of a Query.
func (w *world) begin(in *readInput, expressions bool, keys func(*reading, *scope) error) (*reading, error) {
	r := &reading{in: in}
	var err error
	if r.used, err = newUsage(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, constraint("limit", fmt.Sprint(*in.Limit), "Member must have value greater than or equal to 1")
	}
	parameters := []string{"FilterExpression"}
	if keys != nil {
		parameters = append(parameters, "KeyConditionExpression")
	}
	s, err := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues, expressions, parameters...)
	if err != nil {
		return nil, err
	}
	if in.FilterExpression != nil {
		if r.filter, err = parseCondition("FilterExpression", *in.FilterExpression, s); err != nil {
			return nil, err
		}
	}
	if in.ProjectionExpression != nil {
		if r.paths, err = parse("ProjectionExpression", *in.ProjectionExpression, s, projection); err != nil {
			return nil, err
		}
	}
	t, err := w.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	r.order = order{table: t, key: t.key}
	if in.IndexName != nil {
		if r.index = t.index(*in.IndexName); r.index == nil {
			return nil, validation("The table does not have the specified index: %s", *in.IndexName)
		}
		r.order.key = r.index.key
		if in.ConsistentRead && !r.index.local {
			return nil, validation("Consistent reads are not supported on global secondary indexes")
		}
	}
	if keys != nil {
		if err := keys(r, s); err != nil {
			return nil, err
		}
	}
	if err := s.done(); err != nil {
		return nil, err
	}
	if err := r.checkSelect(); err != nil {
		return nil, err
	}
	if in.ExclusiveStartKey != nil {
		return r, r.order.checkStart(in.ExclusiveStartKey)
	}
	return r, nil
}

// checkSelect holds Select, the projection and the index together.
func (r *reading) checkSelect() error {
	projected := r.paths != nil
	if err := oneOf("select", r.in.Select, "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"); err != nil {
		return err
	}
	switch r.in.Select {
	case "SPECIFIC_ATTRIBUTES":
		if !projected {
			return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	case "COUNT":
		if projected {
			return validation("Cannot specify the ProjectionExpression when choosing to get only the Count")
		}
	case "ALL_PROJECTED_ATTRIBUTES":
		if r.index == nil {
			return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
		fallthrough
	case "ALL_ATTRIBUTES":
		if projected {
			return validation("Cannot specify the ProjectionExpression when choosing to get %s", r.in.Select)
		}
	}
	if r.index == nil || r.index.local {
		return nil
	}
	if r.in.Select == "ALL_ATTRIBUTES" && r.index.projection != "ALL" {
		return validation(invalid+"Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", r.index.name)
	}
	for _, p := range r.paths {
		if !r.index.projects(r.order.table, p[0].name) {
			return validation(invalid+"Global secondary index %s does not project [%s]", r.index.name, p[0].name)
		}
	}
	return nil
}

// refuseKeysIn refuses a Query's filter that names a key attribute of what is queried.
func refuseKeysIn(c condition, key keySchema) error {
	var walk func(any) error
	walk = func(node any) error {
		switch n := node.(type) {
		case grouped:
			return walk(n.condition)
		case negation:
			return walk(n.of)
		case logical:
			if err := walk(n.left); err != nil {
				return err
			}
			return walk(n.right)
		case comparison:
			for _, o := range n.operands {
				if err := walk(o); err != nil {
					return err
				}
			}
		case size:
			return walk(n.of)
		case path:
			if key.has(n[0].name) {
				return validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", n[0].name)
			}
		}
		return nil
	}
	return walk(c)
}

// page reads on from the start key: up to Limit items, up to 1 MB, whichever is first.
func (r *reading) page() (any, error) {
	t := r.order.table
	items := r.items
	if start := r.in.ExclusiveStartKey; start != nil {
		items = slices.DeleteFunc(slices.Clone(items), func(it item) bool {
			side := r.order.compare(it, start)
			return side == 0 || side < 0 != r.backward
		})
	}
	found := []item{}
	count, scanned, bytes := 0, 0, 0
	var last item
	for _, it := range items {
		shown := it
		if r.index != nil && !(r.index.local && (r.paths != nil || r.in.Select == "ALL_ATTRIBUTES")) {
			shown = r.index.project(t, it)
		}
		bytes += shown.size()
		scanned++
		if r.filter == nil || r.filter.holds(shown) {
			count++
			if r.paths != nil {
				shown = project(shown, r.paths)
			}
			found = append(found, shown)
		}
		if bytes >= maxPage || r.in.Limit != nil && scanned == *r.in.Limit {
			last = r.order.keyOf(it)
			break
		}
	}
	out := map[string]any{"Count": count, "ScannedCount": scanned}
	if r.in.Select != "COUNT" {
		out["Items"] = found
	}
	if last != nil {
		out["LastEvaluatedKey"] = last
	}
	r.used.read(t, bytes, consistency(r.in.ConsistentRead))
	r.used.report(t, out)
	return out, nil
}
