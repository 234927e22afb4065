package config

import (
	"slices"

	"github.com/promote-on-success/promote/internal/promotion"
)

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

var outputTable = []OutputDoc{
	{"outcome", "How the run ended: "},
	{"reason-code", "Why it ended so, as a short stable word for scripts"},
	{"release-id", "The id of this release; mode promote takes it in another job"},
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
	{"entry", "The number of this run's entry in the environment's history; empty if it recorded none"},
	{"locked", "true if mode lock took the code lock, and the job's later steps go on under it, else false"},
	{"release-notes", "The release notes, as Markdown; empty if nothing was promoted or rolled back"},
	{"release-url", "The GitHub release that the notes were written into; empty if none was"},
	{"comment-url", "The comment on the pull request; empty if there is none"},
	{"faults", "What was wrong, as a JSON list of place, text, accepted values and hint; an empty list if nothing was"},
}
