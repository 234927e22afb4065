package config

import (
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The shared quota of Lambda's control plane, without GetFunction, GetPolicy and invocations:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
const (
	defaultAPIRate = 10
	highestAPIRate = 15

	longestUpdate  = time.Hour
	shortestUpdate = 10 * time.Second
)

var jobStates = []string{"success", "failure", "cancelled", "skipped"}

var inputTable = []InputDoc{
	{Name: "mode", Default: string(promotion.ModeRun), ActionOnly: true,
		Description: "What to do: run deploys, verifies and promotes; deploy stops before verification, and promote goes on from there in a later step or job; " +
			"lock keeps others from changing $LATEST while another tool does; rollback moves aliases back; abort asks a running promotion to stop; plan shows what run would do; " +
			"status shows what the environments hold, history what was promoted when; reconcile repairs what dead runs left; unlock ends a lock by force; setup makes the lock table and the endpoints",
		shape: &shape{kinds: isText, enum: modeNames(), noun: "a mode"}},
	{Name: "config", Default: DefaultFile, Placeholder: "FILE", Description: "The configuration file, relative to the workspace. One function needs none: function, artifact, environment and verify suffice",
		shape: &shape{kinds: isText}},
	{Name: "function", Placeholder: "NAME", Description: "The Lambda function's name; where the file has functions, the key of the one that this run is about",
		shape: &shape{kinds: isText, accepted: promotion.AcceptedFunctionName}},
	{Name: "artifact", Placeholder: "ARTIFACT", Modes: releasing, Description: "The function's code: a zip, a directory, s3://bucket/key, an image in Amazon ECR, or none where something else has put it there. Overrides the file's",
		shape: artifactShape},
	{Name: "environment", Placeholder: "NAME", Description: "Where to promote to. May be left out where the file has one environment only, and for status, history, reconcile, setup and lock",
		shape: keyShape},
	{Name: "verify", Placeholder: "YAML", Modes: verifying, Description: "The checks, written as the file's verify, or none to verify nothing. Overrides the file's",
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
	{Name: "artifact-bucket", Placeholder: "BUCKET", Modes: with(releasing, promotion.ModeSetup), Description: "The S3 bucket that zips over 50 MB are uploaded to, since Lambda does not take them directly",
		shape: bucketShape},
	{Name: "commit", Placeholder: "SHA", Modes: with(releasing, promotion.ModeLock), Description: "The commit that is released. Without it, the commit of the workflow run, or on a command line that of the git repository",
		shape: commitShape},

	{Name: "release-id", Placeholder: "ID", Modes: promoting, misleads: true, Description: "The release that mode promote takes, as mode deploy gave its id; without it the one that this workflow run deployed",
		shape: releaseShape},
	{Name: "expect-commit", Placeholder: "SHA", Modes: promoting, misleads: true, Description: "The commit that the release of mode promote has to be of; another one is refused",
		shape: commitShape},
	{Name: "tested-through", Default: string(promotion.ThroughLatest), Placeholder: "WAY", Modes: promoting, misleads: true,
		Description: "How the tests between deploy and promote reached the candidate: latest, so that $LATEST has to be what deploy left, or version, by its number",
		shape:       &shape{kinds: isText, enum: []string{string(promotion.ThroughLatest), string(promotion.ThroughVersion)}, noun: "a way to the candidate"}},
	{Name: "junit", Placeholder: "FILES", Modes: promoting, misleads: true, Description: "The JUnit reports of the tests that ran between deploy and promote, as patterns separated by commas or lines; they become a check of mode promote",
		shape: junitFilesShape},
	{Name: "job-status", Default: "${{ job.status }}", ActionOnly: true, Modes: green, Description: "The status of the job so far. Only a successful job promotes, also with if: always()",
		shape: &shape{kinds: isText, enum: jobStates, noun: "a job's status"}},

	{Name: "lock-table", Placeholder: "TABLE", Description: "The DynamoDB table of locks and history, which mode setup makes, or none for neither. Overrides the file's; without both it is " + defaultLockTable,
		shape: lockTableShape},
	{Name: "lease", Default: short(defaultLease), Placeholder: "DURATION", Modes: locking, Description: "How long a lock outlives its holder's last sign of life",
		shape: durationShape("", shortestLease, longestLease, "1m", "")},
	{Name: "hold", Placeholder: "DURATION", Modes: holding, misleads: true,
		Description: "How long the code lock is kept for later steps or jobs. Without it mode deploy does not keep it, and mode lock keeps it for " + short(defaultHold),
		shape:       durationShape("", shortestLease, longestHold, "15m", "")},
	{Name: "lock-timeout", Default: short(defaultLockTimeout), Placeholder: "DURATION", Modes: with(locking, promotion.ModeLock), Description: "How long to wait for a lock that somebody else holds. A rollback does not wait",
		shape: durationShape("", 0, longestLockTimeout, "10m", "")},
	{Name: "order-check", Default: "strict", Placeholder: "CHOICE", Modes: ordered, Description: "What to do where the order of commits cannot be found out: strict refuses, best-effort goes on with a warning",
		shape: &shape{kinds: isText, enum: []string{"strict", "best-effort"}, noun: "a way to check the order"}},
	{Name: "allow-diverged", Default: "false", Placeholder: "BOOL", Modes: ordered, Description: "true lets a commit replace one that it does not contain, such as another branch's",
		shape: flagShape},

	{Name: "to", Placeholder: "VERSIONS", Modes: rollingBack, misleads: true, Description: "The versions that mode rollback goes back to: 41 for one function, or checkout=41, payments=12. Without it the newest promotion is undone",
		shape: toShape},
	{Name: "unverified", Default: "false", Placeholder: "BOOL", Modes: rollingBack, misleads: true, Description: "true lets to name versions that the history does not know. Needs a reason",
		shape: flagShape},
	{Name: "without-lock", Default: "false", Placeholder: "BOOL", Modes: rollingBack, misleads: true, Description: "true rolls back without lock and history, where DynamoDB cannot be reached. Needs to and a reason",
		shape: flagShape},
	{Name: "target", Default: string(promotion.UnlockEnvironment), Placeholder: "LOCK", Modes: unlocking, misleads: true,
		Description: "What mode unlock ends: the environment's lock, the app's code lock, or the floor that a rollback set",
		shape:       &shape{kinds: isText, enum: []string{string(promotion.UnlockEnvironment), string(promotion.UnlockCode), string(promotion.UnlockFloor)}, noun: "what can be unlocked"}},
	{Name: "reason", Placeholder: "TEXT", Modes: explaining, Description: "Why, for whoever reads the history. Mode unlock needs it, and a rollback that is unverified or without-lock",
		shape: reasonShape},

	{Name: "comment", Placeholder: "CHOICE", Modes: with(recording, promotion.ModePlan), Description: "The comment on the pull request: update keeps one up to date, recreate writes it anew, off writes none. Overrides the file's; without both it is update",
		shape: commentShape},
	{Name: "release", Placeholder: "CHOICE", Modes: recording, Description: "Which GitHub release gets the release notes: auto, that of the tag on tag and release events; rolling, one for each environment and day; a tag; or off. Overrides the file's; without both it is auto",
		shape: releaseNotesShape},
	{Name: "generated-notes", Placeholder: "BOOL", Modes: recording, Description: "true adds the notes that GitHub generates. Overrides the file's; without both it is false",
		shape: flagShape},
	{Name: "release-notes-file", Placeholder: "FILE", Modes: recording, Description: "The file, relative to the workspace, that the release notes are written to; without it it is promote-release-notes.md in the runner's temporary folder",
		shape: notesFileShape},
	{Name: "deployments", Placeholder: "CHOICE", Modes: recording, Description: "auto files a GitHub deployment where the job's environment does not, off files none. Overrides the file's; without both it is auto",
		shape: deploymentsShape},
	{Name: "commit-status", Placeholder: "BOOL", Modes: recording, Description: "true sets a status of the commit. Overrides the file's; without both it is false",
		shape: flagShape},
	{Name: "notify-topic", Placeholder: "ARN", Modes: notifying, Description: "The SNS topic that is told how runs end. Overrides the file's; without both none is",
		shape: topicShape},
	{Name: "notify-webhook", Placeholder: "URL", Modes: notifying, Description: "The webhook, understood by Slack, that is told how runs end; a secret. Without it none is",
		shape: webhookShape},
	{Name: "notify-on", Placeholder: "OUTCOMES", Modes: notifying, Description: "The outcomes that are told: failures, changes (failures, promoted and rolled-back), all, or outcomes by name, separated by commas. Overrides the file's; without both it is changes",
		shape: notifyOnShape},
	{Name: "github-token", Default: "${{ github.token }}", ActionOnly: true, Description: "The token for GitHub: order of commits, comments, releases, deployments",
		shape: tokenShape},

	{Name: "api-rate", Default: fmt.Sprint(defaultAPIRate), Placeholder: "N", Description: "How many calls a second of Lambda's account-wide 15 the run may take",
		shape: &shape{kinds: isText, accepted: fmt.Sprintf("a whole number from 1 to %d", highestAPIRate), low: 1, hi: highestAPIRate, noun: "a rate"}},
	{Name: "update-timeout", Default: short(promotion.DefaultLimits.Update), Placeholder: "DURATION", Modes: releasing, Description: "How long an update of a function may take to settle, and a version to become active",
		shape: durationShape("", shortestUpdate, longestUpdate, "5m", "")},
}
