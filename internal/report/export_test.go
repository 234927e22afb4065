package report

// What foreign text is before it is escaped: all that a reader is to see of it.
var (
	Visible = visible
	OneLine = oneLine
)

// MaxComment is the size of a comment that parts are left out of.
const MaxComment = maxComment

// MaxSummary is the size of a summary that parts are left out of.
const MaxSummary = maxSummary

// Blocks are where a body has the named block.
func Blocks(body, name string) [][2]int {
	var list [][2]int
	blocks, _ := spans(body, name)
	for _, b := range blocks {
		list = append(list, [2]int{b.from, b.to})
	}
	return list
}
