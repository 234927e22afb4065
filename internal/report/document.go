package report

import (
	"encoding/json"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The documents that programs read. [Schema] is made of these types: doc says what a field means, values lists what it
// can be. Fields are added, and never taken away or given another meaning. Texts that are not known are empty, lists are never
// null, and versions are texts, as in AWS's own API.

type outcomeDocument struct {
	Outcome     string             `json:"outcome" values:"outcomes" doc:"how the run ended"`
	ExitCode    int                `json:"exit_code" doc:"the program's exit code for this outcome"`
	ReasonCode  string             `json:"reason_code" doc:"the cause of the outcome; more may come"`
	Message     string             `json:"message" doc:"a sentence for people"`
	Mode        string             `json:"mode" doc:"what was asked for"`
	ReleaseID   string             `json:"release_id" doc:"the release's id; ids sort by time"`
	App         string             `json:"app"`
	Environment string             `json:"environment"`
	Alias       string             `json:"alias" doc:"the environment's alias"`
	Region      string             `json:"region"`
	Commit      string             `json:"commit" doc:"of the code being released"`
	Changed     bool               `json:"changed" doc:"whether any alias is elsewhere, or new, through this run"`
	VerifyNone  bool               `json:"verify_none" doc:"whether verification was switched off"`
	Started     time.Time          `json:"started"`
	Seconds     float64            `json:"seconds" doc:"how long the run took"`
	Functions   []functionDocument `json:"functions"`
	Checks      []checkDocument    `json:"checks"`
	Endpoints   *endpointDocument  `json:"endpoints,omitempty" doc:"the app's addresses, if it has any"`
	Faults      []faultDocument    `json:"faults" doc:"why it did not go further"`
	Warnings    []faultDocument    `json:"warnings" doc:"what a person should know although it went on"`
	Policy      json.RawMessage    `json:"policy,omitempty" doc:"mode setup: the IAM policy that the configuration needs"`
}

type functionDocument struct {
	Function        string           `json:"function" doc:"what promote.yaml calls it"`
	Name            string           `json:"name" doc:"what Lambda calls it"`
	Alias           string           `json:"alias"`
	Action          string           `json:"action" values:"actions" doc:"what the plan was; empty if the run did not come that far"`
	Result          string           `json:"result" values:"fates" doc:"where the alias was left"`
	Changed         bool             `json:"changed" doc:"whether the alias is elsewhere, or new, through this run"`
	Version         string           `json:"version" doc:"the version that the alias holds; empty if there is no alias, or if that is not known"`
	PreviousVersion string           `json:"previous_version" doc:"the version that the alias held before"`
	Candidate       string           `json:"candidate" doc:"the version under trial; empty if none came to be"`
	Digest          string           `json:"digest" doc:"Lambda's CodeSha256 of the code that is wanted"`
	PreviousDigest  string           `json:"previous_digest" doc:"that of the previous version"`
	ARN             string           `json:"arn" doc:"of the candidate, or of the version that stays"`
	Configuration   []changeDocument `json:"configuration_changes" doc:"the fields in which the candidate's configuration differs from the previous version's"`
	Drift           string           `json:"drift,omitempty" doc:"what is not as it was promoted, although this run does not change it"`
	Commands        []string         `json:"commands,omitempty" doc:"what a person types to look at the alias, or to send it back; not in the output functions"`
}

type changeDocument struct {
	Field string `json:"field" doc:"Lambda's name of the field"`
	From  string `json:"from" doc:"empty if it was not set; of an environment variable a fingerprint"`
	To    string `json:"to"`
}

type checkDocument struct {
	Check    string             `json:"check"`
	Function string             `json:"function,omitempty" doc:"none for a check by URL"`
	Version  string             `json:"version,omitempty" doc:"the version that answered"`
	Verdict  string             `json:"verdict" values:"verdicts" doc:"error: it could not be asked"`
	Reason   string             `json:"reason,omitempty" doc:"why it did not pass, or was not asked"`
	Seconds  float64            `json:"seconds"`
	Attempts int                `json:"attempts,omitempty" doc:"how often it was asked"`
	Evidence []evidenceDocument `json:"evidence,omitempty" doc:"what it saw, if it did not pass; foreign text"`
}

type evidenceDocument struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type endpointDocument struct {
	Latest      string `json:"latest" doc:"shows the newest code"`
	Environment string `json:"environment" doc:"shows what was promoted"`
}

type faultDocument struct {
	Where    string `json:"where,omitempty" doc:"file:line:column, or the input"`
	What     string `json:"what"`
	Accepted string `json:"accepted,omitempty" doc:"what would be accepted"`
	Hint     string `json:"hint,omitempty" doc:"what to do"`
	Detail   string `json:"detail,omitempty" doc:"foreign text, such as AWS's message"`
}

type environmentStatusDocument struct {
	App         string                   `json:"app"`
	Environment string                   `json:"environment"`
	Alias       string                   `json:"alias"`
	Region      string                   `json:"region"`
	Functions   []functionStatusDocument `json:"functions"`
}

type functionStatusDocument struct {
	Function     string             `json:"function" doc:"what promote.yaml calls it"`
	Name         string             `json:"name" doc:"what Lambda calls it"`
	Version      string             `json:"version" doc:"the version that the alias holds; empty if there is no alias"`
	Weights      map[string]float64 `json:"weights" doc:"the shares of other versions, 0 to 1"`
	Digest       string             `json:"digest" doc:"Lambda's CodeSha256 of the version"`
	LatestDigest string             `json:"latest_digest" doc:"that of $LATEST"`
	Drift        string             `json:"drift" doc:"how $LATEST differs from the version; empty if it does not"`
	Error        *faultDocument     `json:"error,omitempty" doc:"why it could not be read"`
}

// JSON is the outcome for programs: one object as [Schema] describes it, indented, ending in a line break. policy is the
// IAM policy document that setup shows with its outcome, or nil.
func JSON(o promotion.Outcome, policy []byte) []byte {
	env := o.Request.Environment
	doc := outcomeDocument{
		Outcome: string(o.Kind), ExitCode: o.Kind.ExitCode(), ReasonCode: string(o.Reason), Message: o.Sentence,
		Mode: string(o.Request.Mode), ReleaseID: o.Request.Release, App: o.Request.App,
		Environment: env.Name, Alias: env.Alias, Region: env.Region, Commit: o.Request.Commit,
		Changed: o.Changed(), VerifyNone: o.Request.VerifyNone,
		Started: o.Started.UTC().Truncate(time.Millisecond), Seconds: seconds(o.Duration()),
		Functions: functionDocuments(o), Checks: checkDocuments(o.Checks),
		Faults: faultDocuments(o.Faults), Warnings: faultDocuments(o.Warnings),
	}
	if json.Valid(policy) {
		doc.Policy = policy
	}
	if o.Endpoints != nil && o.Endpoints.Exists {
		doc.Endpoints = &endpointDocument{Latest: o.Endpoints.LatestURL, Environment: o.Endpoints.EnvironmentURL}
	}
	return indented(doc)
}

func functionDocuments(o promotion.Outcome) []functionDocument {
	list := []functionDocument{}
	for _, f := range o.Functions {
		changes := []changeDocument{}
		for _, d := range f.Changes {
			changes = append(changes, changeDocument(d))
		}
		list = append(list, functionDocument{
			Function: f.Function, Name: f.Name, Alias: o.Request.Environment.Alias, Action: string(f.Action), Result: string(f.Fate),
			Changed: f.Fate == promotion.FateMoved || f.Fate == promotion.FateCreated,
			Version: versionText(held(f)), PreviousVersion: versionText(f.Previous), Candidate: versionText(f.Candidate),
			Digest: string(f.Digest), PreviousDigest: string(f.PreviousDigest), ARN: f.ARN,
			Configuration: changes, Drift: f.Drift, Commands: f.Commands,
		})
	}
	return list
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

func checkDocuments(checks []promotion.CheckResult) []checkDocument {
	list := []checkDocument{}
	for _, c := range checks {
		doc := checkDocument{
			Check: c.Check, Function: c.Function, Version: versionText(c.Version), Verdict: string(c.Verdict), Reason: c.Reason,
			Seconds: seconds(c.Duration), Attempts: c.Attempts,
		}
		switch {
		case c.Skipped != "":
			doc.Verdict, doc.Reason = "skipped", c.Skipped
		case c.Err != nil:
			f := promotion.FaultOf(c.Err)
			f.Where = promotion.Where{} // the check's own
			doc.Verdict, doc.Reason = "error", f.Error()
		}
		if red(c) {
			for _, e := range c.Evidence {
				doc.Evidence = append(doc.Evidence, evidenceDocument(e))
			}
		}
		list = append(list, doc)
	}
	return list
}

func faultDocuments(faults []promotion.Fault) []faultDocument {
	list := []faultDocument{}
	for _, f := range faults {
		list = append(list, faultDocument{Where: f.Where.String(), What: f.What, Accepted: f.Accepted, Hint: f.Hint, Detail: f.Detail})
	}
	return list
}

func versionText(v promotion.Version) string {
	if v == 0 {
		return ""
	}
	return v.String()
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
