package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// What is taken where nothing is given, and the bounds.
const (
	defaultLockTable = "promote"
	noLockTable      = "none"

	defaultLease  = time.Minute
	shortestLease = 5 * time.Second
	longestLease  = 10 * time.Minute

	defaultHold = 30 * time.Minute // of mode lock
	longestHold = time.Hour

	defaultLockTimeout = 30 * time.Minute
	longestLockTimeout = 6 * time.Hour

	// In a request 0 stands for the default.
	doNotWait = time.Nanosecond
)

// A table's name: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html.
var lockTableShape = &shape{kinds: isText, noun: "a table's name", deflt: defaultLockTable, examples: []string{defaultLockTable, noLockTable},
	accepted: "3 to 255 letters, digits, _, - and ., or none for no table",
	pattern:  tableName, wrong: tableWrong, hint: tableHint}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// tableWrong also refuses what was surely meant to be none: it would be taken for a table.
func tableWrong(text string) string {
	if !tableName.MatchString(text) || strings.EqualFold(text, noLockTable) && text != noLockTable {
		return quote(text) + " is not a table's name"
	}
	return ""
}

func tableHint(text string) string {
	if _, name, found := strings.Cut(text, ":table/"); found && strings.HasPrefix(text, "arn:") && tableName.MatchString(name) {
		return "write " + name
	}
	if strings.EqualFold(text, noLockTable) || text == "no" || text == "false" {
		return "write none"
	}
	return ""
}

var releaseShape = &shape{kinds: isText, noun: "the id of a release", accepted: "the output release-id of mode deploy",
	pattern: regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)}

// flagShape is of inputs; in a file it is a boolean.
var flagShape = &shape{kinds: isText, enum: []string{"true", "false"}, noun: "true or false", hint: flagHint}

func flagHint(text string) string {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return "write true"
	case "false", "no", "off", "0":
		return "write false"
	}
	return ""
}

// flag tells whether a yes-or-no input was given as true.
func (l *loader) flag(input string) bool { return l.inputs[input].value() == "true" }

// duration is an input's; its shape has parsed it.
func (l *loader) duration(input string, deflt time.Duration) time.Duration {
	if d, err := time.ParseDuration(l.inputs[input].value()); err == nil {
		return d
	}
	return deflt
}

// lockRequest fills in how locks are taken and kept, and how the order of commits is judged.
func (l *loader) lockRequest(r *promotion.Request) {
	r.Lease = l.duration("lease", defaultLease)
	if r.LockTimeout = l.duration("lock-timeout", defaultLockTimeout); r.LockTimeout == 0 {
		r.LockTimeout = doNotWait
	}
	if l.is(holding) {
		r.Hold = l.duration("hold", 0)
	}
	if l.mode == promotion.ModeLock && r.Hold == 0 {
		r.Hold = defaultHold
	}
	r.LockOwner = l.src.LockOwner
	r.Order = promotion.OrderPolicy{BestEffort: l.inputs["order-check"].value() == "best-effort", AllowDiverged: l.flag("allow-diverged")}
}

// promoteRequest fills in which release is promoted, and what its evidence is worth.
func (l *loader) promoteRequest(r *promotion.Request) {
	if l.mode != promotion.ModePromote {
		return
	}
	r.Release = l.inputs["release-id"].value()
	r.ExpectCommit = strings.ToLower(l.inputs["expect-commit"].value())
	r.TestedThrough = promotion.ThroughLatest
	if n := l.inputs["tested-through"]; n != nil {
		r.TestedThrough = promotion.TestedThrough(n.text)
	}
}

// checkRelease asks for the release's id where no workflow run tells which one is meant.
func (l *loader) checkRelease() {
	if l.mode == promotion.ModePromote && given(l.src.Inputs["release-id"]) == "" && l.src.RunID == "" {
		l.add(promotion.Fault{Where: l.at("release-id"), What: "nothing says which release is to be promoted, since this is no workflow run", Accepted: releaseShape.accepted,
			Hint: "give the id that mode deploy printed"})
	}
}
