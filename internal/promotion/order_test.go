package promotion_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
)

// hash makes a commit's hash of a letter.
func hash(letter string) string { return strings.Repeat(letter, 40) }

// at is how a candidate stands to a commit of this repository.
func at(commit string, r promotion.Relation) promotion.Standing {
	return promotion.Standing{Promoted: promotion.Source{Repository: "77", Commit: hash(commit)}, ToPromoted: promotion.Comparison{Relation: r}}
}

func floored(s promotion.Standing, commit string, r promotion.Relation) promotion.Standing {
	s.Floor, s.ToFloor = promotion.Source{Repository: "77", Commit: hash(commit)}, promotion.Comparison{Relation: r}
	return s
}

func TestJudgeOrder(t *testing.T) {
	var none promotion.Standing
	unknown := at("a", promotion.Unknown)
	unknown.ToPromoted.Err = promotion.Fault{What: "compare: GitHub failed (502)", Hint: "run it again"}
	elsewhere := at("a", promotion.Diverged)
	elsewhere.Promoted.Repository = "12"
	strict, bestEffort, diverged := promotion.OrderPolicy{}, promotion.OrderPolicy{BestEffort: true}, promotion.OrderPolicy{AllowDiverged: true}

	for name, tt := range map[string]struct {
		standings []promotion.Standing
		policy    promotion.OrderPolicy
		want      promotion.Ruling
		says      string // in the sentence, or in the warning of what may go
		hint      string
	}{
		"nothing promoted goes":               {[]promotion.Standing{none}, strict, promotion.OrderGo, "", ""},
		"no function goes":                    {nil, strict, promotion.OrderGo, "", ""},
		"ahead goes":                          {[]promotion.Standing{at("a", promotion.Ahead)}, strict, promotion.OrderGo, "", ""},
		"identical is done again":             {[]promotion.Standing{at("c", promotion.Identical)}, strict, promotion.OrderIdentical, "commit ccccccc is promoted already", ""},
		"identical for some and new for some": {[]promotion.Standing{at("c", promotion.Identical), at("a", promotion.Ahead)}, strict, promotion.OrderGo, "", ""},
		"behind is superseded":                {[]promotion.Standing{at("a", promotion.Behind)}, strict, promotion.OrderSuperseded, "commit ccccccc is behind what is promoted: aaaaaaa (f0)", ""},
		"behind is superseded though a person allows the rest": {[]promotion.Standing{at("a", promotion.Behind)}, promotion.OrderPolicy{BestEffort: true, AllowDiverged: true},
			promotion.OrderSuperseded, "behind", ""},
		"behind two commits names both": {[]promotion.Standing{at("a", promotion.Behind), at("b", promotion.Behind), at("a", promotion.Behind)}, strict,
			promotion.OrderSuperseded, "aaaaaaa (f0, f2), bbbbbbb (f1)", ""},
		"behind for some and identical for the others is superseded": {[]promotion.Standing{at("a", promotion.Behind), at("c", promotion.Identical)}, strict,
			promotion.OrderSuperseded, "aaaaaaa (f0)", ""},
		"behind for some and new for others is refused": {[]promotion.Standing{at("a", promotion.Behind), at("b", promotion.Ahead)}, strict,
			promotion.OrderRefused, "is behind what is promoted (aaaaaaa (f0)), but has news for f1", "only: f1"},
		"behind for some and first for others is refused": {[]promotion.Standing{at("a", promotion.Behind), none}, strict, promotion.OrderRefused, "news for f1", "newest commit"},
		"diverged is refused":                             {[]promotion.Standing{at("a", promotion.Diverged)}, strict, promotion.OrderRefused, "does not contain aaaaaaa, which is promoted for f0", "allow-diverged"},
		"diverged is refused also by best effort":         {[]promotion.Standing{at("a", promotion.Diverged)}, bestEffort, promotion.OrderRefused, "diverged", "merge or rebase"},
		"diverged goes where it is allowed":               {[]promotion.Standing{at("a", promotion.Diverged)}, diverged, promotion.OrderGo, "diverged", ""},
		"another repository has diverged":                 {[]promotion.Standing{elsewhere}, strict, promotion.OrderRefused, "of another repository than aaaaaaa, which is promoted for f0 (repository 12, not 77)", "allow-diverged: true once"},
		"another repository goes where it is allowed":     {[]promotion.Standing{elsewhere}, diverged, promotion.OrderGo, "another repository", ""},
		"unknown is refused":                              {[]promotion.Standing{unknown}, strict, promotion.OrderRefused, "it is not known how commit ccccccc stands to aaaaaaa", "run it again; order-check: best-effort"},
		"unknown is refused though diverged may go":       {[]promotion.Standing{unknown}, diverged, promotion.OrderRefused, "not known", "best-effort"},
		"unknown goes by best effort, with a warning":     {[]promotion.Standing{unknown}, bestEffort, promotion.OrderGo, "not known how commit ccccccc stands to aaaaaaa", ""},
		"what was never asked is unknown":                 {[]promotion.Standing{at("a", "")}, strict, promotion.OrderRefused, "not known", ""},
		"unknown and behind is refused, not green":        {[]promotion.Standing{unknown, at("b", promotion.Behind)}, strict, promotion.OrderRefused, "not known", ""},

		"what was rolled back stays away":               {[]promotion.Standing{floored(at("a", promotion.Ahead), "c", promotion.Identical)}, strict, promotion.OrderRefused, "commit ccccccc was rolled back for f0", "comes after"},
		"what is behind it stays away":                  {[]promotion.Standing{floored(at("a", promotion.Ahead), "d", promotion.Behind)}, strict, promotion.OrderRefused, "is behind ddddddd, from which f0 was rolled back", "comes after ddddddd"},
		"no policy opens the floor":                     {[]promotion.Standing{floored(none, "c", promotion.Identical)}, promotion.OrderPolicy{BestEffort: true, AllowDiverged: true}, promotion.OrderRefused, "rolled back", ""},
		"what is behind both is refused, not green":     {[]promotion.Standing{floored(at("a", promotion.Behind), "d", promotion.Behind)}, strict, promotion.OrderRefused, "rolled back", ""},
		"what comes after the floor goes":               {[]promotion.Standing{floored(at("a", promotion.Ahead), "b", promotion.Ahead)}, strict, promotion.OrderGo, "", ""},
		"what has diverged from the floor is refused":   {[]promotion.Standing{floored(at("a", promotion.Ahead), "b", promotion.Diverged)}, strict, promotion.OrderRefused, "does not contain bbbbbbb, from which f0 was rolled back", ""},
		"an unknown floor is refused":                   {[]promotion.Standing{floored(at("a", promotion.Ahead), "b", promotion.Unknown)}, strict, promotion.OrderRefused, "not known", ""},
		"behind is superseded over a floor in the dark": {[]promotion.Standing{floored(at("a", promotion.Behind), "b", promotion.Unknown)}, strict, promotion.OrderSuperseded, "behind", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range tt.standings {
				tt.standings[i].Function = fmt.Sprint("f", i)
			}
			got := promotion.JudgeOrder(promotion.Source{Repository: "77", Commit: hash("c")}, tt.standings, tt.policy)
			said, hint := got.Sentence, ""
			for _, f := range append(got.Faults, got.Warnings...) {
				said, hint = said+"\n"+f.What, hint+"\n"+f.Hint
			}
			if got.Ruling != tt.want || !strings.Contains(said, tt.says) || !strings.Contains(hint, tt.hint) {
				t.Errorf("%s: %s\nhint %s\nwant %s: %s, hint %s", got.Ruling, said, hint, tt.want, tt.says, tt.hint)
			}
			if (len(got.Faults) > 0) != (tt.want == promotion.OrderRefused) || (got.Sentence == "") != (tt.want == promotion.OrderGo) {
				t.Errorf("faults %v, sentence %q", got.Faults, got.Sentence)
			}
			if warned := tt.want == promotion.OrderGo && tt.says != ""; warned != (len(got.Warnings) > 0) {
				t.Errorf("warnings %v", got.Warnings)
			}
			if len(got.Functions) != len(tt.standings) {
				t.Errorf("functions %v", got.Functions)
			}
		})
	}

	t.Run("hundreds of functions are one sentence", func(t *testing.T) {
		var many []promotion.Standing
		for i := range 120 {
			s := at("a", promotion.Diverged)
			s.Function = fmt.Sprint("f", i)
			many = append(many, s)
		}
		got := promotion.JudgeOrder(promotion.Source{Commit: hash("c")}, many, promotion.OrderPolicy{})
		if len(got.Faults) != 1 || !strings.Contains(got.Sentence, "f0, f1, f2, f3 and 116 more") || len(got.Sentence) > 250 {
			t.Errorf("%d faults, %s", len(got.Faults), got.Sentence)
		}
	})
}

