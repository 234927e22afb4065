package promotion

import (
	"fmt"
	"slices"
	"strings"
)

// A group is all functions for which the same commit decided in the same way, so that hundreds of them are one sentence.
type group struct {
	ruling Ruling
	kind   concern
	other  comparedSource
	keys   []string
}

type concerns []*group

func (c *concerns) add(r Ruling, k concern, other comparedSource, key string) {
	for _, g := range *c {
		if g.ruling == r && g.kind == k && g.other.Source == other.Source && g.other.floor == other.floor {
			g.keys = append(g.keys, key)
			return
		}
	}
	*c = append(*c, &group{r, k, other, []string{key}})
}

func (c concerns) with(r Ruling) concerns {
	return slices.DeleteFunc(slices.Clone(c), func(g *group) bool { return g.ruling != r })
}

// functions names the functions of all groups.
func (c concerns) functions() string {
	var keys []string
	for _, g := range c {
		keys = append(keys, g.keys...)
	}
	return some(keys)
}

// String names the deciding commits with their functions: "5d6e7f8 (checkout, payments)".
func (c concerns) String() string {
	var parts []string
	for _, g := range c {
		parts = append(parts, fmt.Sprintf("%s (%s)", shortCommit(g.other.Commit), some(g.keys)))
	}
	return some(parts)
}

// fault says what stands against the candidate, or what was let through in spite of it.
func (g *group) fault(candidate Source) Fault {
	mine, other, functions := shortCommit(candidate.Commit), shortCommit(g.other.Commit), some(g.keys)
	role := "which is promoted for " + functions
	if g.other.floor {
		role = "from which " + functions + " was rolled back"
	}
	f := Fault{}
	switch {
	case g.kind == concernFloor && g.other.Relation == Identical:
		f.What = fmt.Sprintf("commit %s was rolled back for %s", mine, functions)
		f.Hint = "promote a commit that comes after it, or lift the floor with mode unlock, target floor"
	case g.kind == concernFloor:
		f.What = fmt.Sprintf("commit %s is behind %s, %s", mine, other, role)
		f.Hint = fmt.Sprintf("promote a commit that comes after %s", other)
	case g.kind == concernDiverged && candidate.otherThan(g.other.Source):
		f.What = fmt.Sprintf("commit %s is of another repository than %s, %s (repository %s, not %s)", mine, other, role, g.other.Repository, candidate.Repository)
		f.Hint = "if the code has moved to this repository, say allow-diverged: true once"
	case g.kind == concernDiverged:
		f.What = fmt.Sprintf("commit %s does not contain %s, %s, and is not behind it either: they have diverged", mine, other, role)
		f.Hint = "merge or rebase so that the newest commit contains both, and run that; where it is meant (history was rewritten, a release branch), say allow-diverged: true"
	default:
		f.What = fmt.Sprintf("it is not known how commit %s stands to %s, %s", mine, other, role)
		f.Hint = "order-check: best-effort lets an unknown order through"
		if g.other.Err != nil {
			reason := FaultOf(g.other.Err)
			f.Detail = reason.Error()
			if reason.Hint != "" {
				f.Hint = reason.Hint + "; " + f.Hint
			}
		}
	}
	if g.ruling == OrderGo { // the policy was asked already
		f.Hint = ""
	}
	return f
}

// shortCommit is how a person calls a commit.
func shortCommit(hash string) string {
	if hash == "" {
		return "(unknown)"
	}
	return fmt.Sprintf("%.7s", hash)
}

// some names the first few of a list.
func some(names []string) string {
	const shown = 4
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
