package dynamodb

const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatch      = 16 << 20 // bytes of an answer or a request
)

type batchKeys struct {
	Keys                     []item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

func (w *world) batchGetItem(in *struct {
	RequestItems           map[string]batchKeys
	ReturnConsumedCapacity string
}) (any, error) {
	used, err := newUsage(in.ReturnConsumedCapacity)
	if err != nil {
		return nil, err
	}
	if len(in.RequestItems) == 0 {
		return nil, constraint("requestItems", "{}", "Member must have length greater than or equal to 1")
	}
	total := 0
	for _, name := range sortedKeys(in.RequestItems) {
		keys := in.RequestItems[name].Keys
		if len(keys) == 0 {
			return nil, constraint("requestItems."+name+".member.keys", "[]", "Member must have length greater than or equal to 1")
		}
		total += len(keys)
	}
	if total > maxBatchGet {
		return nil, validation("Too many items requested for the BatchGetItem call")
	}
	responses, unprocessed := map[string][]item{}, map[string]batchKeys{}
	bytes := 0
	for _, name := range sortedKeys(in.RequestItems) {
		request := in.RequestItems[name]
		paths, err := parseProjection(request.ProjectionExpression, request.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		t, err := w.usable(name)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, key := range request.Keys {
			if err := t.checkKey(key); err != nil {
				return nil, err
			}
			if id := t.primary(key); seen[id] {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			seen[t.primary(key)] = true
		}
		responses[name] = []item{}
		for i, key := range request.Keys {
			it := t.get(key)
			if bytes += it.size(); bytes > maxBatch {
				rest := request
				rest.Keys = request.Keys[i:]
				unprocessed[name] = rest
				break
			}
			used.read(t, it.size(), consistency(request.ConsistentRead))
			if it != nil {
				responses[name] = append(responses[name], (&get{paths: paths}).show(it))
			}
		}
	}
	out := map[string]any{"Responses": responses, "UnprocessedKeys": unprocessed}
	used.reportAll(out)
	return out, nil
}

type batchWrite struct {
	PutRequest    *struct{ Item item } `json:",omitempty"`
	DeleteRequest *struct{ Key item }  `json:",omitempty"`
}

func (w *world) batchWriteItem(in *struct {
	RequestItems                map[string][]batchWrite
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
	if len(in.RequestItems) == 0 {
		return nil, constraint("requestItems", "{}", "Member must have length greater than or equal to 1")
	}
	total := 0
	for _, name := range sortedKeys(in.RequestItems) {
		if len(in.RequestItems[name]) == 0 {
			return nil, constraint("requestItems."+name+".member", "[]", "Member must have length greater than or equal to 1")
		}
		total += len(in.RequestItems[name])
	}
	if total > maxBatchWrite {
		return nil, validation("Too many items requested for the BatchWriteItem call")
	}
	// Nothing is written before all of it is checked.
	var writes []*write
	var requests []batchWrite
	var names []string
	bytes := 0
	for _, name := range sortedKeys(in.RequestItems) {
		t, err := w.usable(name)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, request := range in.RequestItems[name] {
			wr, err := t.batched(request)
			if err != nil {
				return nil, err
			}
			if id := t.primary(wr.key); seen[id] {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			seen[t.primary(wr.key)] = true
			bytes += wr.key.size()
			writes, requests, names = append(writes, wr), append(requests, request), append(names, name)
		}
	}
	if bytes > maxBatch {
		return nil, validation("The size of the request exceeds the limit of %d bytes", maxBatch)
	}
	unprocessed := map[string][]batchWrite{}
	for i, wr := range writes {
		e, err := w.run(wr)
		if err != nil { // the item is held by a transaction
			unprocessed[names[i]] = append(unprocessed[names[i]], requests[i])
			continue
		}
		used.written(wr.table, e.size(), 1)
	}
	out := map[string]any{"UnprocessedItems": unprocessed}
	used.reportAll(out)
	return out, nil
}

// batched makes a write of one request of a batch.
func (t *table) batched(request batchWrite) (*write, error) {
	if (request.PutRequest == nil) == (request.DeleteRequest == nil) {
		return nil, validation(faultMany)
	}
	if request.DeleteRequest != nil {
		return &write{table: t, key: request.DeleteRequest.Key, delete: true}, t.checkKey(request.DeleteRequest.Key)
	}
	it := request.PutRequest.Item
	for _, a := range t.key.attributes() { // recorded: a batch calls a missing or mistyped key by one name
		if v, ok := it[a.name]; it.fault() == "" && (!ok || v.kind != a.kind) {
			return nil, validation("The provided key element does not match the schema")
		}
	}
	return &write{table: t, key: it, put: it}, t.checkItem(it)
}
