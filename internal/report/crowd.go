package report

import (
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// many is how many rows a person reads one by one. Where there are more, those that say nothing new are put together.
const many = 20

// few is how many rows are no burden beside a table that says the same in short.
const few = 5

// A crowd is functions of which the same is to be said.
type crowd struct {
	fate      string
	functions []promotion.FunctionOutcome
}

// title says how many functions there are, apart from those that are shown one by one.
func (c crowd) title(o promotion.Outcome) string {
	if len(c.functions) == len(o.Functions) {
		return fmt.Sprintf("all %d functions %s", len(c.functions), c.fate)
	}
	return fmt.Sprintf("%s %s", plural(len(c.functions), "more function"), c.fate)
}

// crowded tells whether a function is one of many whose alias stayed where it was. Drift is something to say, and so is
// what would be promoted.
func crowded(o promotion.Outcome, f promotion.FunctionOutcome) bool {
	return len(o.Functions) > many && f.Fate == promotion.FateKept && f.Drift == "" && (still(f) || o.Kind != promotion.Planned)
}

// crowds are the crowded functions: the unchanged ones, and those that were not promoted.
func crowds(o promotion.Outcome) []crowd {
	unchanged, not := crowd{fate: "unchanged"}, crowd{fate: "not promoted"}
	if o.Kind == promotion.Deployed {
		not.fate = "ready"
	}
	for _, f := range o.Functions {
		switch {
		case !crowded(o, f):
		case still(f):
			unchanged.functions = append(unchanged.functions, f)
		default:
			not.functions = append(not.functions, f)
		}
	}
	var list []crowd
	for _, c := range []crowd{not, unchanged} {
		if len(c.functions) > 0 {
			list = append(list, c)
		}
	}
	return list
}

// A tally counts checks by how they ended.
type tally struct {
	all, passed, failed, broken, skipped int
	slowest                              time.Duration // of those that passed
}

func tallied(o promotion.Outcome) tally {
	list := vouchers(o)
	t := tally{all: len(list)}
	for _, c := range list {
		switch {
		case c.Skipped != "":
			t.skipped++
		case c.Err != nil:
			t.broken++
		case red(c):
			t.failed++
		default:
			t.passed++
			t.slowest = max(t.slowest, c.Duration)
		}
	}
	return t
}

// rows are a row for each way in which checks ended.
func (t tally) rows() [][]string {
	var rows [][]string
	add := func(n int, sign, how, note string) {
		if n > 0 {
			rows = append(rows, []string{fmt.Sprintf("%s %s %s", sign, plural(n, "check"), how), "", note})
		}
	}
	add(t.passed, "✓", "passed", "the slowest in "+duration(t.slowest))
	add(t.failed, "✗", "did not pass", "")
	add(t.broken, "!", "could not be asked", "")
	add(t.skipped, "-", "skipped", "")
	return rows
}
