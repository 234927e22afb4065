package table

import (
	"fmt"
	"maps"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A Format is the layout of rows. Every row carries its number, and the release of promote from which on it can be read.
//
// A release reads the format that it writes and the one before, so that the releases of neighbouring formats can work
// side by side while workflows are brought up to date, one after the other: the older refuses what the newer has
// written, and says which release to use; nothing is misread, and nothing of the newer is overwritten.
type Format struct {
	Number int
	Reader string // the first release that reads it: "v1.4.0"
}

// Current is the format that this release writes.
func Current() Format { return Format{Number: 1, Reader: "v1.0.0"} }

// The attributes that carry the format.
const (
	SchemaAttribute = "schema"
	ReaderAttribute = "reader"
)

// Stamp adds the format to a row.
func (f Format) Stamp(row Item) Item {
	maps.Copy(row, Item{SchemaAttribute: N(f.Number), ReaderAttribute: S(f.Reader)})
	return row
}

// Check returns a [promotion.Fault] if a row cannot be read. what names the row for people.
func (f Format) Check(row Item, what string) error {
	number := int(row.Uint(SchemaAttribute))
	switch {
	case number > f.Number:
		needed := "a newer release of promote"
		if reader := row.String(ReaderAttribute); reader != "" {
			needed = "promote " + reader + " or newer"
		}
		return promotion.Fault{
			What: fmt.Sprintf("%s was written by a newer promote, in row format %d; this one reads formats up to %d", what, number, f.Number),
			Hint: "use " + needed + " in every workflow that shares this lock table",
		}
	case number < f.Number-1 || number < 1:
		return promotion.Fault{
			What: fmt.Sprintf("%s is in row format %d; this promote reads %s", what, number, f.reads()),
			Hint: "let a release of promote that knows both formats run once, or look at the row: promote did not write it as it is",
		}
	}
	return nil
}

func (f Format) reads() string {
	if f.Number < 2 {
		return fmt.Sprint(f.Number)
	}
	return fmt.Sprintf("%d and %d", f.Number-1, f.Number)
}
