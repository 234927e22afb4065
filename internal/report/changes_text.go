package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// changesTitle says what the changes are to the run.
func changesTitle(o promotion.Outcome) string {
	if o.Request.Mode == promotion.ModeRollback {
		return "Changes taken back"
	}
	return "Changes since the last promotion"
}

// ChangesBlockName is the name of the block that [ChangesBlock] makes for an environment, for [Room].
func ChangesBlockName(s promotion.Scope) string {
	return strings.ToLower("changes-" + hiddenValue(s.App) + "-" + hiddenValue(s.Environment))
}

// ChangesBlock are the changes of one environment, for the body of a release; see
// [EditRelease]. room is how many bytes it may take.
func ChangesBlock(o promotion.Outcome, ch Changes, cat Categories, c Context, room int) string {
	s := &summary{c: c.of(o.Request)}
	s.changes(fmt.Sprintf("%s: %s", changesTitle(o), Text(o.Request.Environment.Name)), ch, cat)
	return s.block(ChangesBlockName(o.Request.Scope()), room)
}

// releaseFitting is how a text is made to fit into the body of a release.
func releaseFitting(room int) fitting {
	return fitting{limit: room, order: []rank{details, evidence, quiet, checked, faulty, repair, rows}, why: "a release has a limit", rest: "`promote history` and `promote status` have the rest."}
}

// changes are told under headings; the title is Markdown.
func (s *summary) changes(title string, ch Changes, cat Categories) {
	s.add(always, "", "### "+title+"\n\n")
	if ch.Base == "" {
		s.add(always, "", "The first promotion: there is nothing to compare it with.\n\n")
		return
	}
	list := ch.entries()
	chapters := cat.chapters(list)
	if len(chapters) == 0 {
		s.add(always, "", "No changes.\n\n")
	}
	for _, chapter := range chapters {
		if len(chapters) > 1 || chapter.title != otherChanges {
			s.add(always, "", "#### "+Text(chapter.title)+"\n\n")
		}
		for _, e := range chapter.entries {
			s.add(details, "changes", "- "+s.change(e)+"\n")
		}
		s.add(always, "", "\n")
	}
	all := s.c.between(ch.Base, ch.Head)
	if ch.CompareURL != "" {
		all = s.c.link(Code(shortCommit(ch.Base)+"..."+shortCommit(ch.Head)), ch.CompareURL)
	}
	if ch.Truncated {
		s.add(always, "", "There are more changes than are listed here. All of them: "+all+"\n\n")
	} else {
		s.add(always, "", "All changes: "+all+"\n\n")
	}
}

// change is one of them: its title, where it came from, who made it and which issues it closes.
func (s *summary) change(e entry) string {
	title := oneLine(e.title)
	text := ""
	if e.pull > 0 {
		number := strconv.Itoa(e.pull)
		title = strings.TrimSpace(strings.TrimSuffix(title, "(#"+number+")")) // GitHub's own, of squashed commits
		text = " (" + s.number("/pull/", e.pull) + ")"
	} else if e.commit != "" {
		text = " (" + s.c.between("", e.commit) + ")"
	}
	if title == "" {
		title = "(no title)"
	}
	const longest = 300
	text = Text(clip(title, longest)) + text
	if e.author != "" {
		text += " by " + s.author(e.author)
	}
	var closes []string
	for _, n := range e.closes {
		closes = append(closes, s.number("/issues/", n))
	}
	if len(closes) > 0 {
		text += ", closes " + strings.Join(closes, ", ")
	}
	return text
}

// number is a pull request or an issue of the repository, as a link. Without one it is no reference either.
func (s *summary) number(path string, n int) string {
	if url := s.c.url(s.c.Repository, path+strconv.Itoa(n)); url != "" && n > 0 {
		return linked("#"+zeroWidthSpace+strconv.Itoa(n), url)
	}
	return "#" + zeroWidthSpace + strconv.Itoa(n)
}

// author credits somebody without calling them.
func (s *summary) author(login string) string {
	if logins.MatchString(login) && linkable.MatchString(s.c.ServerURL) {
		return linked(Text(login), strings.TrimRight(s.c.ServerURL, "/")+"/"+login)
	}
	return Text(clip(oneLine(login), longestFact))
}
