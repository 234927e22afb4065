package dynamodb

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	statusCreating = "CREATING"
	statusActive   = "ACTIVE"
	statusDeleting = "DELETING"

	maxItem     = 400 << 10
	maxDepth    = 32
	maxHashKey  = 2048
	maxRangeKey = 1024
)

// A keyAttribute is an attribute of a key with its type: S, N or B.
type keyAttribute struct{ name, kind string }

// A keySchema is a hash key and, unless its name is "", a range key.
type keySchema struct{ hash, sort keyAttribute }

func (k keySchema) attributes() []keyAttribute {
	if k.sort.name == "" {
		return []keyAttribute{k.hash}
	}
	return []keyAttribute{k.hash, k.sort}
}

func (k keySchema) has(name string) bool { return name == k.hash.name || name == k.sort.name }

// An index is a view of the table's items by another key. It is computed when it is asked.
type index struct {
	name       string
	local      bool
	key        keySchema
	projection string // ALL, KEYS_ONLY, INCLUDE
	include    []string
	read       int64
	write      int64
}

// A table holds its items by partition, each partition in order of the range key.
type table struct {
	name       string
	id         string
	key        keySchema
	kinds      []keyAttribute // AttributeDefinitions as given
	indexes    []*index
	created    time.Time
	status     string
	settles    time.Time // when CREATING or DELETING ends
	onDemand   bool
	read       int64
	write      int64
	protected  bool
	ttl        string
	recovery   bool
	recovering time.Time
	tags       map[string]string

	partitions map[string]*partition
	count      int
	bytes      int
}

type partition struct {
	hash  uint64 // orders partitions in a Scan, so that it does not follow the keys
	id    string
	items []item
}

// shortName is a table's name without the rest of its ARN.
func shortName(name string) string {
	if _, short, ok := strings.Cut(name, ":table/"); ok {
		return short
	}
	return name
}

// find gives the table of a name or an ARN. An ARN of another account or region finds nothing.
func (w *world) find(name string) *table {
	if strings.HasPrefix(name, "arn:") && !strings.HasPrefix(name, w.arn("")) {
		return nil
	}
	return w.tables[shortName(name)]
}

func (w *world) arn(name string) string {
	return "arn:aws:dynamodb:" + w.region + ":" + w.account + ":table/" + name
}

// usable gives a table whose items can be read and written.
func (w *world) usable(name string) (*table, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	t := w.find(name)
	if t == nil || t.status == statusCreating || t.status == statusDeleting {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found")
	}
	return t, nil
}

// described gives a table in any state.
func (w *world) described(name string) (*table, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	t := w.find(name)
	if t == nil {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found: Table: %s not found", shortName(name))
	}
	return t, nil
}

func checkName(name string) error {
	if name == "" {
		return required("tableName")
	}
	short := shortName(name)
	if strings.Trim(short, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != "" || len(short) < 3 || len(short) > 255 {
		return validation("Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	return nil
}

// keyText writes a key attribute's value so that equal values, and only they, have equal texts.
func keyText(v value) string {
	if v.kind == kindN {
		return v.num.String()
	}
	return v.text
}

// primary identifies an item within its table.
func (t *table) primary(it item) string {
	hash := keyText(it[t.key.hash.name])
	id := strconv.Itoa(len(hash)) + ":" + hash
	if t.key.sort.name != "" {
		id += keyText(it[t.key.sort.name])
	}
	return id
}

// position finds where an item with this key is, or belongs, in its partition.
func (t *table) position(p *partition, key item) (int, bool) {
	return sort.Find(len(p.items), func(i int) int {
		return key[t.key.sort.name].compare(p.items[i][t.key.sort.name])
	})
}

// get reads an item by its key; nil when there is none.
func (t *table) get(key item) item {
	p := t.partitions[keyText(key[t.key.hash.name])]
	if p == nil {
		return nil
	}
	if i, found := t.position(p, key); found {
		return p.items[i]
	}
	return nil
}

// put stores an item in the place of the one with its key.
func (t *table) put(it item) {
	t.remove(it)
	id := keyText(it[t.key.hash.name])
	p := t.partitions[id]
	if p == nil {
		p = &partition{hash: scatter(id), id: id}
		t.partitions[id] = p
	}
	i, _ := t.position(p, it)
	p.items = slices.Insert(p.items, i, it)
	t.count++
	t.bytes += it.size()
}

// remove deletes the item with this key, if there is one.
func (t *table) remove(key item) {
	id := keyText(key[t.key.hash.name])
	p := t.partitions[id]
	if p == nil {
		return
	}
	i, found := t.position(p, key)
	if !found {
		return
	}
	t.count--
	t.bytes -= p.items[i].size()
	p.items = slices.Delete(p.items, i, i+1)
	if len(p.items) == 0 {
		delete(t.partitions, id)
	}
}

// all lists the items in the order of a Scan.
func (t *table) all() []item {
	partitions := make([]*partition, 0, len(t.partitions))
	for _, p := range t.partitions {
		partitions = append(partitions, p)
	}
	slices.SortFunc(partitions, func(a, b *partition) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.id, b.id))
	})
	items := make([]item, 0, t.count)
	for _, p := range partitions {
		items = append(items, p.items...)
	}
	return items
}

