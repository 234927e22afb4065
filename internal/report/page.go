package report

import (
	"strings"
)

// columns is how wide a page is set. Only what must not be broken (commands, addresses, long names) is wider.
const columns = 100

// A page is plain text in sections, with an empty line between them.
type page struct{ b strings.Builder }

// section adds lines, if there are any.
func (p *page) section(lines ...string) {
	if len(lines) == 0 {
		return
	}
	if p.b.Len() > 0 {
		p.b.WriteByte('\n')
	}
	for _, line := range lines {
		p.line(line)
	}
}

// line adds a line. A workflow's runner takes one for a command that begins with "::" or has "##[" in it
// (https://docs.github.com/actions/reference/workflow-commands-for-github-actions); here it never is one.
func (p *page) line(line string) {
	line = strings.ReplaceAll(strings.TrimRight(line, " "), "##[", "## [")
	if bare := strings.TrimLeft(line, " "); strings.HasPrefix(bare, "::") {
		line = line[:len(line)-len(bare)] + ": " + bare[1:]
	}
	p.b.WriteString(line + "\n")
}

func (p *page) String() string { return p.b.String() }

// table sets rows in columns, two spaces in. The last cell of a row is its note: it is broken over lines beside the
// others, or stands below them where they leave too little room.
func table(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	at := 2
	for _, w := range widths {
		if w > 0 {
			at += w + 2
		}
	}
	const narrow = 30
	tight := at > columns-narrow
	var lines []string
	for _, row := range rows {
		line := "  "
		for i, cell := range row[:len(row)-1] {
			if widths[i] > 0 { // a column in which nothing stands takes no room
				line += cell + strings.Repeat(" ", widths[i]-width(cell)+2)
			}
		}
		note := row[len(row)-1]
		switch {
		case note == "":
			lines = append(lines, line)
		case tight && at+width(note) > columns:
			lines = append(append(lines, line), wrap(note, "      ", "      ")...)
		default:
			lines = append(lines, wrap(note, line, strings.Repeat(" ", at))...)
		}
	}
	return lines
}

// wrap breaks a sentence into lines, of which the first begins with first and the others with rest. What stands in backticks is
// not broken; where it takes a line of its own, it stands there without them, so that it can be copied.
func wrap(text, first, rest string) []string {
	var lines []string
	line, empty := first, true
	for _, word := range words(text) {
		quoted := len(word) > 2 && strings.HasPrefix(word, "`") && strings.HasSuffix(word, "`")
		if quoted && width(rest)+width(word) > columns {
			if !empty {
				lines = append(lines, line)
			}
			indent := rest + "  "
			if empty && len(lines) == 0 {
				indent = first
			}
			lines = append(lines, indent+word[1:len(word)-1])
			line, empty = rest, true
			continue
		}
		switch {
		case empty:
			line, empty = line+word, false
		case width(line)+1+width(word) > columns:
			lines = append(lines, line)
			line = rest + word
		default:
			line += " " + word
		}
	}
	if !empty || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// words are the pieces between which a sentence may be broken.
func words(text string) []string {
	var list []string
	for _, word := range strings.Fields(text) {
		if n := len(list); n > 0 && strings.Count(list[n-1], "`")%2 == 1 && strings.Count(text, "`")%2 == 0 {
			list[n-1] += " " + word
			continue
		}
		list = append(list, word)
	}
	return list
}

// chop breaks a line of foreign text into pieces of at most so many columns: at a space near the end, else anywhere.
func chop(line string, most int) []string {
	var pieces []string
	const ragged = 20
	for width(line) > most {
		end, n := 0, 0
		for i, r := range line {
			if n += width(string(r)); n > most {
				break
			}
			end = i
		}
		end = max(end, 1)
		if space := strings.LastIndexByte(line[:end], ' '); space > end-ragged && space > 0 {
			end = space + 1
		}
		pieces, line = append(pieces, line[:end]), line[end:]
	}
	return append(pieces, line)
}