// asked is a history that answers the same to everything and counts.
type asked struct {
	relation promotion.Relation
	err      error
	pairs    *[]string
}

func (a asked) Compare(_ context.Context, base, head string) (promotion.Relation, error) {
	*a.pairs = append(*a.pairs, base[:1]+head[:1])
	return a.relation, a.err
}

func TestAskOrder(t *testing.T) {
	candidate := promotion.Source{Repository: "77", Commit: hash("c")}
	standings := []promotion.Standing{
		{Function: "none"}, at("a", ""), at("a", ""), at("c", ""), floored(at("a", ""), "a", ""),
		{Promoted: promotion.Source{Repository: "12", Commit: hash("a")}}, {Promoted: promotion.Source{Commit: hash("a")}},
	}
	var pairs []string
	got := promotion.AskOrder(t.Context(), asked{promotion.Ahead, nil, &pairs}, candidate, standings)
	var relations []string
	for _, s := range got {
		relations = append(relations, string(s.ToPromoted.Relation+"/"+s.ToFloor.Relation))
	}
	if want := []string{"/", "ahead/", "ahead/", "identical/", "ahead/ahead", "diverged/", "ahead/"}; !reflect.DeepEqual(relations, want) {
		t.Errorf("got %v, want %v", relations, want)
	}
	if len(pairs) != 1 || pairs[0] != "ac" {
		t.Errorf("asked %v", pairs)
	}
	if standings[1].ToPromoted.Relation != "" {
		t.Error("the caller's standings were changed")
	}

	t.Run("a run that does not know its commit asks nobody", func(t *testing.T) {
		pairs = nil
		got := promotion.AskOrder(t.Context(), asked{promotion.Ahead, nil, &pairs}, promotion.Source{}, []promotion.Standing{at("a", ""), {}})
		o := promotion.JudgeOrder(promotion.Source{}, got, promotion.OrderPolicy{})
		if len(pairs) != 0 || o.Ruling != promotion.OrderRefused || !strings.Contains(o.Faults[0].Detail, "the commit of this run is not known") {
			t.Errorf("asked %v, %s %+v", pairs, o.Ruling, o.Faults)
		}
	})
	t.Run("without a history everything is unknown", func(t *testing.T) {
		got := promotion.AskOrder(t.Context(), nil, candidate, []promotion.Standing{at("a", "")})
		if got[0].ToPromoted.Relation != promotion.Unknown || got[0].ToPromoted.Err == nil {
			t.Errorf("got %+v", got[0].ToPromoted)
		}
	})
	t.Run("a history that breaks down gives no answer", func(t *testing.T) {
		got := promotion.AskOrder(t.Context(), broken{}, candidate, []promotion.Standing{at("a", "")})
		if got[0].ToPromoted.Relation != promotion.Unknown || got[0].ToPromoted.Err == nil {
			t.Errorf("got %+v", got[0].ToPromoted)
		}
	})
}

