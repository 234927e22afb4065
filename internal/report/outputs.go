package report

import (
	"fmt"
	"strconv"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An Output is one output of the action.
type Output struct{ Name, Value string }

// Outputs are the action's outputs. Those about one function are empty in a run of several; `functions` has them all.
// None but version-arn, functions and faults can hold an account's number, which a runner may be told to mask: a job
// output that holds a masked text is dropped (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
func Outputs(o promotion.Outcome) []Output {
	var single promotion.FunctionOutcome
	if len(o.Functions) == 1 {
		single = o.Functions[0]
	}
	var latest, environment string
	if o.Endpoints != nil {
		latest, environment = o.Endpoints.LatestURL, o.Endpoints.EnvironmentURL
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
