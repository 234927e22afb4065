package report

import (
	"fmt"
	"strconv"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An Output is one output of the action.
type Output struct{ Name, Value string }

// Published is what became of the reports on GitHub, and the notes that were, or could be, written there.
type Published struct {
	ReleaseNotes string // Markdown; "" if there are none
	ReleaseURL   string // of the release that they were written into; "" for none
	CommentURL   string // of the comment on the pull request; "" for none
}

// Outputs are the action's outputs. Those about one function are empty in a run of several; `functions` has them all.
// None but version-arn, functions and faults can hold an account's number, which a runner may be told to mask: a job
// output that holds a masked text is dropped (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
func Outputs(o promotion.Outcome, p Published) []Output {
	var single promotion.FunctionOutcome
	if len(o.Functions) == 1 {
		single = o.Functions[0]
	}
	var latest, environment string
	if o.Endpoints != nil {
		latest, environment = o.Endpoints.LatestURL, o.Endpoints.EnvironmentURL
	}
	entry := ""
	if o.Entry != nil && o.Entry.Number > 0 {
		entry = strconv.FormatUint(o.Entry.Number, 10)
	}
	return []Output{
		{"outcome", string(o.Kind)},
		{"reason-code", string(o.Reason)},
		{"release-id", o.Request.Release},
		{"changed", strconv.FormatBool(o.Changed())},
		{"version", versionText(held(single))},
		{"previous-version", versionText(single.Previous)},
		{"function-name", single.Name},
		{"version-arn", single.ARN},
		{"functions", functionsOutput(o)},
		{"environment", o.Request.Environment.Name},
		{"alias", o.Request.Environment.Alias},
		{"commit", o.Request.Commit},
		{"endpoint-latest", latest},
		{"endpoint-environment", environment},
		{"entry", entry},
		{"locked", strconv.FormatBool(o.Kind == promotion.Locked)},
		{"release-notes", p.ReleaseNotes},
		{"release-url", p.ReleaseURL},
		{"comment-url", p.CommentURL},
		{"faults", faultsOutput(o.Faults)},
	}
}

// functionsOutput leaves the commands out: a job's outputs have 1 MB in all, and no workflow step types them.
func functionsOutput(o promotion.Outcome) string {
	list := functionDocuments(o)
	for i := range list {
		list[i].Commands = nil
	}
	return compact(list)
}

// faultsOutput keeps to so many faults as a workflow may want to look at, and counts the others.
func faultsOutput(faults []promotion.Fault) string {
	const most = 50
	list := faultDocuments(faults[:min(len(faults), most)])
	if more := len(faults) - most; more > 0 {
		list = append(list, faultDocument{What: fmt.Sprintf("and %d more: see the log of the step", more)})
	}
	return compact(list)
}
