package actions_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/promote-on-success/promote/internal/actions"
)

func TestGroups(t *testing.T) {
	t.Run("pieces of work that run at once do not mix", func(t *testing.T) {
		s, log := inside()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				g := s.Group(fmt.Sprintf("function-%d", i))
				defer g.Close()
				for n := range 5 {
					g.Say("function-%d says %d", i, n)
					s.Debug("between")
				}
			})
		}
		wg.Wait()
		open, in := "", 0
		for line := range strings.Lines(log.String()) {
			line = strings.TrimSuffix(line, "\n")
			switch title, begins := strings.CutPrefix(line, "::group::"); {
			case begins && open == "":
				open, in = title, 0
			case line == "::endgroup::" && in == 5:
				open = ""
			case open != "" && line == fmt.Sprintf("%s says %d", open, in):
				in++
			default:
				t.Fatalf("%q in group %q", line, open)
			}
		}
		if n := strings.Count(log.String(), "::group::"); n != 20 {
			t.Errorf("%d groups", n)
		}
	})

	t.Run("one without a line is not shown", func(t *testing.T) {
		s, log := inside()
		s.Group("idle").Close()
		if log.Len() != 0 {
			t.Errorf("got %q", log)
		}
	})

	t.Run("outside of Actions each line appears at once and is named", func(t *testing.T) {
		s, log := outside()
		g := s.Group("checkout")
		g.Say("uploads %s", "dist.zip")
		g.Foreign("START\n::error::x")
		if want := "checkout: uploads dist.zip\n  START\n\\  ::error::x\n"; log.String() != want {
			t.Errorf("got %q, want %q", log, want)
		}
		g.Close()
	})
}

func TestForeignTextIsNoCommand(t *testing.T) {
	s, log := inside()
	s.Foreign("one\r\n::set-output name=a::b\r::stop-commands::x\n##[error]no\n\x1b[31mred\x00\u202e\xff\tend\n")
	commands, text := read(log.String())
	if names(commands) != "stop-commands resume" {
		t.Errorf("the runner sees %q", names(commands))
	}
	want := []string{"  one", `\  ::set-output name=a::b`, `\  ::stop-commands::x`, `  ##\[error]no`, `  \x1b[31mred\x00\u202e\ufffd` + "\tend"}
	if strings.Join(text, "|") != strings.Join(want, "|") {
		t.Errorf("text\n%q, want\n%q", text, want)
	}
	first := log.String()
	log.Reset()
	s.Foreign("one")
	if token := strings.SplitN(first, "\n", 2)[0]; strings.Contains(log.String(), token) || len(token) != len("::stop-commands::")+32 {
		t.Errorf("the token %q is not a new one of 128 bits", token)
	}
	log.Reset()
	if s.Foreign(""); log.Len() != 0 {
		t.Errorf("nothing shows as %q", log)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Run("line by line, each once, before anything is said", func(t *testing.T) {
		s, log := inside()
		s.Mask("top-secret\r\n\n  second%line  \n")
		s.Mask("top-secret")
		s.Mask("")
		s.Mask(" \n")
		commands, _ := read(log.String())
		if names(commands) != "add-mask add-mask" || commands[0].data != "top-secret" || commands[1].data != "second%line" {
			t.Errorf("the runner sees %q", commands)
		}
	})

	t.Run("on a terminal too", func(t *testing.T) {
		s, log := outside()
		s.Mask("top-secret")
		s.Mask("abc")
		s.Say("the token is top-secret, abc")
		s.Foreign("top-secret")
		s.Group("top-secret").Say("x")
		s.Annotate(actions.Annotation{Level: actions.Error, Title: "top-secret", Message: "top-secret"})
		if want := "the token is ***, abc\n  ***\n***: x\nerror: ***: ***\n"; log.String() != want {
			t.Errorf("got %q", log)
		}
	})

	t.Run("a secret that looks like a command breaks none", func(t *testing.T) {
		s, log := inside()
		for _, secret := range []string{"stop-commands", "group", "::error::", `\::`, `#\[`} {
			s.Mask(secret)
		}
		log.Reset()
		g := s.Group("work")
		g.Foreign("::error::x\n##[group]y")
		g.Close()
		if commands, _ := read(log.String()); names(commands) != "group stop-commands resume endgroup" {
			t.Errorf("the runner sees %q in\n%s", names(commands), log)
		}
	})
}

func TestDebug(t *testing.T) {
	s, log := inside("RUNNER_DEBUG", "1")
	s.Debug("two\nlines")
	if !s.Debugging() || log.String() != "::debug::two%0Alines\n" {
		t.Errorf("got %q", log)
	}
	s, log = inside()
	if s.Debug("x"); s.Debugging() || log.Len() != 0 {
		t.Errorf("without debug logging got %q", log)
	}
}

// FuzzLog gives foreign text to everything that takes text, and reads the log as the runner does.
func FuzzLog(f *testing.F) {
	for _, text := range []string{
		"", "::error::x", "  ::set-env name=A::b", "a ##[add-mask]b", "\u200b::error::x", "#\u200d#[error]x", "x\r::stop-commands::x",
		"\ufe0f:\u034f:error::x", "::endgroup::", "%0A::error::x", "::ERROR::x", "\x00::error::", "##[group]a\n##[endgroup]", "\u2028::error::x", ":::error::", "::\n:error::",
	} {
		f.Add(text, "secret")
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		s, log := inside()
		s.Mask(secret)
		masks, _ := read(log.String())
		for _, m := range masks {
			if m.name != "add-mask" {
				t.Fatalf("masking %q the runner sees %q", secret, m.name)
			}
		}
		expect := func(deed, want string) []seen {
			commands, _ := read(log.String())
			if names(commands) != want && !(log.Len() == 0 && want == "") {
				t.Fatalf("%s: the runner sees %q, want %q, in\n%q", deed, names(commands), want, log)
			}
			log.Reset()
			return commands
		}
		log.Reset()
		s.Say("%s", text)
		expect("said", "")
		s.Say("response: %s", text)
		expect("said within a sentence", "")
		if s.Foreign(text); text != "" {
			expect("shown as foreign", "stop-commands resume")
		}
		g := s.Group(text)
		g.Say("%s", text)
		g.Foreign("x" + text)
		g.Close()
		expect("grouped", "group stop-commands resume endgroup")
		s.Annotate(actions.Annotation{Level: actions.Warning, Title: text, File: text, Line: 3, Message: text})
		for _, c := range expect("annotated", "warning") {
			for name := range c.properties {
				if name != "title" && name != "file" && name != "line" {
					t.Fatalf("a property %q was smuggled in by %q", name, text)
				}
			}
		}
		var plain bytes.Buffer
		o := actions.New(env(), &plain)
		o.Foreign(text)
		if commands, _ := read(plain.String()); len(commands) > 0 {
			t.Fatalf("outside of Actions: %q", plain.String())
		}
	})
}
