package function

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// maxLooks is how often a guarded write is sent again after $LATEST was looked at anew. Whoever moves it more often than
// that while we try is at work on it.
const maxLooks = 3

// An answer is what a guarded write of $LATEST came to.
type answer int

const (
	refused answer = iota // for good: the error says why, nothing changed
	done
	busy    // an update is in progress: nothing changed, wait
	moved   // $LATEST is not what was read: nothing changed, look again
	unknown // it may have been carried out: look again
)

// Publish publishes $LATEST exactly as it was read in from.
func (a *Account) Publish(ctx context.Context, name string, from promotion.Snapshot, say promotion.Say) (promotion.Version, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.options.UpdateTimeout, errTooLong)
	defer cancel()
	try := tries{name: name, say: say}
	now := from
	for {
		published, result, err := a.publishLatest(ctx, name, now)
		if result == done {
			return published.version, nil
		}
		if err := try.again(ctx, result, err); err != nil {
			return 0, err
		}
		next, err := a.settled(ctx, name, say, true)
		if err != nil {
			return 0, try.ended(ctx, err)
		}
		if !next.Same(from) {
			return 0, conflict(name, from, next)
		}
		now = next
	}
}

// A publication is the version that Lambda published, or that it had published before.
type publication struct {
	version promotion.Version
	failed  bool
}

// publishLatest publishes $LATEST if it is still what at says, by revision and by digest. Where nothing changed since
// the last publication Lambda returns that version, which makes it safe to repeat.
func (a *Account) publishLatest(ctx context.Context, name string, at promotion.Snapshot) (publication, answer, error) {
	call := transfer(0)
	out, err := a.lambda.PublishVersion(ctx, &lambda.PublishVersionInput{
		FunctionName: &name,
		RevisionId:   aws.String(string(at.Revision)),
		CodeSha256:   aws.String(string(at.Digest)),
	}, call.watch)
	if err != nil {
		result := call.answer(err)
		// A wrong CodeSha256 is an invalid parameter (400), unlike a wrong revision.
		if awserr.Code(err) == "InvalidParameterValueException" {
			result = moved
		}
		return publication{}, result, awserr.Explain(err, "publish version of "+name)
	}
	v, err := published(name, out.Version, out.CodeSha256, at.Digest)
	if err != nil {
		return publication{}, refused, err
	}
	return publication{version: v, failed: out.State == types.StateFailed}, done, nil
}

// published reads the version from an answer, and compares its code with what was wanted.
func published(name string, version, digest *string, want promotion.Digest) (promotion.Version, error) {
	if found := promotion.Digest(aws.ToString(digest)); found != want {
		return 0, fault("build the artifact before the run, and leave it alone until the run has ended",
			"publish version of %s: Lambda has the code %s, and %s was measured: it was changed while it was deployed", name, found.Short(), want.Short())
	}
	v, err := promotion.ParseVersion(aws.ToString(version))
	if err != nil {
		return 0, fault("check AWS_ENDPOINT_URL: it may name a server that is not AWS", "publish version of %s: %v", name, err)
	}
	return v, nil
}

// answer tells what a guarded write that ended with err came to.
func (c *call) answer(err error) answer {
	switch status := awserr.Status(err); {
	case c.unknown(err):
		return unknown
	case status == http.StatusConflict:
		return busy
	case status == http.StatusPreconditionFailed:
		return moved
	}
	return refused
}

// tries bounds how a guarded write is repeated.
type tries struct {
	name  string
	say   promotion.Say
	looks int           // after which nothing more is tried
	pause time.Duration // before the next try while an update is in progress
	last  error         // of the write
}

// again returns an error when the write is not to be tried again, and nil when $LATEST is to be looked at once more.
func (t *tries) again(ctx context.Context, result answer, err error) error {
	t.last = err
	if ctx.Err() != nil {
		return t.ended(ctx, err)
	}
	switch result {
	case busy:
		// An update that is in progress is waited for by reading. The pause is for a conflict of another kind.
		t.say("another update of %s is in progress: waiting for it", t.name)
		t.pause = min(max(2*t.pause, 300*time.Millisecond), 5*time.Second)
		sleep(ctx, t.pause)
		return nil
	case refused:
		return err
	}
	if t.looks++; t.looks > maxLooks {
		return err
	}
	if result == unknown {
		t.say("the answer to a change of %s was lost: looking what became of it", t.name)
		sleep(ctx, time.Duration(t.looks)*300*time.Millisecond)
	}
	return nil
}

// ended takes the end of the time for what it is: the write was refused for too long. Other errors stay as they are.
func (t *tries) ended(ctx context.Context, err error) error {
	if context.Cause(ctx) != errTooLong {
		return err
	}
	return fault("wait until the other deployment is over, and see to it that only one at a time touches the function",
		"%s could not be changed in time: %v", t.name, t.last)
}

// conflict says how $LATEST differs from what the plan decided on.
func conflict(name string, from, now promotion.Snapshot) error {
	expected, found := []string{}, []string{}
	if from.Digest != now.Digest {
		expected, found = append(expected, "code "+from.Digest.Short()), append(found, "code "+now.Digest.Short())
	}
	for _, d := range from.Configuration.Diff(now.Configuration) {
		expected = append(expected, fmt.Sprintf("%s %s", d.Field, or(d.From, "not set")))
		found = append(found, fmt.Sprintf("%s %s", d.Field, or(d.To, "not set")))
	}
	return &promotion.Conflict{Thing: "$LATEST of " + name, Expected: strings.Join(expected, ", "), Found: strings.Join(found, ", ")}
}

// changes lists the fields that differ, for a sentence.
func changes(from, to promotion.Configuration) string {
	var fields []string
	for _, d := range from.Diff(to) {
		fields = append(fields, d.Field)
	}
	return strings.Join(fields, ", ")
}
