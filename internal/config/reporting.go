package config

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Reporting is where people are told what became of a run, besides log, job summary and outputs. None of it decides
// anything.
type Reporting struct {
	Comment        Comment
	Release        string // [ReleaseAuto], [ReleaseRolling], [ReleaseOff], or else the tag whose release gets the notes
	GeneratedNotes bool   // with the notes that GitHub generates
	NotesFile      string // where the notes are written to, relative to the workspace; "" is nowhere
	Deployments    bool   // file GitHub deployments where the job's environment does not
	CommitStatus   bool
	Notify         Notify
	// Paths are patterns of the repository's files that concern a function, by its key. A function without any is
	// concerned by every file.
	Paths map[string][]string
}

// Comment is what is done about the comment on a pull request.
type Comment string

const (
	CommentUpdate   Comment = "update"   // keep one up to date
	CommentRecreate Comment = "recreate" // delete it and write a new one, which people are notified of
	CommentOff      Comment = "off"
)

// What else than a tag the choice of a release can be.
const (
	ReleaseAuto    = "auto"    // that of the tag on tag and release events, none on others
	ReleaseRolling = "rolling" // one for each environment and day
	ReleaseOff     = "off"
)

// Notify is who is told of which outcomes.
type Notify struct {
	Topic   string           // ARN of an SNS topic; "" for none
	Webhook promotion.Secret // URL of a webhook that Slack's clients would understand; "" for none
	On      []promotion.Kind
}

const (
	notifyFailures = "failures"
	notifyChanges  = "changes"
	notifyAll      = "all"
)

var (
	commentShape     = &shape{kinds: isText, enum: []string{string(CommentUpdate), string(CommentRecreate), string(CommentOff)}, noun: "a choice", deflt: string(CommentUpdate)}
	deploymentsShape = &shape{kinds: isText, enum: []string{"auto", "off"}, noun: "a choice", deflt: "auto"}

	// The names that git takes: https://git-scm.com/docs/git-check-ref-format.
	releaseNotesShape = &shape{kinds: isText, accepted: "auto, rolling, off or a tag", deflt: ReleaseAuto, examples: []string{ReleaseAuto, ReleaseRolling, ReleaseOff, "v1.2.0"},
		pattern: tagPattern, wrong: tagWrong, hint: tagHint}
	tagPattern = regexp.MustCompile(`^[^\s/.~^:?*\[\\-][^\s~^:?*\[\\]{0,199}$`)

	notesFileShape = &shape{kinds: isText, accepted: "a file's path relative to the workspace", hint: pathHint, wrong: func(text string) string {
		what := pathWrong(text)
		if what == "" && (strings.HasSuffix(text, "/") || path.Clean(text) == ".") {
			what = fmt.Sprintf("the path %s is a folder's", quote(text))
		}
		return what
	}}

	// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
	topicShape = &shape{kinds: isText, noun: "the ARN of a topic", accepted: "an ARN such as arn:aws:sns:eu-west-1:123456789012:releases",
		pattern: regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}$|^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,251}[.]fifo$`)}
	webhookShape  = &shape{kinds: isText, accepted: "an https URL, or an http URL of the loopback interface", wrong: webhookWrong}
	tokenShape    = &shape{kinds: isText, accepted: "a token", wrong: tokenWrong}
	notifyOnShape = &shape{kinds: isText, accepted: "failures, changes, all, or outcomes separated by commas: " + strings.Join(kindNames(), ", "), deflt: notifyChanges, wrong: notifyWrong, hint: notifyHint,
		examples: []string{notifyFailures, notifyChanges, "needs-attention, rolled-back"}}
)

// tagWrong also refuses what was surely meant to be one of the words.
func tagWrong(text string) string {
	for _, word := range []string{ReleaseAuto, ReleaseRolling, ReleaseOff} {
		if text == word {
			return ""
		}
		if strings.EqualFold(text, word) {
			return fmt.Sprintf("%s is not %s, and hardly a tag", quote(text), word)
		}
	}
	if !tagPattern.MatchString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "..") || strings.Contains(text, "//") || strings.Contains(text, "@{") ||
		strings.HasSuffix(text, "/") || strings.HasSuffix(text, ".") || strings.HasSuffix(text, ".lock") {
		return quote(text) + " is not a tag"
	}
	if strings.HasPrefix(text, "refs/") {
		return quote(text) + " is a ref"
	}
	return ""
}

func tagHint(text string) string {
	if tag, found := strings.CutPrefix(text, "refs/tags/"); found && tag != "" {
		return "write " + tag
	}
	for _, word := range []string{ReleaseAuto, ReleaseRolling, ReleaseOff} {
		if strings.EqualFold(text, word) {
			return "write " + word
		}
	}
	return ""
}

// webhookWrong never shows the URL: it is a secret.
func webhookWrong(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, unicode.IsSpace) || u.Hostname() == "" || badPort(u.Port()):
		return "the value, which is not shown, is not a URL"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "the URL, which is not shown, is one of http, and anybody on the way could read it"
	case u.Scheme != "https" && u.Scheme != "http":
		return "the URL, which is not shown, is not one of https"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func tokenWrong(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "the token, which is not shown, has spaces or other characters that no token has"
	}
	return ""
}

func kindNames() []string {
	var names []string
	for _, k := range promotion.Kinds {
		names = append(names, string(k.Kind))
	}
	return names
}

func notifyWrong(text string) string {
	words := splitWords(text)
	for _, w := range words {
		switch {
		case slices.Contains(kindNames(), w):
		case !slices.Contains([]string{notifyFailures, notifyChanges, notifyAll}, w):
			return quote(w) + " is not an outcome"
		}
	}
	if len(words) == 0 {
		return "no outcome is named"
	}
	return ""
}

func notifyHint(text string) string {
	known := append([]string{notifyFailures, notifyChanges, notifyAll}, kindNames()...)
	for _, w := range splitWords(text) {
		if !slices.Contains(known, w) {
			return didYouMean(w, known)
		}
	}
	return ""
}

// outcomes are those that the words mean, in the order of the outcomes' table.
func outcomes(words []string) []promotion.Kind {
	var on []promotion.Kind
	for _, k := range promotion.Kinds {
		failure := k.ExitCode != 0
		changed := failure || k.Kind == promotion.Promoted // a rollback that was asked for has the same kind as one that was not
		if slices.Contains(words, string(k.Kind)) || slices.Contains(words, notifyAll) ||
			failure && slices.Contains(words, notifyFailures) || changed && slices.Contains(words, notifyChanges) {
			on = append(on, k.Kind)
		}
	}
	return on
}
