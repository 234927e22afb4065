package dynamodb

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

type (
	schemaElement       struct{ AttributeName, KeyType string }
	attributeDefinition struct{ AttributeName, AttributeType string }
	throughput          struct{ ReadCapacityUnits, WriteCapacityUnits int64 }
	tag                 struct{ Key, Value string }
	indexDefinition     struct {
		IndexName  string
		KeySchema  []schemaElement
		Projection *struct {
			ProjectionType   string
			NonKeyAttributes []string `json:",omitempty"`
		}
		ProvisionedThroughput *throughput
	}
	createTableInput struct {
		TableName                 string
		KeySchema                 []schemaElement
		AttributeDefinitions      []attributeDefinition
		BillingMode               string
		ProvisionedThroughput     *throughput
		GlobalSecondaryIndexes    []indexDefinition
		LocalSecondaryIndexes     []indexDefinition
		DeletionProtectionEnabled bool
		Tags                      []tag
	}
	tableInput struct{ TableName string }
)

func (w *world) createTable(in *createTableInput) (any, error) {
	if err := checkName(in.TableName); err != nil {
		return nil, err
	}
	if err := oneOf("billingMode", in.BillingMode, "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return nil, err
	}
	t := &table{
		name: shortName(in.TableName), id: w.newID(shortName(in.TableName)), created: w.now, settles: w.now.Add(w.options.CreateTime),
		status: statusCreating, protected: in.DeletionProtectionEnabled,
		tags: map[string]string{}, partitions: map[string]*partition{},
	}
	for _, g := range in.Tags {
		t.tags[g.Key] = g.Value
	}
	if err := t.setBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return nil, err
	}
	for _, d := range in.AttributeDefinitions {
		if err := oneOf("attributeDefinitions.member.attributeType", d.AttributeType, "B", "N", "S"); err != nil {
			return nil, err
		}
		t.kinds = append(t.kinds, keyAttribute{d.AttributeName, d.AttributeType})
	}
	var err error
	if t.key, err = t.schema(in.KeySchema); err != nil {
		return nil, err
	}
	if err := t.addIndexes(in); err != nil {
		return nil, err
	}
	for _, a := range t.kinds {
		used := t.key.has(a.name)
		for _, ix := range t.indexes {
			used = used || ix.key.has(a.name)
		}
		if !used {
			return nil, validation(invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
		}
	}
	if w.tables[t.name] != nil {
		return nil, refuse("ResourceInUseException", "Table already exists: %s", t.name)
	}
	w.tables[t.name] = t
	return map[string]any{"TableDescription": w.description(t)}, nil
}

