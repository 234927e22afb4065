package dynamodb

// A usage adds up what one request has consumed of its tables.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type usage struct {
	asked string // ReturnConsumedCapacity
	units map[*table]float64
}

func newUsage(asked string) (*usage, error) {
	return &usage{asked: asked, units: map[*table]float64{}}, oneOf("returnConsumedCapacity", asked, "INDEXES", "TOTAL", "NONE")
}

// read charges a read of so many bytes; factor is 0.5 for eventual consistency, 2 for a transaction.
func (u *usage) read(t *table, bytes int, factor float64) { u.add(t, bytes, 4096, factor) }

// written charges a write; factor is 2 for a transaction.
func (u *usage) written(t *table, bytes int, factor float64) { u.add(t, bytes, 1024, factor) }

func (u *usage) add(t *table, bytes, unit int, factor float64) {
	u.units[t] += float64(max(1, (bytes+unit-1)/unit)) * factor
}

func (u *usage) of(t *table) map[string]any {
	c := map[string]any{"TableName": t.name, "CapacityUnits": u.units[t]}
	if u.asked == "INDEXES" {
		c["Table"] = map[string]any{"CapacityUnits": u.units[t]}
	}
	return c
}

// report puts the consumed capacity of one table into an answer, when it was asked for.
func (u *usage) report(t *table, out map[string]any) {
	if u.asked == "TOTAL" || u.asked == "INDEXES" {
		out["ConsumedCapacity"] = u.of(t)
	}
}

// reportAll does it for the operations that can touch several tables.
func (u *usage) reportAll(out map[string]any) {
	if u.asked != "TOTAL" && u.asked != "INDEXES" {
		return
	}
	byName := map[string]*table{}
	for t := range u.units {
		byName[t.name] = t
	}
	list := []any{}
	for _, name := range sortedKeys(byName) {
		list = append(list, u.of(byName[name]))
	}
	out["ConsumedCapacity"] = list
}

// consistency is the factor of a read.
func consistency(strong bool) float64 {
	if strong {
		return 1
	}
	return 0.5
}
