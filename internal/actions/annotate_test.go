package actions_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/promote-on-success/promote/internal/actions"
)

func TestAnnotations(t *testing.T) {
	t.Run("carry title and place, escaped", func(t *testing.T) {
		s, log := inside()
		s.Annotate(actions.Annotation{Level: actions.Error, Title: "checkout, eu: 50%", File: "promote.yaml", Line: 3, Column: 7, Message: "a,b: 100%\nsecond"})
		if want := "::error col=7,file=promote.yaml,line=3,title=checkout%2C eu%3A 50%25::a,b: 100%25%0Asecond\n"; log.String() != want {
			t.Errorf("got %q, want %q", log, want)
		}
		commands, _ := read(log.String())
		want := map[string]string{"title": "checkout, eu: 50%", "file": "promote.yaml", "line": "3", "col": "7"}
		if !reflect.DeepEqual(commands[0].properties, want) || commands[0].data != "a,b: 100%\nsecond" {
			t.Errorf("the runner reads %+v", commands[0])
		}
	})

	t.Run("without a place have none", func(t *testing.T) {
		s, log := inside()
		s.Annotate(actions.Annotation{Level: actions.Notice, Line: 3, Message: "m"})
		s.Annotate(actions.Annotation{Message: "of no level"})
		if want := "::notice::m\n::error::of no level\n"; log.String() != want {
			t.Errorf("got %q, want %q", log, want)
		}
	})

	t.Run("are cut to what GitHub shows", func(t *testing.T) {
		for _, letter := range []string{"x", "é", "🚀"} {
			s, log := inside()
			s.Annotate(actions.Annotation{Level: actions.Error, Message: strings.Repeat(letter, 5000)})
			commands, _ := read(log.String())
			if n := len(utf16.Encode([]rune(commands[0].data))); n > 4096 || n < 4094 || !strings.HasSuffix(commands[0].data, letter+"…") {
				t.Errorf("%d characters of %s", n, letter)
			}
		}
		s, log := inside()
		s.Annotate(actions.Annotation{Level: actions.Error, Message: strings.Repeat("x", 4096)})
		if strings.Contains(log.String(), "…") {
			t.Error("a message that fits is cut")
		}
	})

	for n, want := range map[int]string{
		3: "m0 m1 m2", 10: "m0 m1 m2 m3 m4 m5 m6 m7 m8 m9",
		14: "m0 m1 m2 m3 m4 m5 m6 m7 m8 and 5 more: see the log of this step",
	} {
		t.Run(fmt.Sprintf("%d of a level take at most ten places", n), func(t *testing.T) {
			s, log := inside()
			for i := range n {
				s.Annotate(actions.Annotation{Level: actions.Error, Message: fmt.Sprintf("m%d", i)})
				s.Annotate(actions.Annotation{Level: actions.Warning, Message: "w"})
			}
			s.Finish()
			s.Finish()
			commands, text := read(log.String())
			var got []string
			for _, c := range commands {
				if c.name == "error" {
					got = append(got, c.data)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("got %q", got)
			}
			for i := 9; i < n; i++ {
				if !strings.Contains(strings.Join(text, "\n"), fmt.Sprintf("error: m%d", i)) {
					t.Errorf("m%d is nowhere in the log", i)
				}
			}
		})
	}

	t.Run("are lines outside of Actions", func(t *testing.T) {
		s, log := outside()
		s.Annotate(actions.Annotation{Level: actions.Error, Title: "config", File: "promote.yaml", Line: 3, Column: 7, Message: "unknown key"})
		s.Annotate(actions.Annotation{Level: actions.Warning, Message: "slow"})
		s.Finish()
		if want := "error: promote.yaml:3:7: config: unknown key\nwarning: slow\n"; log.String() != want {
			t.Errorf("got %q, want %q", log, want)
		}
	})
}
