package report

import (
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A Notification is the outcome in a few lines of plain text, for a channel or a topic that people watch.
type Notification struct {
	Title string // one line: environment and verdict
	Lines []string
	Link  string // to the run, "" if there is none
	Good  bool   // nobody has to do anything
	// Attributes are for filters: app, environment, outcome, reason, changed and good.
	Attributes map[string]string
}

// NotificationOf makes the notification of an outcome.
func NotificationOf(o promotion.Outcome, c Context) Notification {
	c = c.of(o.Request)
	const longest = 200 // of a line: what is longer is read at the run
	place := strings.TrimSpace(oneLine(o.Request.App) + " " + oneLine(o.Request.Environment.Name))
	n := Notification{
		Title: clip(strings.TrimPrefix(place+": "+headline(o), ": "), longest), Good: o.ExitCode() == 0,
		Attributes: map[string]string{
			"app": o.Request.App, "environment": o.Request.Environment.Name, "outcome": string(o.Kind), "reason": string(o.Reason),
			"changed": strconv.FormatBool(o.Changed()), "good": strconv.FormatBool(o.ExitCode() == 0),
		},
	}
	if linkable.MatchString(o.Request.RunURL) && (c.ServerURL == "" || c.leads(o.Request.RunURL)) {
		n.Link = o.Request.RunURL
	}
	add := func(text string) {
		if text = oneLine(text); text != "" {
			n.Lines = append(n.Lines, clip(text, longest))
		}
	}
	add(strings.Join(counts(o), " · "))
	var about []string
	for _, f := range facts(o) {
		if f.name == "commit" || f.name == "by" {
			about = append(about, f.name+" "+f.value)
		}
	}
	add(strings.Join(about, " · "))
	var moved []string
	for _, f := range o.Functions {
		if f.Fate != promotion.FateKept {
			text := f.Function + " " + versions(o, f)
			if f.Fate != promotion.FateMoved {
				text += " (" + fate(o, f) + ")"
			}
			moved = append(moved, text)
		}
	}
	for i, text := range moved {
		if i == few && len(moved) > few+1 {
			add("and " + plural(len(moved)-few, "more function"))
			break
		}
		add(text)
	}
	for i, f := range o.Faults {
		if i == few && len(o.Faults) > few+1 {
			add("and " + plural(len(o.Faults)-few, "more fault"))
			break
		}
		add("error: " + f.Error())
	}
	for _, r := range remarks(o, plain{}) {
		if !r.aside && r.block == "" {
			add(r.text)
		}
	}
	return n
}

// Subject is the title as Amazon SNS takes it: printable ASCII, at most 100 characters, beginning with a letter, a digit
// or punctuation (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
func (n Notification) Subject() string {
	s := strings.NewReplacer("→", "->", "…", "...").Replace(n.Title)
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)), " ")
	const longest = 100
	if len(s) > longest {
		s = s[:longest-3] + "..."
	}
	if s == "" {
		return "promote"
	}
	return s
}

// Text is the notification as plain text: title, lines, link.
func (n Notification) Text() string {
	lines := append([]string{n.Title}, n.Lines...)
	if n.Link != "" {
		lines = append(lines, n.Link)
	}
	return strings.Join(lines, "\n") + "\n"
}

// Slack is the notification as a Slack-compatible webhook takes it: text in which nothing calls anybody and nothing is
// a link but the run (https://docs.slack.dev/messaging/formatting-message-text).
func (n Notification) Slack() []byte {
	sign := "❌ "
	if n.Good {
		sign = "✅ "
	}
	lines := []string{sign + slackText(n.Title)}
	for _, l := range n.Lines {
		lines = append(lines, slackText(l))
	}
	if n.Link != "" {
		lines = append(lines, "<"+n.Link+">")
	}
	type message struct {
		Text   string `json:"text"`
		Unfurl bool   `json:"unfurl_links"`
	}
	return []byte(compact(message{Text: strings.Join(lines, "\n")}))
}

var slackSigns = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;",
	"@", "@"+zeroWidthSpace, "#", "#"+zeroWidthSpace, "*", zeroWidthSpace+"*"+zeroWidthSpace, "~", zeroWidthSpace+"~"+zeroWidthSpace,
	"`", "'", "://", ":"+zeroWidthSpace+"//")

// slackText shows foreign text as it is. Slack formats between signs that stand at the edges of words.
func slackText(s string) string { return slackSigns.Replace(s) }
