package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An InputDoc describes an input of the action, which on the command line is the flag of the same name.
type InputDoc struct {
	Name        string
	Description string
	Default     string // as action.yml spells it; "" for none
	Accepted    string
	Placeholder string           // for the flag's value in a help text
	Modes       []promotion.Mode // that it means something to; all if empty
	ActionOnly  bool             // the command line says it otherwise
	shape       *shape
}

// Inputs are the action's inputs, in the order in which a person should meet them.
func Inputs() []InputDoc {
	docs := slices.Clone(inputTable)
	for i := range docs {
		docs[i].Accepted = docs[i].shape.accepted
		if docs[i].Accepted == "" {
			docs[i].Accepted = wordList(docs[i].shape.enum)
		}
	}
	return docs
}

// An OutputDoc describes an output of the action.
type OutputDoc struct{ Name, Description string }

// Outputs are the action's outputs, in the order in which a person should meet them.
func Outputs() []OutputDoc {
	docs := slices.Clone(outputTable)
	var kinds []string
	for _, k := range promotion.Kinds {
		kinds = append(kinds, string(k.Kind))
	}
	docs[0].Description += wordList(kinds)
	return docs
}

var (
	modes      = []string{string(promotion.ModeRun), string(promotion.ModePlan), string(promotion.ModeStatus), string(promotion.ModeSetup)}
	laterModes = []string{"deploy", "promote", "lock", "rollback", "abort", "reconcile", "unlock"}
	jobStates  = []string{"success", "failure", "cancelled", "skipped"}

	releasing = []promotion.Mode{promotion.ModeRun, promotion.ModePlan}
)

// The shared quota of Lambda's control plane, without GetFunction, GetPolicy and invocations:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
const (
	defaultAPIRate = 10
	highestAPIRate = 15

	longestUpdate  = time.Hour
	shortestUpdate = 10 * time.Second
)

