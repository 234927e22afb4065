package github

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
	"unicode/utf8"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	releaseWrites = 8               // how often a text is written before it is given up
	settling      = 2 * time.Second // between the two looks at a text that is as it should be; more than a write takes
	stumbles      = 3               // how many writes may have an unknown effect
)

// UpsertRelease sees to it that the release of a tag, a draft if there is no other, has the text that edit makes of it,
// and makes the release if it is not there.
//
// A release has no conditional write: of two runs that change its text at the same time, the later one undoes what
// the earlier one did. So the text is read again after it was written, and written again until settled says of it
// twice, some time apart, that nothing is missing. Whatever may have been lost is found then by the run that wrote
// last, provided that edit and settled take what belongs into the text from a common place, anew each time, and that
// each run enters what is its own there first: the last writer's second look comes after every entry whose run has
// written before it. Where they know their own part only, it holds for runs whose call is on its way for less than two
// seconds.
//
// Both get the text as it is, "" of a new release; edit has to leave alone what is not its own. They are called
// several times. Nothing is written where the text is settled already. Calls: 1 then, 4 to change it, 5 to make it.
// Needs contents: write.
//
// https://docs.github.com/en/rest/releases/releases#update-a-release
func (c *Client) UpsertRelease(ctx context.Context, tag string, o ReleaseOptions, edit func(body string) string, settled func(body string) bool) (Release, error) {
	deed := fmt.Sprintf("write release %s of %s", clean(tag), c.Repository())
	if err := checkTag(deed, tag); err != nil {
		return Release{}, err
	}
	if o.MakeLatest != "" && o.MakeLatest != "false" && o.MakeLatest != "legacy" {
		return Release{}, promotion.Fault{What: deed + ": there is no such way to make it the latest", Accepted: "false or legacy", Detail: clean(o.MakeLatest)}
	}
	w := &releaseWriter{Client: c, tag: tag, options: o, edit: edit}
	r, err := w.write(ctx, settled)
	if err != nil {
		return Release{}, c.explainNeeding(ctx, deed, releaseWrite, err)
	}
	return *r, nil
}

type releaseWriter struct {
	*Client
	tag     string
	options ReleaseOptions
	edit    func(string) string

	writes, unsure int
}

func (w *releaseWriter) write(ctx context.Context, settled func(string) bool) (*Release, error) {
	r, err := w.findRelease(ctx, w.tag, true)
	for calm := 0; err == nil; {
		switch {
		case r != nil && settled(r.Body) && (w.writes == 0 || calm == 1):
			return r, nil
		case r != nil && settled(r.Body):
			calm++
			r, err = w.again(ctx, r, settling+rand.N(settling/4))
			continue
		case w.writes == releaseWrites:
			return nil, promotion.Fault{What: fmt.Sprintf("its text was changed by others each of the %d times that it was written", w.writes),
				Hint: "run it again when fewer runs write to it"}
		}
		calm = 0
		if r == nil {
			r, err = w.create(ctx)
		} else {
			err = w.change(ctx, r)
		}
		if err == nil {
			r, err = w.again(ctx, r, 0)
		}
		// Whoever lost waits for a while of its own before it writes again, and reads anew just before.
		if err == nil && r != nil && !settled(r.Body) {
			r, err = w.again(ctx, r, rand.N(time.Second<<min(w.writes, 3)))
		}
	}
	return nil, err
}

// again reads the release after a pause; nil if it is no longer there.
func (w *releaseWriter) again(ctx context.Context, r *Release, pause time.Duration) (*Release, error) {
	if err := sleep(ctx, pause); err != nil {
		return nil, err
	}
	now, _, err := w.api.Repositories.GetRelease(ctx, w.owner, w.name, r.ID)
	if answeredWith(err, http.StatusNotFound) {
		return w.findRelease(ctx, w.tag, true)
	}
	if err != nil {
		return nil, err
	}
	return identified(release(now), now.GetID(), nil)
}

func (w *releaseWriter) text(old string) (string, error) {
	w.writes++
	body := w.edit(old)
	if n := utf8.RuneCountInString(body); n > MaxReleaseBody {
		return "", promotion.Fault{What: fmt.Sprintf("its text would have %d characters, and GitHub takes %d", n, MaxReleaseBody)}
	}
	return body, nil
}

func (w *releaseWriter) create(ctx context.Context) (*Release, error) {
	body, err := w.text("")
	if err != nil {
		return nil, err
	}
	return w.createRelease(ctx, w.tag, w.options, body)
}

// change writes the text and nothing else. What became of a write whose answer was lost shows at the next look.
func (w *releaseWriter) change(ctx context.Context, r *Release) error {
	body, err := w.text(r.Body)
	if err != nil {
		return err
	}
	_, _, err = w.api.Repositories.EditRelease(promptly(ctx), w.owner, w.name, r.ID, &api.RepositoryRelease{Body: &body})
	switch {
	case errors.As(err, new(*limited)):
		return nil // not written; the next look waits for the limit's end
	case answeredWith(err, http.StatusNotFound):
		return nil // deleted meanwhile, which the next look finds too
	case unsure(err) && w.unsure+1 < stumbles:
		w.unsure++
		return sleep(ctx, landing)
	}
	return err
}
