package report

import (
	"regexp"
	"strings"
)

// MaxRelease is how many characters the body of a release may have; GitHub refuses more with 422.
const MaxRelease = 125_000

// A block is what stands in the body of a release between two hidden lines that bear its name. What is between them is
// promote's; all else is somebody's text and stays as it is.

// MaxBlock is how many bytes a block takes at most, so that a release has room for two.
const MaxBlock = MaxRelease / 2

// block puts the text between the hidden lines of a name, in so many bytes. Where there is room for no table it says so,
// and where there is none at all the block is "".
func (s *summary) block(name string, room int) string {
	const least, sentence = 1000, 100
	frame := beginning(name) + "\n" + "\n" + ending(name)
	room = min(room, MaxBlock) - len(frame)
	text := "There is no room here: `promote status` has the versions."
	switch {
	case room < sentence:
		return ""
	case room >= least:
		text = strings.TrimRight(s.fit(releaseFitting(room)), "\n")
	}
	return beginning(name) + "\n" + text + "\n" + ending(name)
}

func beginning(name string) string { return "<!-- promote:" + name + ":begin -->" }
func ending(name string) string    { return "<!-- promote:" + name + ":end -->" }

// anyMarker finds the hidden lines of blocks, also where a person has changed their spaces or capitals.
var anyMarker = regexp.MustCompile(`(?i)<!--\s*promote:([a-z0-9._~%+-]+):(begin|end)\s*-->`)

// blockName is the name that a block bears.
func blockName(block string) string {
	if m := anyMarker.FindStringSubmatch(block); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

// A span is a stretch of a body.
type span struct{ from, to int }

// spans are where the body has the named block, and where it has hidden lines of that name that belong to none: a
// beginning is closed by the very next hidden line of its name, if that is an end.
func spans(body, name string) (blocks, lone []span) {
	open := span{-1, -1}
	for _, m := range anyMarker.FindAllStringSubmatchIndex(body, -1) {
		if !strings.EqualFold(body[m[2]:m[3]], name) {
			continue
		}
		here := span{m[0], m[1]}
		begins := strings.EqualFold(body[m[4]:m[5]], "begin")
		switch {
		case begins && open.from >= 0:
			lone, open = append(lone, open), here
		case begins:
			open = here
		case open.from >= 0:
			blocks, open = append(blocks, span{open.from, here.to}), span{-1, -1}
		default:
			lone = append(lone, here)
		}
	}
	if open.from >= 0 {
		lone = append(lone, open)
	}
	return blocks, lone
}

// EditRelease puts a block into the body of a release: in the place of the one of the same name, or at the end. Copies of
// it are removed, and so are hidden lines of it without their counterpart; what stood beside such a line is left, since
// nobody can tell whose it is. All other text stays as it is, with its line breaks.
func EditRelease(body, block string) string {
	newline := "\n"
	if strings.Contains(body, "\r\n") {
		newline = "\r\n"
	}
	block = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(block), "\r\n", "\n"), "\n", newline)
	name := blockName(block)
	if name == "" {
		return body
	}
	const turns = 8 // what is taken out may have stood in the middle of another hidden line
	for range turns {
		body = edited(body, block, name, newline)
		if Settled(body, block) {
			break
		}
	}
	return body
}

func edited(body, block, name, newline string) string {
	blocks, lone := spans(body, name)
	var b strings.Builder
	at, put := 0, false
	for _, cut := range inOrder(blocks, lone) {
		b.WriteString(body[at:cut.from])
		at = cut.to
		if cut.whole && !put {
			b.WriteString(block)
			put = true
		}
	}
	b.WriteString(body[at:])
	if put {
		return b.String()
	}
	text := b.String()
	switch {
	case strings.TrimSpace(text) == "":
		return text + block + newline
	case strings.HasSuffix(text, newline+newline):
		return text + block + newline
	case strings.HasSuffix(text, newline):
		return text + newline + block + newline
	}
	return text + newline + newline + block + newline
}

// A cut is a stretch that is taken out; whole tells that it is a block.
type cut struct {
	span
	whole bool
}

func inOrder(blocks, lone []span) []cut {
	var list []cut
	for len(blocks)+len(lone) > 0 {
		if len(lone) == 0 || len(blocks) > 0 && blocks[0].from < lone[0].from {
			list, blocks = append(list, cut{blocks[0], true}), blocks[1:]
		} else {
			list, lone = append(list, cut{lone[0], false}), lone[1:]
		}
	}
	return list
}

// Settled tells whether the body has the block, once and as it is; GitHub may have changed its line breaks. A block that is
// "" needs no place.
func Settled(body, block string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	name := blockName(block)
	if name == "" {
		return true
	}
	blocks, lone := spans(body, name)
	return len(blocks) == 1 && len(lone) == 0 && plain(body[blocks[0].from:blocks[0].to]) == plain(block)
}

// Room is how many bytes a block of that name may have in the body beside the other text.
func Room(body, name string) int {
	blocks, lone := spans(body, name)
	others := len(body)
	for _, s := range append(blocks, lone...) {
		others -= s.to - s.from
	}
	const breaks = 16
	return max(0, min(MaxBlock, MaxRelease-others-breaks))
}
