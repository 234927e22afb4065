package dynamodb

type getInput struct {
	TableName                string
	Key                      item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

// A get is one item to be read, checked.
type get struct {
	table *table
	key   item
	paths []path // nil: all
}

func (w *world) prepareGet(in *getInput) (*get, error) {
	paths, err := parseProjection(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	t, err := w.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	if in.Key == nil {
		return nil, required("key")
	}
	return &get{table: t, key: in.Key, paths: paths}, t.checkKey(in.Key)
}

func parseProjection(expression *string, names map[string]string) ([]path, error) {
	s, err := newScope(names, nil, expression != nil)
	if err != nil || expression == nil {
		return nil, err
	}
	paths, err := parse("ProjectionExpression", *expression, s, projection)
	if err != nil {
		return nil, err
	}
	return paths, s.done()
}

// show is an item as the request wants it.
func (g *get) show(it item) item {
	if g.paths == nil {
		return it
	}
	return project(it, g.paths)
}

func (w *world) getItem(in *struct {
	getInput
	ConsistentRead         bool
	ReturnConsumedCapacity string
}) (any, error) {
	used, err := newUsage(in.ReturnConsumedCapacity)
	if err != nil {
		return nil, err
	}
	g, err := w.prepareGet(&in.getInput)
	if err != nil {
		return nil, err
	}
	it := g.table.get(g.key)
	out := map[string]any{}
	if it != nil {
		out["Item"] = g.show(it)
	}
	used.read(g.table, it.size(), consistency(in.ConsistentRead))
	used.report(g.table, out)
	return out, nil
}

// writeOptions are the members that only single writes have.
type writeOptions struct {
	ReturnValues                string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// begin checks the options; allowed are the ReturnValues that the operation knows besides NONE.
func (o *writeOptions) begin(allowed ...string) (*usage, error) {
	if err := oneOf("returnValues", o.ReturnValues, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"); err != nil {
		return nil, err
	}
	if err := oneOf("returnValues", o.ReturnValues, append(allowed, "NONE")...); err != nil {
		return nil, validation("Return values set to invalid value")
	}
	if err := refuseMetrics(o.ReturnItemCollectionMetrics); err != nil {
		return nil, err
	}
	return newUsage(o.ReturnConsumedCapacity)
}

func refuseMetrics(asked string) error {
	if err := oneOf("returnItemCollectionMetrics", asked, "SIZE", "NONE"); err != nil {
		return err
	}
	if asked == "SIZE" {
		return notImplemented("ReturnItemCollectionMetrics=SIZE")
	}
	return nil
}

// finish carries a prepared write out and answers with the chosen attributes.
func (w *world) finish(wr *write, used *usage, show func(effect) item) (any, error) {
	e, err := w.run(wr)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if attributes := show(e); len(attributes) > 0 {
		out["Attributes"] = attributes
	}
	used.written(wr.table, e.size(), 1)
	used.report(wr.table, out)
	return out, nil
}

func showOld(returnValues string) func(effect) item {
	return func(e effect) item {
		if returnValues == "ALL_OLD" {
			return e.old
		}
		return nil
	}
}

func (w *world) putItem(in *struct {
	writeInput
	writeOptions
	Item item
}) (any, error) {
	used, err := in.begin("ALL_OLD")
	if err != nil {
		return nil, err
	}
	wr, err := w.prepare(&in.writeInput, false, nil)
	if err != nil {
		return nil, err
	}
	if err := wr.withItem(in.Item); err != nil {
		return nil, err
	}
	return w.finish(wr, used, showOld(in.ReturnValues))
}

func (w *world) deleteItem(in *struct {
	writeInput
	writeOptions
	Key item
}) (any, error) {
	used, err := in.begin("ALL_OLD")
	if err != nil {
		return nil, err
	}
	wr, err := w.prepare(&in.writeInput, false, nil)
	if err != nil {
		return nil, err
	}
	wr.delete = true
	if err := wr.withKey(in.Key); err != nil {
		return nil, err
	}
	return w.finish(wr, used, showOld(in.ReturnValues))
}

func (w *world) updateItem(in *struct {
	writeInput
	writeOptions
	Key              item
	UpdateExpression *string
}) (any, error) {
	used, err := in.begin("ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
	if err != nil {
		return nil, err
	}
	wr, err := w.prepare(&in.writeInput, true, in.UpdateExpression)
	if err != nil {
		return nil, err
	}
	if err := wr.withKey(in.Key); err != nil {
		return nil, err
	}
	return w.finish(wr, used, func(e effect) item { return wr.update.returned(in.ReturnValues, e) })
}

// returned is what UpdateItem answers with. The UPDATED ones hold what the update's paths lead to and
// nothing beside it, also within a map or a list.
func (u *update) returned(returnValues string, e effect) item {
	paths := make([]path, len(u.actions))
	for i, a := range u.actions {
		paths[i] = a.path
	}
	switch returnValues {
	case "ALL_OLD":
		return e.old
	case "ALL_NEW":
		return e.new
	case "UPDATED_OLD":
		return project(e.old, paths)
	case "UPDATED_NEW":
		return project(e.new, paths)
	}
	return nil
}
