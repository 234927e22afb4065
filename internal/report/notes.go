package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Recorded is what the ledger has of one environment: what it holds, and entries of its history, newest first, as far as
// they were read. A row is told in full where the entry that put its version there is among them.
type Recorded struct {
	Scope   promotion.Scope
	Region  string // "" if it is not known
	Head    promotion.Head
	Entries []promotion.Entry
}

// VersionsBlock is the name of the block that [PromotedVersions] makes, for [Room]. Ledgers that cannot read each other's
// rows, of several accounts, have a name each, and so a block each.
func VersionsBlock(ledger string) string {
	if ledger == "" {
		return "versions"
	}
	return "versions-" + strings.ToLower(hiddenValue(ledger))
}

// PromotedVersions is a block for the body of a release: each environment with what it holds, and what was promoted and
// rolled back. It is made of the ledger alone, whole, and is the same whoever makes it; room is how many bytes it may
// take: [MaxBlock], or the [Room] beside other text.
func PromotedVersions(list []Recorded, ledger string, c Context, room int) string {
	s := &summary{c: c}
	s.promoted(list)
	return s.block(VersionsBlock(ledger), room)
}

// ReleaseNotes are a text of their own, for an output and a file: the verdict, the promoted versions, and the changes.
func ReleaseNotes(o promotion.Outcome, list []Recorded, ch *Changes, cat Categories, c Context) string {
	s := &summary{c: c.of(o.Request)}
	s.add(always, "", Text(clip(headline(o), longestVerdict))+"\n\n")
	if words := counts(o); len(words) > 0 {
		s.add(always, "", strings.Join(words, " · ")+"\n\n")
	}
	s.promoted(list)
	if ch != nil {
		s.changes(changesTitle(o), *ch, cat)
	}
	return s.fit(releaseFitting(MaxRelease))
}

// promoted is a table of what the environments hold, and their history.
func (s *summary) promoted(list []Recorded) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Recorded) int {
		return cmp.Or(cmp.Compare(a.Scope.App, b.Scope.App), cmp.Compare(a.Scope.Environment, b.Scope.Environment), cmp.Compare(a.Region, b.Region))
	})
	apps, regions := map[string]bool{}, map[string]bool{}
	for _, r := range list {
		apps[r.Scope.App] = true
		regions[r.Region] = true
	}
	s.add(always, "", "### Promoted versions\n\n")
	var all []row
	for _, r := range list {
		place := Code(r.Scope.Environment)
		if len(apps) > 1 {
			place = Code(r.Scope.App) + " " + place
		}
		if len(regions) > 1 && r.Region != "" {
			place += " (" + Code(r.Region) + ")"
		}
		for _, key := range slices.Sorted(maps.Keys(r.Head.Functions)) {
			all = append(all, s.recordRow(r, key, place))
		}
	}
	if len(all) == 0 {
		s.add(always, "", "Nothing is recorded yet.\n\n")
	}
	s.table([]string{"function", "environment", "version", "commit", "verified by", "promoted at", "run"}, all)
	for _, r := range list {
		s.past(r, len(apps) > 1, len(regions) > 1)
	}
}

// recordRow is one function of an environment. What the newest entry moved is left out last.
func (s *summary) recordRow(r Recorded, key, place string) row {
	rec := r.Head.Functions[key]
	name := Code(key)
	if rec.Name != "" && rec.Name != key {
		name += " (" + Code(rec.Name) + ")"
	}
	version, commit, verified, at, run := rec.Version.String(), s.c.between("", rec.Source.Commit), "", "", ""
	rank := quiet
	if e, m := entryOf(r, rec, key); e != nil {
		version = m.From.String() + " → " + m.To.String()
		if e.Kind == promotion.EntryRollback {
			version += "<br>rolled back"
		}
		s := &summary{c: s.c.at(e)}
		commit = s.c.between(m.FromSource.Commit, rec.Source.Commit)
		if verified = evidenceFor(proofs(e.Proofs), key); e.Unproved != "" {
			verified = "**" + Text(e.Unproved) + "**"
		}
		at, run = minute(e.At), s.runBy(e)
		if e.Number == r.Head.Number {
			rank = rows
		}
	}
	if rec.Adopted {
		version += "<br>adopted"
	}
	return row{rank, "functions", []string{name, place, version, commit, verified, at, run}}
}

// entryOf finds the entry that put a record's version there, with its move.
func entryOf(r Recorded, rec promotion.Record, key string) (*promotion.Entry, promotion.Recording) {
	for i, e := range r.Entries {
		if e.Number != rec.Entry || e.Number == 0 {
			continue
		}
		for _, m := range e.Moves {
			if m.Function == key && m.To == rec.Version {
				return &r.Entries[i], m
			}
		}
	}
	return nil, promotion.Recording{}
}
