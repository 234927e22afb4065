package report

import (
	"encoding/json"
	"time"
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
	Repository  string             `json:"repository,omitempty" doc:"owner and name"`
	Ref         string             `json:"ref,omitempty" doc:"the branch or tag, as GitHub spells it"`
	RunURL      string             `json:"run_url,omitempty" doc:"of the workflow run"`
	Actor       string             `json:"actor,omitempty" doc:"who started it"`
	Why         string             `json:"why,omitempty" doc:"the reason that a person gave; foreign text"`
	Waited      float64            `json:"waited_seconds" doc:"for locks"`
	Holder      *holderDocument    `json:"holder,omitempty" doc:"who holds, or held, the lock that the run was about"`
	Repairs     []repairDocument   `json:"repairs" doc:"what dead runs had left, and what became of it"`
	Entry       *entryDocument     `json:"entry,omitempty" doc:"what was recorded; absent if nothing was"`
	TakenBack   *entryDocument     `json:"taken_back,omitempty" doc:"mode rollback: the newest entry that was taken back"`
	HeldUntil   time.Time          `json:"held_until,omitzero" doc:"mode deploy with hold: until when the code lock is kept"`
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
	PreviousCommit  string           `json:"previous_commit,omitempty" doc:"what the ledger says was promoted before"`
	PreviousSize    int64            `json:"previous_size,omitempty" doc:"of the previous version's package, in bytes"`
	Size            int64            `json:"size,omitempty" doc:"of the package, in bytes"`
	Adopted         bool             `json:"adopted,omitempty" doc:"whether what the alias held was found there and not promoted"`
	Provenance      string           `json:"provenance,omitempty" doc:"how it is known where the code comes from"`
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
	Tests    *testsDocument     `json:"tests,omitempty" doc:"what a JUnit report counts"`
	Evidence []evidenceDocument `json:"evidence,omitempty" doc:"what it saw, if it did not pass; foreign text"`
}

type testsDocument struct {
	Tests   int `json:"tests"`
	Failed  int `json:"failed"`
	Errored int `json:"errored"`
	Skipped int `json:"skipped"`
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

type holderDocument struct {
	Repository string    `json:"repository,omitempty"`
	RunURL     string    `json:"run_url,omitempty"`
	Actor      string    `json:"actor,omitempty"`
	Commit     string    `json:"commit,omitempty"`
	Stage      string    `json:"stage,omitempty" doc:"what it was doing when it last said so"`
	Since      time.Time `json:"since,omitzero"`
}

type repairDocument struct {
	RunURL    string   `json:"run_url,omitempty" doc:"of the run that had died"`
	Commit    string   `json:"commit,omitempty"`
	Result    string   `json:"result" values:"repairs" doc:"what became of its work"`
	Functions []string `json:"functions"`
	Foreign   []string `json:"foreign" doc:"functions that somebody else has moved since; they were left alone"`
}
