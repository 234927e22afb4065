package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/promotion"
)

// What a person says who intervenes: rollback, abort, unlock.

const longestReason = 500

var reasonShape = &shape{kinds: isText, accepted: fmt.Sprintf("1 to %d characters on one line", longestReason), wrong: func(text string) string {
	switch {
	case strings.ContainsFunc(text, unicode.IsControl), strings.ContainsAny(text, "\u2028\u2029"):
		return "the reason has line breaks, tabs or other control characters"
	case utf8.RuneCountInString(text) > longestReason:
		return fmt.Sprintf("the reason has %d characters", utf8.RuneCountInString(text))
	}
	return ""
}}

var toShape = &shape{kinds: isText, accepted: "a version's number such as 41, or the number for each function: checkout=41, payments=12"}

var aroundEquals = regexp.MustCompile(`\s*=\s*`)

// intervention is what is the same for every environment.
type intervention struct {
	reason                  string
	to                      map[string]promotion.Version
	unverified, withoutLock bool
	target                  promotion.UnlockTarget
}

func (l *loader) intervention(functions []function) intervention {
	i := intervention{reason: l.inputs["reason"].value()}
	missing := func(input string) bool { return given(l.src.Inputs[input]) == "" }
	needsReason := func(why string) {
		if missing("reason") {
			l.add(promotion.Fault{Where: l.at("reason"), What: "a reason is missing: " + why, Accepted: reasonShape.accepted})
		}
	}
	needsVersion := func(why string) {
		if missing("to") {
			l.add(promotion.Fault{Where: l.at("to"), What: "no version is named: " + why, Accepted: toShape.accepted})
		}
	}
	switch l.mode {
	case promotion.ModeUnlock:
		i.target = promotion.UnlockEnvironment
		if n := l.inputs["target"]; n != nil {
			i.target = promotion.UnlockTarget(n.text)
		}
		needsReason("whoever finds the lock ended by force has to find out why")
	case promotion.ModeRollback:
		i.unverified, i.withoutLock = l.flag("unverified"), l.flag("without-lock")
		i.to = l.versions(functions)
		if i.withoutLock {
			needsVersion("without-lock reads no history that could tell what to go back to")
			needsReason("a rollback without the lock is on the word of a person")
		}
		if i.unverified {
			needsVersion("unverified is about the versions that a person names")
			needsReason("a version that was never verified here is taken on the word of a person")
		}
	}
	return i
}

func (i intervention) fill(r *promotion.Request) {
	r.Reason, r.To, r.Unverified, r.WithoutLock, r.UnlockTarget = i.reason, maps.Clone(i.to), i.unverified, i.withoutLock, i.target
}

// versions are those that the input to names, by the keys of their functions.
func (l *loader) versions(functions []function) map[string]promotion.Version {
	n := l.inputs["to"]
	if n == nil {
		return nil
	}
	var known []string // of the functions that the run is about
	for _, f := range functions {
		if f.selected && !f.unnamed {
			known = append(known, f.key)
		}
	}
	fault := func(what, hint string) {
		l.add(promotion.Fault{Where: n.where, What: what, Accepted: toShape.accepted, Hint: hint})
	}
	words := separators.Split(strings.Trim(aroundEquals.ReplaceAllString(n.text, "="), ", \t\r\n"), -1)
	if len(words) == 1 && words[0] == "" {
		fault("no version is named", "")
		return nil
	}
	to := map[string]promotion.Version{}
	for _, w := range words {
		key, number, named := strings.Cut(w, "=")
		if !named {
			key, number = "", w
		}
		v, err := promotion.ParseVersion(number)
		switch {
		case err != nil:
			fault(fmt.Sprintf("%s is not a version's number", quote(number)), versionHint(number, known))
		case len(known) == 0:
		case !named && len(words) == 1 && len(known) > 1:
			fault(fmt.Sprintf("one version is named, and this run is about %d functions", len(known)),
				fmt.Sprintf("say whose it is, as in %s=%s; the others are left alone", known[0], v))
		case !named && len(words) > 1:
			fault(fmt.Sprintf("%s does not say whose version it is", quote(w)), fmt.Sprintf("write it as %s=%s", known[0], v))
		case named && !slices.Contains(known, key):
			l.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("this run is about no function %s", quote(key)), Accepted: strings.Join(known, ", "), Hint: didYouMean(key, known)})
		default:
			if !named {
				key = known[0]
			}
			if before, twice := to[key]; twice {
				fault(fmt.Sprintf("two versions of %s are named, %s and %s", key, before, v), "keep one of the two")
			}
			to[key] = v
		}
	}
	return to
}

// versionHint knows what people write instead of a number.
func versionHint(text string, known []string) string {
	key, last := text[:max(0, strings.LastIndex(text, ":"))], text[strings.LastIndex(text, ":")+1:]
	switch _, err := promotion.ParseVersion(strings.TrimPrefix(strings.ToLower(text), "v")); {
	case err == nil:
		return "write " + text[1:]
	case text == "$LATEST":
		return "$LATEST is the unpublished code; name a published version"
	case slices.Contains(known, text):
		return fmt.Sprintf("name its version too, as in %s=41", text)
	}
	if _, err := promotion.ParseVersion(last); err == nil && slices.Contains(known, key) {
		return fmt.Sprintf("write %s=%s", key, last)
	} else if err == nil && last != text {
		return "write " + last
	}
	return ""
}
