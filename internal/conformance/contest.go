package conformance

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A contest is what came of many writers who held the same revision of one alias at the same time.
type contest struct {
	before, after          routing
	won, refused           int
	throttled, lost, other int
	winner                 routing
	overlap                int    // writers whose call had been sent when the first answer came
	strange                string // an answer that nobody expected
	reason                 string // that AWS gives for throttling
}

// fair says that at least two writers were heard, and each of them got an answer that tells.
func (c contest) fair() bool { return c.lost == 0 && c.won+c.refused >= 2 }

// contest lets writers write values of their own, all with the revision that the alias has now.
func (s *subject) contest(ctx context.Context, round, writers int, h *history) (contest, error) {
	var c contest
	var err error
	begin := h.now()
	if c.before, err = s.look(ctx); err != nil {
		return c, err
	}
	h.add(0, begin, h.now(), "", c.before.revision)

	type attempt struct {
		answer
		routing
		sent, got int64
	}
	attempts := make([]attempt, writers)
	err = s.burst(ctx, writers, func(ctx context.Context, i int) {
		a := &attempts[i]
		a.sent = h.now()
		wrote, err := s.send(ctx, write{
			version:     aws.String([]string{"1", "2"}[i%2]),
			description: aws.String(mark(round, i)),
			revision:    &c.before.revision,
		})
		a.got, a.answer, a.routing = h.now(), answered(err), wrote
	})
	if err != nil {
		return c, err
	}
	first := slices.MinFunc(attempts, func(a, b attempt) int { return int(a.got - b.got) }).got
	for i, a := range attempts {
		if a.sent < first {
			c.overlap++
		}
		switch {
		case a.done():
			c.won++
			c.winner = a.routing
			h.add(i+1, a.sent, a.got, c.before.revision, a.revision)
		case a.status == 412:
			c.refused++
			h.add(i+1, a.sent, a.got, c.before.revision, "")
		case a.throttled():
			c.throttled++
			c.reason = throttleReason(a.err)
		case a.unknown():
			c.lost++
			c.strange = a.answer.String()
		default:
			c.other++
			c.strange = a.answer.String()
		}
	}
	begin = h.now()
	if c.after, err = s.look(ctx); err != nil {
		return c, err
	}
	h.add(0, begin, h.now(), "", c.after.revision)
	return c, nil
}

func mark(round, writer int) string { return fmt.Sprintf("round %d, writer %d", round, writer) }

// judge holds that one writer won, that nothing but its value is there, and that nobody else left a trace.
func (c contest) judge(f *findings, round int) {
	switch {
	case c.other > 0:
		f.hold(false, "round %d: a conditional write was answered %s", round, c.strange)
	case c.lost > 0:
		f.doubt("round %d: %d of the writes got no answer that tells (%s)", round, c.lost, c.strange)
	case c.won > 1:
		f.hold(false, "round %d: %d writers were told that they had won with the same revision", round, c.won)
	case c.won == 0 && c.refused > 0:
		f.hold(false, "round %d: %d writers with the alias's own revision were refused, and none won", round, c.refused)
	case c.won == 0: // all were throttled
		f.hold(c.after.same(c.before) && c.after.revision == c.before.revision, "round %d: every write was throttled, and %s became %s", round, c.before, c.after)
	default:
		f.hold(c.after.same(c.winner) && c.after.revision == c.winner.revision, "round %d: the winner wrote %s, and the alias holds %s", round, c.winner, c.after)
	}
}
