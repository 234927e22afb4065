package config

import (
	"encoding/base64"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The texts that more than one field or input takes. Patterns are those of the services:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html for roles and
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html for buckets.
var (
	keyShape = &shape{kinds: isText, noun: "a usable name", accepted: promotion.AcceptedKey,
		pattern: regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`)}
	aliasShape = &shape{kinds: isText, accepted: promotion.AcceptedAlias, wrong: promotion.CheckAlias,
		pattern: regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)}
	regionShape = &shape{kinds: isText, noun: "an AWS region", accepted: "a region's code, such as eu-west-1",
		pattern: regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}$`), hint: regionHint}
	roleShape = &shape{kinds: isText, noun: "the ARN of a role", accepted: "an ARN such as arn:aws:iam::123456789012:role/release",
		pattern: regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9+=,.@_/-]{1,576}$`)}
	bucketShape = &shape{kinds: isText, noun: "the name of a bucket", accepted: "3 to 63 lower-case letters, digits, . and -, without s3://",
		pattern: regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`), hint: bucketHint}
	commitShape = &shape{kinds: isText, noun: "a full commit id", accepted: "40 or 64 hexadecimal digits, as git rev-parse HEAD prints them",
		pattern: regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$`)}
	candidateShape = &shape{kinds: isText | isInteger, noun: "a choice of the candidate", enum: []string{"latest-code", "newest-version"},
		accepted: "latest-code, newest-version or a version's number", pattern: regexp.MustCompile(`^[1-9][0-9]{0,18}$`),
		deflt: "latest-code", examples: []string{"latest-code", "newest-version", "41"}}
	digestShape = &shape{kinds: isText, noun: "a SHA-256 digest", accepted: "CodeSha256 as Lambda shows it (base64), or 64 hexadecimal digits",
		pattern: digestPattern, wrong: digestWrong}
	fileShape = &shape{kinds: isText, accepted: "a path relative to the workspace", wrong: pathWrong, hint: pathHint}
)

func regionHint(text string) string {
	slip := regexp.MustCompile(`^([a-z]{2})[-_ ]?((?:north|south)?(?:east|west)|north|south|central)[-_ ]?([0-9]{1,2})[a-z]?$`).FindStringSubmatch(strings.ToLower(text))
	if slip == nil {
		return ""
	}
	return fmt.Sprintf("did you mean %s-%s-%s?", slip[1], slip[2], slip[3])
}

func bucketHint(text string) string {
	bare, found := strings.CutPrefix(text, "s3://")
	if bare, _, _ = strings.Cut(bare, "/"); !found || bare == "" {
		return ""
	}
	return fmt.Sprintf("write %s", bare)
}

func digestWrong(text string) string {
	if !digestPattern.MatchString(text) {
		return quote(text) + " is not a SHA-256 digest"
	}
	if strings.HasSuffix(text, "=") {
		if _, err := base64.StdEncoding.Strict().DecodeString(text); err != nil {
			return quote(text) + " is not the base64 of a SHA-256 digest"
		}
	}
	return ""
}

var digestPattern = regexp.MustCompile(`^((sha256:)?[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)$`)

// pathWrong refuses paths that mean something else inside the action's container than outside: it sees the
// workspace only.
func pathWrong(text string) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "the path is empty"
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Sprintf("the path %s has line breaks, tabs or other control characters", quote(text))
	case strings.HasPrefix(text, "/"), strings.HasPrefix(text, "~"), windowsDrive.MatchString(text):
		return fmt.Sprintf("the path %s is absolute", quote(text))
	case strings.Contains(text, `\`):
		return fmt.Sprintf("the path %s has backslashes", quote(text))
	case strings.ContainsAny(text, "*?"):
		return fmt.Sprintf("the path %s is a pattern", quote(text))
	case path.Clean(text) == "..", strings.HasPrefix(path.Clean(text), "../"):
		return fmt.Sprintf("the path %s leads out of the workspace", quote(text))
	}
	return ""
}

var windowsDrive = regexp.MustCompile(`^[A-Za-z]:[\\/]`)

func pathHint(text string) string {
	if _, inside, found := strings.Cut(text, "/_work/"); found {
		return workspaceHint(inside)
	}
	if _, inside, found := strings.Cut(text, "/work/"); found && strings.HasPrefix(text, "/home/runner/") {
		return workspaceHint(inside)
	}
	if inside, found := strings.CutPrefix(text, "/github/workspace/"); found && inside != "" {
		return "write " + inside
	}
	if strings.Contains(text, `\`) && !windowsDrive.MatchString(text) {
		return "write " + strings.ReplaceAll(text, `\`, "/")
	}
	return ""
}

// workspaceHint knows the runner's folders: .../work/REPOSITORY/REPOSITORY/path.
func workspaceHint(inside string) string {
	if parts := strings.SplitN(inside, "/", 3); len(parts) == 3 && parts[2] != "" {
		return "write " + parts[2]
	}
	return ""
}

// durationShape is a duration between two bounds.
func durationShape(doc string, low, high time.Duration, example, deflt string) *shape {
	accepted := fmt.Sprintf("a duration from %s to %s, such as %s", short(low), short(high), example)
	return &shape{
		kinds: isText, doc: doc, accepted: accepted, deflt: deflt, noun: "a duration", examples: []string{example},
		pattern: regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`),
		wrong: func(text string) string {
			d, err := time.ParseDuration(text)
			switch {
			case err != nil:
				return quote(text) + " is not a duration"
			case d < low || d > high:
				return text + " is out of range"
			}
			return ""
		},
		hint: func(text string) string {
			if regexp.MustCompile(`^[0-9]{1,6}$`).MatchString(text) {
				return fmt.Sprintf("say the unit: %ss", text)
			}
			return ""
		},
	}
}

// short is a duration without the zeros that its String has: 10m instead of 10m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// described is the shape with the words for one of its places.
func described(s *shape, doc string, change ...func(*shape)) *shape {
	c := *s
	c.doc = doc
	for _, f := range change {
		f(&c)
	}
	return &c
}

func regexpWrong(text string) string {
	if _, err := regexp.Compile(text); err != nil {
		return fmt.Sprintf("%s is not a regular expression: %s", quote(text), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return ""
}