var inputTable = []InputDoc{
	{Name: "mode", Default: "run", ActionOnly: true, Description: "What to do: run deploys, verifies and promotes; plan shows what run would do; status shows what the environments hold; setup makes the endpoints",
		shape: &shape{kinds: isText, enum: modes, noun: "a mode", later: func(text string) bool { return slices.Contains(laterModes, text) }}},
	{Name: "config", Default: DefaultFile, Placeholder: "FILE", Description: "The configuration file, relative to the workspace. One function needs none: function, artifact, environment and verify suffice",
		shape: &shape{kinds: isText}},
	{Name: "function", Placeholder: "NAME", Description: "The Lambda function's name; where the file has functions, the key of the one that this run is about",
		shape: &shape{kinds: isText, accepted: promotion.AcceptedFunctionName}},
	{Name: "artifact", Placeholder: "ARTIFACT", Modes: releasing, Description: "The function's code: a zip, a directory, s3://bucket/key, an image in Amazon ECR, or none where something else has put it there. Overrides the file's",
		shape: artifactShape},
	{Name: "environment", Placeholder: "NAME", Description: "Where to promote to. May be left out where the file has one environment only, and for status and setup",
		shape: keyShape},
	{Name: "verify", Placeholder: "YAML", Modes: releasing, Description: "The checks, written as the file's verify, or none to verify nothing. Overrides the file's",
		shape: &shape{kinds: isText}},
	{Name: "only", Placeholder: "KEYS", Description: "Keys of the functions that this run is about, separated by commas, spaces or lines; checks of the others are left out",
		shape: &shape{kinds: isText}},
	{Name: "app", Placeholder: "NAME", Description: "The app's name. Overrides the file's; without both it is the repository's name, or else the function's",
		shape: keyShape},
	{Name: "alias", Placeholder: "NAME", Description: "The alias to promote. Overrides the file's; without both it is the environment's name",
		shape: aliasShape},
	{Name: "region", Placeholder: "REGION", Description: "The AWS region. Overrides the file's; without both it is AWS_REGION or AWS_DEFAULT_REGION",
		shape: regionShape},
	{Name: "role-to-assume", Placeholder: "ARN", Description: "The role to assume by GitHub's OIDC token (the job needs id-token: write). Overrides the file's; without both the environment's credentials are used",
		shape: roleShape},
	{Name: "allowed-account-ids", Placeholder: "IDS", Description: "The AWS accounts that may be touched, separated by commas, spaces or lines; without it any",
		shape: &shape{kinds: isText, accepted: "account ids of 12 digits each"}},
	{Name: "candidate", Placeholder: "CHOICE", Modes: releasing, Description: "Which code counts where artifact is none: latest-code (the default), newest-version or a version's number. Overrides the file's",
		shape: candidateShape},
	{Name: "expect-sha256", Placeholder: "DIGEST", Modes: releasing, Description: "What the candidate's CodeSha256 has to be; another digest is refused. Overrides the file's",
		shape: digestShape},
	{Name: "artifact-bucket", Placeholder: "BUCKET", Modes: append([]promotion.Mode{promotion.ModeSetup}, releasing...), Description: "The S3 bucket that zips over 50 MB are uploaded to, since Lambda does not take them directly",
		shape: bucketShape},
	{Name: "commit", Placeholder: "SHA", Modes: releasing, Description: "The commit that is released. Without it, the commit of the workflow run, or on a command line that of the git repository",
		shape: commitShape},
	{Name: "lock-table", Placeholder: "TABLE", Description: "The DynamoDB table of the locks; only none (no locking) is supported so far. Overrides the file's",
		shape: lockTableShape},
	{Name: "api-rate", Default: fmt.Sprint(defaultAPIRate), Placeholder: "N", Description: "How many calls a second of Lambda's account-wide 15 the run may take",
		shape: &shape{kinds: isText, accepted: fmt.Sprintf("a whole number from 1 to %d", highestAPIRate), low: 1, hi: highestAPIRate, noun: "a rate"}},
	{Name: "update-timeout", Default: short(promotion.DefaultLimits.Update), Placeholder: "DURATION", Modes: releasing, Description: "How long an update of a function may take to settle, and a version to become active",
		shape: durationShape("", shortestUpdate, longestUpdate, "5m", "")},
	{Name: "job-status", Default: "${{ job.status }}", ActionOnly: true, Modes: releasing, Description: "The status of the job so far. Only a successful job promotes, also with if: always()",
		shape: &shape{kinds: isText, enum: jobStates, noun: "a job's status"}},
}

var outputTable = []OutputDoc{
	{"outcome", "How the run ended: "},
	{"reason-code", "Why it ended so, as a short stable word for scripts"},
	{"release-id", "The id of this release"},
	{"changed", "true if an alias was moved or created, else false"},
	{"version", "The version that the alias holds now; empty where the run was about several functions"},
	{"previous-version", "The version that the alias held before; empty on a first release or with several functions"},
	{"function-name", "The Lambda function's name; empty where the run was about several functions"},
	{"version-arn", "The version's ARN. GitHub drops it as a job output where the account's id is masked; empty with several functions"},
	{"functions", "All functions of the run as a JSON list: key, name, outcome, version, previous version and digest of each"},
	{"environment", "The environment"},
	{"alias", "The alias"},
	{"commit", "The commit that was released"},
	{"endpoint-latest", "The URL that shows the newest code; empty where no endpoints are configured"},
	{"endpoint-environment", "The URL that shows what was promoted to the environment; empty where no endpoints are configured"},
	{"faults", "What was wrong, as a JSON list of place, text, accepted values and hint; an empty list if nothing was"},
}

// given is an input's value as it counts: without the white space that YAML and shells leave around it.
func given(in Input) string { return strings.TrimSpace(in.Value) }

// inputName is the input that a place names, whether as an input or as a flag.
func inputName(w promotion.Where) string { return strings.TrimPrefix(w.Input, "--") }

var separators = regexp.MustCompile(`[,\s]+`)

// splitWords splits a list that a person wrote with commas, spaces or lines.
func splitWords(text string) []string {
	var out []string
	for _, w := range separators.Split(text, -1) {
		if w != "" {
			out = append(out, w)
		}
	}
	return unique(out)
}
