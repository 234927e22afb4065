package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/promote-on-success/promote/internal/promotion"
)

// faults gathers what is wrong, so that all of it is reported together, each thing once.
type faults struct {
	list []promotion.Fault
	seen map[promotion.Fault]bool

	unknown map[promotion.Where]bool
}

func (fs *faults) add(f promotion.Fault) {
	f.What, f.Accepted, f.Hint, f.Detail = oneLine(f.What), oneLine(f.Accepted), oneLine(f.Hint), oneLine(f.Detail)
	if fs.seen[f] {
		return
	}
	if fs.seen == nil {
		fs.seen = map[promotion.Fault]bool{}
	}
	fs.seen[f] = true
	fs.list = append(fs.list, f)
}

// addUnknown reports an unknown key once, however many aliases lead to it.
func (fs *faults) addUnknown(f promotion.Fault) {
	if fs.unknown[f.Where] {
		return
	}
	if fs.unknown == nil {
		fs.unknown = map[promotion.Where]bool{}
	}
	fs.unknown[f.Where] = true
	fs.add(f)
}

// sorted puts the inputs' faults first, in the order of their table, then the file's in its own order.
func (fs *faults) sorted() []promotion.Fault {
	rank := func(f promotion.Fault) int {
		if f.Where.File != "" {
			return len(inputTable) + 1
		}
		return slices.IndexFunc(inputTable, func(in InputDoc) bool { return in.Name == inputName(f.Where) })
	}
	slices.SortStableFunc(fs.list, func(a, b promotion.Fault) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Where.Line, b.Where.Line), cmp.Compare(a.Where.Column, b.Where.Column))
	})
	return fs.list
}

// oneLine keeps what somebody wrote from breaking the lines of a log or steering a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// quote shows a text that somebody wrote, whatever is in it, and not too much of it.
func quote(text string) string { return strconv.Quote(clip(text)) }

func clip(text string) string {
	const longest = 80
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return text
}
