package report

import (
	"fmt"
	"strings"
)

// A rank says how soon a part of a summary is left out where there is too much: the highest first.
type rank int

const (
	always   rank = iota // never left out
	rows                 // of the functions that changed, of the checks that did not pass
	quiet                // of what passed or is unchanged
	details              // what the log has as well, and what matters later
	evidence             // what checks saw
)

// A summary is Markdown in parts.
type summary struct{ parts []part }

type part struct {
	rank rank
	name string // what it is one of ("checks"), or what it is ("the commands"), for the line that says what was left out
	text string
}

func (s *summary) add(r rank, name, text string) { s.parts = append(s.parts, part{r, name, text}) }

// fit puts the parts together. Over the limit, the most dispensable are left out, the last of them first, and a line says
// how many of what.
func (s *summary) fit(limit int) string {
	total := 0
	for _, p := range s.parts {
		total += len(p.text)
	}
	const room = 400 // for the line
	left := map[string]int{}
	var names []string
	if total > limit {
		limit -= room
	}
	for r := evidence; r > always; r-- {
		for i := len(s.parts) - 1; i >= 0 && total > limit; i-- {
			p := &s.parts[i]
			if p.rank != r {
				continue
			}
			if left[p.name]++; left[p.name] == 1 {
				names = append(names, p.name)
			}
			total -= len(p.text)
			p.text = ""
		}
	}
	var b strings.Builder
	for _, p := range s.parts {
		b.WriteString(p.text)
	}
	if len(names) > 0 {
		for i, name := range names {
			if !strings.HasPrefix(name, "the ") {
				names[i] = fmt.Sprintf("%d %s", left[name], name)
			}
		}
		fmt.Fprintf(&b, "_Left out, since GitHub shows no more than 1 MiB: %s. The log of the step has them._\n", strings.Join(names, ", "))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