// newID makes a table's id, the same for the same table made at the same moment, so that a run of a test
// can be repeated exactly.
func (w *world) newID(name string) string {
	b := sha256.Sum256(fmt.Appendf(nil, "%s %d", w.arn(name), w.now.UnixNano()))
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func (t *table) setBilling(mode string, given *throughput) error {
	switch {
	case mode == "PAY_PER_REQUEST" && given != nil:
		return validation(invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case mode == "PAY_PER_REQUEST":
		t.onDemand, t.read, t.write = true, 0, 0
		return nil
	case given == nil:
		return validation(invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	case given.ReadCapacityUnits < 1 || given.WriteCapacityUnits < 1:
		return constraint("provisionedThroughput", fmt.Sprint(*given), "Member must have value greater than or equal to 1")
	}
	t.onDemand, t.read, t.write = false, given.ReadCapacityUnits, given.WriteCapacityUnits
	return nil
}

// schema reads a key schema against the attribute definitions.
func (t *table) schema(elements []schemaElement) (keySchema, error) {
	var k keySchema
	if len(elements) < 1 || len(elements) > 2 {
		return k, validation("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length between 1 and 2")
	}
	if elements[0].KeyType != "HASH" {
		return k, validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	attributes := make([]keyAttribute, 2)
	for i, e := range elements {
		at := slices.IndexFunc(t.kinds, func(a keyAttribute) bool { return a.name == e.AttributeName })
		if at < 0 {
			return k, validation(invalid+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", e.AttributeName)
		}
		attributes[i] = t.kinds[at]
	}
	if len(elements) == 2 {
		if elements[1].KeyType != "RANGE" {
			return k, validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		}
		if attributes[0].name == attributes[1].name {
			return k, validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		}
	}
	return keySchema{hash: attributes[0], sort: attributes[1]}, nil
}

func (t *table) addIndexes(in *createTableInput) error {
	add := func(d indexDefinition, local bool) error {
		ix := &index{name: d.IndexName, local: local}
		if err := checkName(d.IndexName); err != nil {
			return err
		}
		if t.index(d.IndexName) != nil {
			return validation(invalid+"Duplicate index name: %s", d.IndexName)
		}
		key, err := t.schema(d.KeySchema)
		if err != nil {
			return err
		}
		ix.key = key
		if local && key.hash != t.key.hash {
			return validation(invalid+"Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s", d.IndexName, key.hash.name, t.key.hash.name)
		}
		if local && (t.key.sort.name == "" || key.sort.name == "") {
			return validation(invalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
		}
		if d.Projection == nil || d.Projection.ProjectionType == "" {
			return validation(invalid + "Unknown ProjectionType: null")
		}
		if err := oneOf("projection.projectionType", d.Projection.ProjectionType, "ALL", "INCLUDE", "KEYS_ONLY"); err != nil {
			return err
		}
		ix.projection, ix.include = d.Projection.ProjectionType, d.Projection.NonKeyAttributes
		if (ix.projection == "INCLUDE") != (len(ix.include) > 0) {
			return validation(invalid+"ProjectionType is %s, but NonKeyAttributes does not fit it", ix.projection)
		}
		if d.ProvisionedThroughput != nil {
			if local || t.onDemand {
				return validation(invalid+"ProvisionedThroughput should not be specified for index: %s", d.IndexName)
			}
			ix.read, ix.write = d.ProvisionedThroughput.ReadCapacityUnits, d.ProvisionedThroughput.WriteCapacityUnits
		} else if !local && !t.onDemand {
			return validation(invalid+"ProvisionedThroughput must be specified for index: %s", d.IndexName)
		}
		t.indexes = append(t.indexes, ix)
		return nil
	}
	for _, d := range in.LocalSecondaryIndexes {
		if err := add(d, true); err != nil {
			return err
		}
	}
	for _, d := range in.GlobalSecondaryIndexes {
		if err := add(d, false); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) index(name string) *index {
	for _, ix := range t.indexes {
		if ix.name == name {
			return ix
		}
	}
	return nil
}

func (w *world) describeTable(in *tableInput) (any, error) {
	t, err := w.described(in.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": w.description(t)}, nil
}

func (w *world) deleteTable(in *tableInput) (any, error) {
	t, err := w.described(in.TableName)
	switch {
	case err != nil:
		return nil, err
	case t.status == statusCreating:
		return nil, refuse("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created: %s", t.name)
	case t.protected:
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	case t.status == statusActive:
		t.status, t.settles = statusDeleting, w.now.Add(w.options.DeleteTime)
	}
	out := map[string]any{"TableDescription": w.description(t)}
	w.settle(w.now)
	return out, nil
}

func (w *world) listTables(in *struct {
	ExclusiveStartTableName string
	Limit                   *int
}) (any, error) {
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > 100 {
		return nil, constraint("limit", fmt.Sprint(limit), "Member must have value between 1 and 100")
	}
	names := []string{}
	more := false
	for _, name := range sortedKeys(w.tables) {
		if name <= in.ExclusiveStartTableName {
			continue
		}
		if len(names) == limit {
			more = true
			break
		}
		names = append(names, name)
	}
	out := map[string]any{"TableNames": names}
	if more {
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	return out, nil
}

func (w *world) updateTable(in *struct {
	TableName                 string
	DeletionProtectionEnabled *bool
	BillingMode               string
	ProvisionedThroughput     *throughput
}) (any, error) {
	t, err := w.described(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.status != statusActive {
		return nil, refuse("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created or deleted: %s", t.name)
	}
	if in.DeletionProtectionEnabled == nil && in.BillingMode == "" && in.ProvisionedThroughput == nil {
		return nil, validation("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if err := oneOf("billingMode", in.BillingMode, "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return nil, err
	}
	if in.BillingMode != "" || in.ProvisionedThroughput != nil {
		mode := in.BillingMode
		if mode == "" && t.onDemand {
			mode = "PAY_PER_REQUEST"
		}
		if err := t.setBilling(mode, in.ProvisionedThroughput); err != nil {
			return nil, err
		}
	}
	if in.DeletionProtectionEnabled != nil {
		t.protected = *in.DeletionProtectionEnabled
	}
	return map[string]any{"TableDescription": w.description(t)}, nil
}

// description is the table as DescribeTable shows it.
func (w *world) description(t *table) map[string]any {
	d := map[string]any{
		"TableName": t.name, "TableId": t.id, "TableArn": w.arn(t.name), "TableStatus": t.status,
		"CreationDateTime": seconds(t.created), "KeySchema": describeKey(t.key), "AttributeDefinitions": describeKinds(t.kinds),
		"ProvisionedThroughput": map[string]any{"NumberOfDecreasesToday": 0, "ReadCapacityUnits": t.read, "WriteCapacityUnits": t.write},
		"ItemCount":             t.count, "TableSizeBytes": t.bytes, "DeletionProtectionEnabled": t.protected,
	}
	if t.onDemand {
		d["BillingModeSummary"] = map[string]any{"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": seconds(t.created)}
	}
	var local, global []any
	for _, ix := range t.indexes {
		p := map[string]any{"ProjectionType": ix.projection}
		if len(ix.include) > 0 {
			p["NonKeyAttributes"] = ix.include
		}
		items := t.view(ix)
		size := 0
		for _, it := range items {
			size += ix.project(t, it).size()
		}
		x := map[string]any{
			"IndexName": ix.name, "IndexArn": w.arn(t.name) + "/index/" + ix.name, "KeySchema": describeKey(ix.key),
			"Projection": p, "ItemCount": len(items), "IndexSizeBytes": size,
		}
		if ix.local {
			local = append(local, x)
			continue
		}
		x["IndexStatus"] = t.status
		x["ProvisionedThroughput"] = map[string]any{"NumberOfDecreasesToday": 0, "ReadCapacityUnits": ix.read, "WriteCapacityUnits": ix.write}
		global = append(global, x)
	}
	if local != nil {
		d["LocalSecondaryIndexes"] = local
	}
	if global != nil {
		d["GlobalSecondaryIndexes"] = global
	}
	return d
}

func describeKey(k keySchema) []schemaElement {
	elements := []schemaElement{{k.hash.name, "HASH"}}
	if k.sort.name != "" {
		elements = append(elements, schemaElement{k.sort.name, "RANGE"})
	}
	return elements
}

func describeKinds(kinds []keyAttribute) []attributeDefinition {
	definitions := make([]attributeDefinition, len(kinds))
	for i, k := range kinds {
		definitions[i] = attributeDefinition{k.name, k.kind}
	}
	return definitions
}

// seconds is a time as the protocol writes it: seconds since 1970 with milliseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
