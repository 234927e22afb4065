package report

// What foreign text is before it is escaped: all that a reader is to see of it.
var (
	Visible = visible
	OneLine = oneLine
)

// MaxSummary is the size of a summary that parts are left out of.
const MaxSummary = maxSummary
