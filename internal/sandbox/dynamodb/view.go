package dynamodb

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// view lists the items that an index holds: those with all of its key attributes.
func (t *table) view(ix *index) []item {
	var items []item
	for _, p := range t.partitions {
		for _, it := range p.items {
			if ix.holds(it) {
				items = append(items, it)
			}
		}
	}
	return items
}

func (ix *index) holds(it item) bool {
	for _, a := range ix.key.attributes() {
		if _, ok := it[a.name]; !ok {
			return false
		}
	}
	return true
}

// project keeps of an item what the index holds of it.
func (ix *index) project(t *table, it item) item {
	if ix.projection == "ALL" {
		return it
	}
	kept := item{}
	for name, v := range it {
		if ix.projects(t, name) {
			kept[name] = v
		}
	}
	return kept
}

func (ix *index) projects(t *table, name string) bool {
	return ix.projection == "ALL" || t.key.has(name) || ix.key.has(name) || slices.Contains(ix.include, name)
}

// An order sorts the items of a table or an index for reading: by a hash of the hash key, as a Scan
// walks them, then by range key, then by the table's own key, which an index can hold several of.
type order struct {
	table *table
	key   keySchema
}

func (o order) compare(a, b item) int {
	x, y := keyText(a[o.key.hash.name]), keyText(b[o.key.hash.name])
	return cmp.Or(
		cmp.Compare(scatter(x), scatter(y)), cmp.Compare(x, y),
		a[o.key.sort.name].compare(b[o.key.sort.name]),
		a[o.table.key.hash.name].compare(b[o.table.key.hash.name]),
		a[o.table.key.sort.name].compare(b[o.table.key.sort.name]),
	)
}

// scatter orders partitions so that a Scan does not follow the keys.
func scatter(hash string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(hash))
	return h.Sum64()
}

// keyOf is the key that a page of this order ends with, and that the next one starts after.
func (o order) keyOf(it item) item {
	key := o.table.keyOf(it)
	for _, a := range o.key.attributes() {
		key[a.name] = it[a.name]
	}
	return key
}

// checkStart holds an ExclusiveStartKey to the attributes that keyOf gives.
func (o order) checkStart(start item) error {
	kinds := map[string]string{}
	for _, a := range append(o.table.key.attributes(), o.key.attributes()...) {
		kinds[a.name] = a.kind
	}
	if f := start.fault(); f != "" {
		return validation("%s", f)
	}
	if len(start) != len(kinds) {
		return validation("The provided starting key is invalid")
	}
	for name, kind := range kinds {
		if v, ok := start[name]; !ok || v.kind != kind {
			return validation("The provided starting key is invalid: The provided key element does not match the schema")
		}
	}
	return nil
}
