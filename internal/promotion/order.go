package promotion

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Relation is how one commit stands to another.
type Relation string

const (
	Identical Relation = "identical"
	Ahead     Relation = "ahead"    // the other is an ancestor of this one
	Behind    Relation = "behind"   // this one is an ancestor of the other
	Diverged  Relation = "diverged" // neither is an ancestor of the other
	Unknown   Relation = "unknown"  // nobody could tell
)

// Inverse is how the other commit stands to this one.
func (r Relation) Inverse() Relation {
	switch r {
	case Ahead:
		return Behind
	case Behind:
		return Ahead
	}
	return r
}

// History knows how commits stand to each other.
type History interface {
	// Compare tells how head stands to base, both full hashes. [Unknown], and nothing else, comes with an error that says
	// why: a [Fault], and in its chain ctx's error if the asking was interrupted.
	Compare(ctx context.Context, base, head string) (Relation, error)
}

// Histories asks one history after the other until one of them knows.
type Histories []History

// Compare returns [Unknown] with every reason if none of them knows.
func (h Histories) Compare(ctx context.Context, base, head string) (Relation, error) {
	if len(h) == 0 {
		return Unknown, noHistory
	}
	var reasons []error
	for _, one := range h {
		relation, err := one.Compare(ctx, base, head)
		if relation != Unknown {
			return relation, nil
		}
		reasons = append(reasons, err)
	}
	return Unknown, unknowns(reasons)
}

// unknowns are the reasons of several histories as one.
type unknowns []error

func (u unknowns) Error() string { return u.fault().Error() }

func (u unknowns) Unwrap() []error { return append([]error{u.fault()}, u...) }

func (u unknowns) fault() Fault {
	var what, hints []string
	for _, err := range u {
		f := FaultOf(err)
		what = append(what, f.Error())
		if f.Hint != "" {
			hints = append(hints, f.Hint)
		}
	}
	return Fault{What: strings.Join(what, "; "), Hint: strings.Join(hints, "; ")}
}

var noHistory = Fault{
	What: "there is no history to ask for the order of commits",
	Hint: "run it where GitHub can be asked, or in a whole clone",
}

// A Source is where code comes from.
type Source struct {
	Repository string // GitHub's number of the repository, which no renaming changes; "" if unknown
	Commit     string // full hash; "" if unknown
}

// otherThan tells whether both repositories are known and not the same.
func (s Source) otherThan(o Source) bool {
	return s.Repository != "" && o.Repository != "" && s.Repository != o.Repository
}

var commitPattern = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// CheckCommit tells what is wrong with a commit's hash; "" means nothing is. The hash of zeros, which GitHub uses for
// none, is no commit.
func CheckCommit(hash string) string {
	if !commitPattern.MatchString(hash) || strings.Trim(hash, "0") == "" {
		if len(hash) > 64 {
			hash = hash[:64]
		}
		return fmt.Sprintf("%q is no commit", hash)
	}
	return ""
}

// AcceptedCommit says which commits are accepted.
const AcceptedCommit = "a full hash of 40 or 64 lower-case hexadecimal digits"

// A Standing is one function's place in the order.
type Standing struct {
	Function string // key
	// Promoted is what the ledger says is promoted. Without a commit nothing is known to be older or newer, as on a first
	// promotion or over a baseline that was adopted.
	Promoted Source
	// Floor is what a rollback went back from. The ledger forgets it when a commit ahead of it is promoted, or when a
	// person lifts it. Without a commit there is none.
	Floor Source

	// How the candidate's commit stands to them; see [AskOrder].
	ToPromoted, ToFloor Comparison
}

// A Comparison is the answer of a [History].
type Comparison struct {
	Relation Relation
	Err      error // why it is [Unknown]
}

// maxComparisons are asked at once. GitHub wants few calls at a time, and the functions of an app mostly share one commit.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#avoid-concurrent-requests
const maxComparisons = 3

// AskOrder fills in how the candidate stands to what was promoted, function by function. h is asked once for each
// commit, and not at all where the answer is plain.
func AskOrder(ctx context.Context, h History, candidate Source, standings []Standing) []Standing {
	if h == nil {
		h = Histories{}
	}
	answers := map[string]*Comparison{} // by commit
	var ask []string
	for _, s := range standings {
		for _, other := range []Source{s.Promoted, s.Floor} {
			if _, is := plain(candidate, other); !is && answers[other.Commit] == nil {
				ask = append(ask, other.Commit)
				answers[other.Commit] = &Comparison{}
			}
		}
	}
	errs := each(ctx, len(ask), maxComparisons, false, func(i int) error {
		c := answers[ask[i]]
		c.Relation, c.Err = h.Compare(ctx, ask[i], candidate.Commit)
		return nil
	})
	for i, err := range errs { // a defect of the history is no answer
		if err != nil {
			*answers[ask[i]] = Comparison{Unknown, err}
		}
	}
	answer := func(other Source) Comparison {
		if c, is := plain(candidate, other); is {
			return c
		}
		return *answers[other.Commit]
	}
	asked := slices.Clone(standings)
	for i, s := range standings {
		asked[i].ToPromoted, asked[i].ToFloor = answer(s.Promoted), answer(s.Floor)
	}
	return asked
}

// plain answers what need not be asked.
func plain(candidate, other Source) (Comparison, bool) {
	switch {
	case other.Commit == "":
		return Comparison{}, true
	case candidate.otherThan(other):
		return Comparison{Relation: Diverged}, true
	case candidate.Commit == "":
		return Comparison{Unknown, Fault{What: "the commit of this run is not known"}}, true
	case candidate.Commit == other.Commit:
		return Comparison{Relation: Identical}, true
	}
	return Comparison{}, false
}
