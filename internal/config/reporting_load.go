package config

import (
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The keys of promote.yaml about what people are told.
var githubShape = &shape{
	kinds: isMapping, doc: "What GitHub is told.", accepted: "a mapping, such as {comment: update, release: auto}",
	fields: []field{
		{name: "comment", shape: described(commentShape, "The comment on the pull request: keep one up to date, write it anew each time, or write none.")},
		{name: "release", shape: described(releaseNotesShape, "Which GitHub release gets the release notes: that of the tag on tag and release events (auto), one for each environment and day (rolling), that of a tag, or none (off).")},
		{name: "generated-notes", shape: booleanShape("Adds the notes that GitHub generates.")},
		{name: "deployments", shape: described(deploymentsShape, "Files GitHub deployments where the job's environment does not (auto), or none (off).")},
		{name: "commit-status", shape: booleanShape("Sets a status of the commit.")},
	},
}

var notifyShape = &shape{
	kinds: isMapping, doc: "Who is told how runs end.", accepted: "a mapping, such as {topic: arn:aws:sns:eu-west-1:123456789012:releases, on: failures}",
	fields: []field{
		{name: "topic", shape: described(topicShape, "The SNS topic that is told.", withExamples("arn:aws:sns:eu-west-1:123456789012:releases"))},
		{name: "on", shape: &shape{kinds: isText | isList, noun: notifyOnShape.noun, accepted: notifyOnShape.accepted, deflt: notifyChanges, examples: notifyOnShape.examples,
			doc:   "The outcomes that are told: those in which something went wrong (failures), these and what moved an alias (changes), all, or outcomes by name.",
			wrong: notifyOnShape.wrong, hint: notifyOnShape.hint, each: notifyOnShape, item: "an outcome"}},
		{name: "webhook", secretInput: "notify-webhook"},
	},
}

func booleanShape(doc string) *shape {
	return &shape{kinds: isBoolean, doc: doc, accepted: "true or false", deflt: "false", hint: flagHint}
}

// reporting gathers what the inputs and the file say.
func (l *loader) reporting(functions []function) Reporting {
	github, notify := l.file.get("github"), l.file.get("notify")
	r := Reporting{
		Comment:        CommentUpdate,
		Release:        ReleaseAuto,
		GeneratedNotes: l.yes("generated-notes", github.get("generated-notes")),
		NotesFile:      l.inputs["release-notes-file"].value(),
		Deployments:    l.either("deployments", github.get("deployments")).value() != "off",
		CommitStatus:   l.yes("commit-status", github.get("commit-status")),
		Notify: Notify{
			Topic:   l.either("notify-topic", notify.get("topic")).value(),
			Webhook: promotion.Secret(l.inputs["notify-webhook"].value()),
			On:      l.notifyOn(notify.get("on")),
		},
		Paths: map[string][]string{},
	}
	if n := l.either("comment", github.get("comment")); n != nil {
		r.Comment = Comment(n.text)
	}
	if n := l.either("release", github.get("release")); n != nil {
		r.Release = n.text
	}
	for _, f := range functions {
		if f.paths != nil {
			r.Paths[f.key] = l.patterns(f.paths, "functions."+f.key+".paths", functionShape.field("paths").accepted)
		}
	}
	return r
}

// yes is a choice between true and false: the input's, else the file's, else false.
func (l *loader) yes(input string, file *node) bool {
	return strings.EqualFold(l.either(input, file).value(), "true")
}

func (l *loader) notifyOn(file *node) []promotion.Kind {
	n := l.either("notify-on", file)
	if n == nil {
		return outcomes([]string{notifyChanges})
	}
	words := splitWords(n.text)
	for _, item := range n.items {
		words = slices.Concat(words, splitWords(item.value()))
	}
	if n.kind == isList && len(n.items) == 0 {
		l.add(promotion.Fault{Where: n.where, What: "notify.on is empty", Accepted: notifyOnShape.accepted, Hint: "leave topic and webhook out to tell nobody"})
	}
	return outcomes(words)
}

// secrets are the values among the inputs and the source that are masked before anything is logged.
func (l *loader) secrets(s Settings) []promotion.Secret {
	var all []promotion.Secret
	for _, secret := range []promotion.Secret{s.GitHubToken, s.Reporting.Notify.Webhook, l.src.LockOwner} {
		if secret != "" {
			all = append(all, secret)
		}
	}
	return all
}