type broken struct{}

func (broken) Compare(context.Context, string, string) (promotion.Relation, error) { panic("oh") }

func TestHistories(t *testing.T) {
	var first, second []string
	git := asked{promotion.Unknown, promotion.Fault{What: "the clone is shallow", Hint: "fetch"}, &first}
	hub := asked{promotion.Behind, nil, &second}
	if r, err := (promotion.Histories{git, hub}).Compare(t.Context(), hash("a"), hash("b")); r != promotion.Behind || err != nil {
		t.Errorf("got %s, %v", r, err)
	}
	if r, _ := (promotion.Histories{hub, git}).Compare(t.Context(), hash("a"), hash("b")); r != promotion.Behind || len(first) != 1 {
		t.Errorf("got %s, and the second was asked %d times", r, len(first))
	}
	cause := errors.New("cause")
	lost := asked{promotion.Unknown, fmt.Errorf("no answer: %w", cause), &second}
	r, err := (promotion.Histories{git, lost}).Compare(t.Context(), hash("a"), hash("b"))
	if f := promotion.FaultOf(err); r != promotion.Unknown || !errors.Is(err, cause) || f.What != "the clone is shallow; no answer: cause" || f.Hint != "fetch" {
		t.Errorf("got %s, %+v", r, f)
	}
}

func TestCheckCommit(t *testing.T) {
	for _, good := range []string{hash("a"), strings.Repeat("0", 39) + "1", strings.Repeat("b", 64)} {
		if wrong := promotion.CheckCommit(good); wrong != "" {
			t.Error(wrong)
		}
	}
	for _, bad := range []string{"", "main", "--upload-pack=x", hash("A"), hash("a") + "\n", hash("0"), strings.Repeat("0", 64), strings.Repeat("a", 41), hash("a")[:7]} {
		if promotion.CheckCommit(bad) == "" {
			t.Errorf("%q passes for a commit", bad)
		}
	}
}
