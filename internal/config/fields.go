package config

import "regexp"

// The keys of promote.yaml.
var documentShape = &shape{
	kinds: isMapping, accepted: "keys and values, such as app: shop",
	doc: "What promote deploys, how it verifies that, and where it promotes it to.",
	fields: []field{
		{name: "app", shape: described(keyShape, "The app's name: the first part of its endpoints' paths, and what its functions belong to.",
			withDefault("the repository's name"), withExamples("shop"))},
		{name: "lock-table", shape: described(lockTableShape, "The DynamoDB table of locks and history, which mode: setup makes; none switches both off.")},
		{name: "endpoints", shape: endpointsShape},
		{name: "functions", shape: &shape{kinds: isMapping, doc: "The app's functions, each under a key of your choice.", names: keyShape, each: functionShape,
			accepted: "a mapping of keys to functions, such as checkout: {artifact: dist/checkout.zip}"}},
		{name: "verify", shape: verifyShape},
		{name: "environments", shape: &shape{kinds: isMapping, doc: "Where versions are promoted to, each under its name.", names: keyShape, each: environmentShape,
			accepted: "a mapping of names to environments, such as prod: {alias: live}"}},
		{name: "github", shape: githubShape},
		{name: "notify", shape: notifyShape},
	},
}

var endpointsShape = &shape{
	kinds:    isMapping,
	doc:      "Two addresses behind one HTTP API: /<app>/latest shows the newest code, /<app>/<environment> what was promoted there. mode: setup makes them.",
	accepted: "a mapping, such as {api: shop, latest: {auth: aws-iam}, environment: {auth: none}}",
	fields: []field{
		{name: "api", shape: described(keyShape, "Names the HTTP API. It is found by its tag, so several apps can share one.", withDefault("the app's name"), withExamples("shop"))},
		{name: "latest", shape: &shape{kinds: isMapping, doc: "The endpoint of the newest code.", accepted: "a mapping, such as {auth: aws-iam}",
			fields: []field{{name: "auth", shape: authShape("Who may call the newest code: callers whom IAM allows (aws-iam), or everybody (none).", "aws-iam")}}}},
		{name: "environment", required: true, shape: &shape{kinds: isMapping, doc: "The endpoint of what was promoted.", accepted: "a mapping, such as {auth: none}",
			fields: []field{{name: "auth", required: true, shape: authShape("Who may call the promoted code: callers whom IAM allows (aws-iam), or everybody (none).", "")}}}},
	},
}

func authShape(doc, deflt string) *shape {
	return &shape{kinds: isText, doc: doc, enum: []string{"aws-iam", "none"}, deflt: deflt, noun: "a kind of authorization"}
}

var functionShape = &shape{
	kinds:    isMapping,
	doc:      "One Lambda function.",
	accepted: "a mapping, such as {artifact: dist/checkout.zip}",
	fields: []field{
		{name: "artifact", required: true, shape: artifactShape},
		{name: "name", shape: &shape{kinds: isText, noun: "a name", doc: "The function's name in Lambda: a template that may name {{.App}}, {{.Environment}} and {{.Function}} (its key).",
			accepted: "a function's name, perhaps with {{.App}}, {{.Environment}} or {{.Function}}", deflt: "its key", examples: []string{"payments-{{.Environment}}"}}},
		{name: "path", shape: &shape{kinds: isText, noun: "a path below the endpoints", doc: "Its path below the endpoints; / is the app's root.", deflt: "its key",
			accepted: "/, or parts of letters, digits, -, _ and . with / between them", examples: []string{"/", "orders"},
			pattern: regexp.MustCompile(`^(/|/?[a-zA-Z0-9_-][a-zA-Z0-9._-]*(/[a-zA-Z0-9_-][a-zA-Z0-9._-]*)*/?)$`)}},
		{name: "candidate", shape: described(candidateShape, "Which code counts where artifact is none: what $LATEST holds, the newest published version, or a version by its number.")},
		{name: "expect-sha256", shape: described(digestShape, "What the candidate's CodeSha256 has to be; another digest is refused.")},
		{name: "paths", shape: patternsShape("The files of the repository that concern the function: release notes tell its changes by them.", acceptedPaths, "services/checkout/**", "shared/**/*.go")},
	},
}

var artifactShape = &shape{
	kinds: isText, noun: "an artifact",
	doc: "The function's code: a zip (a path that ends in .zip or .jar), a directory (any other path), s3://bucket/key with perhaps ?versionId=..., " +
		"an image in Amazon ECR by digest or tag, or none where something else has put the code there. A template that may name {{.App}}, {{.Environment}}, {{.Function}} and {{.Commit}}.",
	accepted: "a path ending in .zip, a directory's path, s3://bucket/key, an image in Amazon ECR (ACCOUNT.dkr.ecr.REGION.amazonaws.com/repository@sha256:...) or none",
	examples: []string{"dist/checkout.zip", "dist/payments/", "s3://releases/{{.Commit}}/checkout.zip", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/checkout:{{.Commit}}", "none"},
}

var environmentShape = &shape{
	kinds:    isMapping | isNull,
	doc:      "An alias of each function, and where it lives.",
	accepted: "a mapping, such as {alias: live}, or nothing",
	fields: []field{
		{name: "alias", shape: described(aliasShape, "The alias that is promoted.", withDefault("the environment's name"), withExamples("live"))},
		{name: "role", shape: described(roleShape, "The role to assume for this environment, by GitHub's OIDC token.", withExamples("arn:aws:iam::123456789012:role/release-prod"))},
		{name: "region", shape: described(regionShape, "The region of the functions.", withDefault("AWS_REGION or AWS_DEFAULT_REGION"), withExamples("eu-west-1"))},
		{name: "strategy", shape: &shape{kinds: isText, doc: "How callers are moved to the candidate: all at once.", enum: []string{"AllAtOnce"}, deflt: "AllAtOnce", noun: "a strategy",
			later: regexp.MustCompile(`^(Canary|Linear)[0-9]+Percent[A-Za-z0-9]+$`).MatchString}},
		{name: "from", later: "take it out: each environment is verified on its own"},
		{name: "steps", later: "take it out: callers are moved all at once"},
		{name: "alarms", later: "take it out: what has to hold before promotion belongs to verify"},
		{name: "gate", later: "take it out: what has to hold before promotion belongs to verify"},
	},
}

func withDefault(d string) func(*shape)     { return func(s *shape) { s.deflt = d } }
func withExamples(e ...string) func(*shape) { return func(s *shape) { s.examples = e } }
