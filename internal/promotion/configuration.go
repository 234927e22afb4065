package promotion

import (
	"maps"
	"slices"
)

// A Configuration is everything but the code that makes a version behave as it does: handler, memory,
// environment variables, layers and so on, field by field. Keys are Lambda's names of the fields
// ("MemorySize", "Environment.DB_HOST"); values are canonical texts made for comparing. The value of an
// environment variable is a fingerprint, never the value, so a Configuration may be shown.
type Configuration map[string]string

// A Difference is one field in which two configurations differ. "" means that the field is not set there.
type Difference struct{ Field, From, To string }

// Diff lists what changes from c to next, sorted by field.
func (c Configuration) Diff(next Configuration) []Difference {
	fields := map[string]bool{}
	for f := range c {
		fields[f] = true
	}
	for f := range next {
		fields[f] = true
	}
	var diffs []Difference
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		if c[f] != next[f] {
			diffs = append(diffs, Difference{Field: f, From: c[f], To: next[f]})
		}
	}
	return diffs
}
