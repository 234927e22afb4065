package main

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/promotion"
)

// worthAWord is how long something may take before a person wonders.
const worthAWord = 2 * time.Second

// A status is what a stage is waiting for at the moment.
type status struct {
	stage    promotion.Stage
	done, of int
	pieces   []piece // in the order of their beginning
	since    time.Time
}

type piece struct {
	work, doing string
	since       time.Time
}

// take notes an event. A sentence is news: what it waits for is not worth a word of its own for a while.
func (s *status) take(e promotion.Event, now time.Time) {
	if e.Stage != s.stage && e.Stage != promotion.StageAWS {
		*s = status{stage: e.Stage}
	}
	p := e.Progress
	if p == nil {
		s.since = now
		return
	}
	s.of, s.done = p.Of, max(s.done, p.Done)
	for i := range s.pieces {
		if s.pieces[i].work == p.Work {
			s.pieces = append(s.pieces[:i], s.pieces[i+1:]...)
			break
		}
	}
	if p.Doing != "" {
		s.pieces = append(s.pieces, piece{p.Work, p.Doing, now})
	}
}

// text says it in one line: "deploy 3/20 · waiting for version 42 of checkout · 8 s"; "" if there is nothing to say. In
// fewer columns what it waits for is cut, and how far and how long is not.
func (s *status) text(now time.Time, columns int) string {
	if len(s.pieces) == 0 {
		return ""
	}
	oldest := s.pieces[0]
	waited := now.Sub(oldest.since)
	if waited <= worthAWord || now.Sub(s.since) <= worthAWord {
		return ""
	}
	stage := string(s.stage)
	if s.of > 0 {
		stage += fmt.Sprintf(" %d/%d", s.done, s.of)
	}
	doing := plain(oldest.doing)
	if more := len(s.pieces) - 1; more > 0 {
		doing += fmt.Sprintf(" and %d more", more)
	}
	time := fmt.Sprintf(" · %d s", int(waited.Seconds()))
	room := columns - utf8.RuneCountInString(stage+" · "+time)
	if room < 2 {
		return cut(stage+time, columns)
	}
	return stage + " · " + cut(doing, room) + time
}

// cut shortens text to so many characters, and shows that it did.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(most-1, 0)]) + "…"
}