// keyOf is the part of an item that is its primary key.
func (t *table) keyOf(it item) item {
	key := item{}
	for _, a := range t.key.attributes() {
		key[a.name] = it[a.name]
	}
	return key
}

// checkKey holds the Key of a request to the table's key schema.
func (t *table) checkKey(key item) error {
	if f := key.fault(); f != "" {
		return validation("%s", f)
	}
	attributes := t.key.attributes()
	if len(key) != len(attributes) {
		return validation("The provided key element does not match the schema")
	}
	for _, a := range attributes {
		if v, ok := key[a.name]; !ok || v.kind != a.kind {
			return validation("The provided key element does not match the schema")
		}
	}
	return t.checkKeyValues(key)
}

// checkItem holds a whole item, as it is put, to the table's and the indexes' keys and to the limits.
func (t *table) checkItem(it item) error {
	if f := it.fault(); f != "" {
		return validation("%s", f)
	}
	for _, a := range t.key.attributes() {
		v, ok := it[a.name]
		if !ok {
			return validation(invalid+"Missing the key %s in the item", a.name)
		}
		if v.kind != a.kind {
			return validation(invalid+"Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, v.kind)
		}
	}
	if err := t.checkKeyValues(it); err != nil {
		return err
	}
	if err := t.checkIndexKeys(it); err != nil {
		return err
	}
	if it.size() > maxItem {
		return validation("Item size has exceeded the maximum allowed size")
	}
	return checkDepth(it)
}

func checkDepth(it item) error {
	for _, v := range it {
		if v.depth() >= maxDepth {
			return validation(faultTooDeep)
		}
	}
	return nil
}

// checkKeyValues refuses empty and overlong key values.
func (t *table) checkKeyValues(it item) error {
	for _, a := range t.key.attributes() {
		if v := it[a.name]; v.kind != kindN && v.text == "" {
			return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyKind(v.kind), a.name)
		}
	}
	if it[t.key.hash.name].size() > maxHashKey {
		return validation(invalid+"Size of hashkey has exceeded the maximum size limit of%d bytes", maxHashKey)
	}
	if t.key.sort.name != "" && it[t.key.sort.name].size() > maxRangeKey {
		return validation(invalid+"Aggregated size of all range keys has exceeded the size limit of %d bytes", maxRangeKey)
	}
	return nil
}

func emptyKind(kind string) string {
	if kind == kindB {
		return "binary"
	}
	return "string"
}

// checkIndexKeys refuses attributes that a secondary index cannot take as its key. A missing one is
// no fault: the item is then not in the index.
func (t *table) checkIndexKeys(it item) error {
	for _, ix := range t.indexes {
		for _, a := range ix.key.attributes() {
			v, ok := it[a.name]
			switch {
			case !ok:
			case v.kind != a.kind:
				return validation(invalid+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, v.kind, ix.name)
			case v.kind != kindN && v.text == "":
				return validation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyKind(v.kind), ix.name, a.name)
			}
		}
	}
	return nil
}

// broken says that an item is refused for its values alone: a fault in one, its size, an empty key. A
// transaction with such an item is refused as a request; any other fault against the schema cancels it.
func (t *table) broken(it item) bool {
	if it.fault() != "" || it.size() > maxItem {
		return true
	}
	for _, a := range t.key.attributes() {
		if v, ok := it[a.name]; ok && v.kind == a.kind && v.kind != kindN && v.text == "" {
			return true
		}
	}
	return false
}
