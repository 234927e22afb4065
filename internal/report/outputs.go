package report

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An Output is one output of the action.
type Output struct{ Name, Value string }

// Outputs are the action's outputs. Those about one function are empty in a run of several; `functions` has them all.
// None but version-arn and functions holds an account's number, which a runner may be told to mask: a job output that
// holds a masked text is dropped (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
func Outputs(o promotion.Outcome) []Output {
	var single promotion.FunctionOutcome
	if len(o.Functions) == 1 {
		single = o.Functions[0]
	}
	live, _ := json.Marshal(functionsJSON(o))
	var latest, environment string
	if o.Endpoints != nil {
		latest, environment = o.Endpoints.LatestURL, o.Endpoints.EnvironmentURL
	}
	faults, _ := json.Marshal(faultsJSON(o.Faults))
	return []Output{
		{"outcome", string(o.Kind)},
		{"reason-code", string(o.Reason)},
		{"release-id", o.Request.Release},
		{"changed", strconv.FormatBool(o.Changed())},
		{"version", versionText(held(single))},
		{"previous-version", versionText(single.Previous)},
		{"function-name", single.Name},
		{"version-arn", single.ARN},
		{"functions", string(live)},
		{"environment", o.Request.Environment.Name},
		{"alias", o.Request.Environment.Alias},
		{"commit", o.Request.Commit},
		{"endpoint-latest", latest},
		{"endpoint-environment", environment},
		{"faults", string(faults)},
	}
}

// held is the version that the function's alias holds now, as far as this run knows; 0 where it cannot know.
func held(f promotion.FunctionOutcome) promotion.Version {
	switch f.Fate {
	case promotion.FateMoved, promotion.FateCreated:
		return f.Candidate
	case promotion.FateForeign, promotion.FateUnknown:
		return 0
	}
	return f.Previous
}

func versionText(v promotion.Version) string {
	if v == 0 {
		return ""
	}
	return v.String()
}

type outcomeDocument struct {
	Outcome     string             `json:"outcome"`
	ExitCode    int                `json:"exit_code"`
	ReasonCode  string             `json:"reason_code"`
	Message     string             `json:"message"`
	Mode        string             `json:"mode"`
	ReleaseID   string             `json:"release_id"`
	App         string             `json:"app"`
	Environment string             `json:"environment"`
	Alias       string             `json:"alias"`
	Region      string             `json:"region"`
	Commit      string             `json:"commit"`
	Changed     bool               `json:"changed"`
	VerifyNone  bool               `json:"verify_none"`
	Started     time.Time          `json:"started"`
	Seconds     float64            `json:"seconds"`
	Functions   []functionDocument `json:"functions"`
	Checks      []checkDocument    `json:"checks"`
	Endpoints   *endpointDocument  `json:"endpoints,omitempty"`
	Faults      []faultDocument    `json:"faults"`
	Warnings    []faultDocument    `json:"warnings"`
	Policy      json.RawMessage    `json:"policy,omitempty"`
}

type functionDocument struct {
	Function        string   `json:"function"`
	Name            string   `json:"name"`
	Alias           string   `json:"alias"`
	Action          string   `json:"action"`
	Result          string   `json:"result"`
	Version         string   `json:"version"`
	PreviousVersion string   `json:"previous_version"`
	Candidate       string   `json:"candidate"`
	Digest          string   `json:"digest"`
	ARN             string   `json:"arn"`
	Changed         bool     `json:"changed"`
	Configuration   []string `json:"configuration_changes"`
	Drift           string   `json:"drift,omitempty"`
	Commands        []string `json:"commands,omitempty"`
}

type checkDocument struct {
	Check    string  `json:"check"`
	Function string  `json:"function,omitempty"`
	Version  string  `json:"version,omitempty"`
	Verdict  string  `json:"verdict"`
	Reason   string  `json:"reason,omitempty"`
	Seconds  float64 `json:"seconds"`
	Attempts int     `json:"attempts,omitempty"`
}

type endpointDocument struct {
	Latest      string `json:"latest"`
	Environment string `json:"environment"`
}

type faultDocument struct {
	Where    string `json:"where,omitempty"`
	What     string `json:"what"`
	Accepted string `json:"accepted,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// JSON is the outcome for programs: one object, indented, ending in a line break. policy is the IAM policy document that
// setup shows with its outcome, or nil.
func JSON(o promotion.Outcome, policy []byte) []byte {
	doc := outcomeDocument{
		Outcome: string(o.Kind), ExitCode: o.Kind.ExitCode(), ReasonCode: string(o.Reason), Message: o.Sentence,
		Mode: string(o.Request.Mode), ReleaseID: o.Request.Release, App: o.Request.App,
		Environment: o.Request.Environment.Name, Alias: o.Request.Environment.Alias, Region: o.Request.Environment.Region,
		Commit: o.Request.Commit, Changed: o.Changed(), VerifyNone: o.Request.VerifyNone,
		Started: o.Started.UTC().Truncate(time.Millisecond), Seconds: o.Duration().Round(time.Millisecond).Seconds(),
		Functions: functionsJSON(o), Checks: []checkDocument{}, Faults: faultsJSON(o.Faults), Warnings: faultsJSON(o.Warnings), Policy: policy,
	}
	for _, c := range o.Checks {
		reason := c.Reason
		switch {
		case c.Skipped != "":
			reason = c.Skipped
		case c.Err != nil:
			reason = promotion.FaultOf(c.Err).Error()
		}
		doc.Checks = append(doc.Checks, checkDocument{
			Check: c.Check, Function: c.Function, Version: versionText(c.Version), Verdict: verdict(c), Reason: reason,
			Seconds: c.Duration.Round(time.Millisecond).Seconds(), Attempts: c.Attempts,
		})
	}
	if o.Endpoints != nil {
		doc.Endpoints = &endpointDocument{Latest: o.Endpoints.LatestURL, Environment: o.Endpoints.EnvironmentURL}
	}
	out, _ := json.MarshalIndent(doc, "", "  ")
	return append(out, '\n')
}

func functionsJSON(o promotion.Outcome) []functionDocument {
	list := []functionDocument{}
	for _, f := range o.Functions {
		fields := []string{}
		for _, d := range f.Changes {
			fields = append(fields, d.Field)
		}
		list = append(list, functionDocument{
			Function: f.Function, Name: f.Name, Alias: o.Request.Environment.Alias, Action: string(f.Action), Result: string(f.Fate),
			Version: versionText(held(f)), Candidate: versionText(f.Candidate), PreviousVersion: versionText(f.Previous), Digest: string(f.Digest), ARN: f.ARN,
			Changed:       f.Fate == promotion.FateMoved || f.Fate == promotion.FateCreated,
			Configuration: fields, Drift: f.Drift, Commands: f.Commands,
		})
	}
	return list
}

func faultsJSON(faults []promotion.Fault) []faultDocument {
	list := []faultDocument{}
	for _, f := range faults {
		list = append(list, faultDocument{Where: f.Where.String(), What: f.What, Accepted: f.Accepted, Hint: f.Hint, Detail: f.Detail})
	}
	return list
}
