package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Slack's limits: https://docs.slack.dev/reference/block-kit/blocks/section-block and
// https://docs.slack.dev/changelog/2018-truncating-really-long-messages.
const (
	maxSection = 3_000
	maxPayload = 40_000
	maxTitle   = 300
	// maxLines is what is left of the text for lines, when title, link and a note have their room.
	maxLines = maxPayload - 6_000
	maxURL   = 2_000
)

// slackMessage is what a webhook takes: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
// Slack shows the blocks, and the text where it has no room for them; others show the text.
type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

// slackText is text with mark-up. Verbatim keeps Slack from making links and mentions of what merely looks like them.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

func section(text string) slackBlock {
	return slackBlock{Type: "section", Text: slackText{Type: "mrkdwn", Text: text, Verbatim: true}}
}

// slackPayload renders the message as JSON.
func slackPayload(m Message) []byte {
	sign := ":red_circle:"
	if m.Good {
		sign = ":large_green_circle:"
	}
	title := sign
	if t := escape(oneLine(m.Title), maxTitle); t != "" {
		title += " *" + strings.ReplaceAll(t, "*", "∗") + "*"
	}
	blocks := []slackBlock{section(title)}
	text := title
	for _, part := range sections(m.Lines) {
		blocks = append(blocks, section(part))
		text += "\n" + part
	}
	if link := webLink(m.Link); link != "" && len(link) <= maxURL {
		part := "<" + strings.ReplaceAll(link, "&", "&amp;") + "|Read more>"
		blocks = append(blocks, section(part))
		text += "\n" + part
	}
	body, _ := json.Marshal(slackMessage{Text: text, Blocks: blocks}) // strings and booleans always marshal
	return body
}

// sections packs the lines into as few sections as they fit into, and says how many lines did not fit at all.
func sections(lines []string) []string {
	var parts []string
	size := 0
	all := split(lines)
	for i, line := range all {
		escaped := escape(strings.TrimRight(line, " "), maxSection)
		if size += len(escaped) + 1; size > maxLines {
			return append(parts, fmt.Sprintf("… (lines left out: %d)", len(all)-i))
		}
		last := len(parts) - 1
		switch {
		case last >= 0 && len(parts[last])+1+len(escaped) <= maxSection:
			parts[last] += "\n" + escaped
		case escaped != "":
			parts = append(parts, escaped)
		}
	}
	return parts
}

func split(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(clean(strings.Join(lines, "\n")), " \n"), "\n")
}

// noMention stands after an @ that could call somebody: Slack only calls people by <...>, which is escaped, but others
// that take the same messages look for the word.
const noMention = "\u2060"

// escape takes every meaning from text that Slack could find in it, and shortens the result to at most n bytes without
// cutting through what it wrote: https://docs.slack.dev/messaging/formatting-message-text#escaping.
func escape(text string, n int) string {
	var b strings.Builder
	before := ' '
	for i, r := range text {
		piece := string(r)
		switch {
		case r == '&':
			piece = "&amp;"
		case r == '<':
			piece = "&lt;"
		case r == '>':
			piece = "&gt;"
		case r == '@' && !unicode.IsLetter(before) && !unicode.IsDigit(before):
			piece += noMention
		}
		before = r
		room := n - b.Len() - len(piece)
		if room < 0 || room < len(ellipsis) && i+utf8.RuneLen(r) < len(text) {
			return b.String() + ellipsis
		}
		b.WriteString(piece)
	}
	return b.String()
}
