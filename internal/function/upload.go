package function

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// maxReplacements is how often code that $LATEST holds already is uploaded all the same, to get a version instead of
// one that failed.
const maxReplacements = 2

// Upload makes p the code of $LATEST and publishes it. It is one call of Lambda, so that nobody's change can come
// between the code and the version. Where $LATEST holds the code already it is only published, which finds the version
// that a lost answer, or a run that died, has left.
func (a *Account) Upload(ctx context.Context, name string, p promotion.Package, from promotion.Snapshot, say promotion.Say) (promotion.Version, error) {
	if err := a.Fits(ctx, name, p, from); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.options.UpdateTimeout, errTooLong)
	defer cancel()
	code := &code{account: a, pkg: p}
	try := tries{name: name, say: say}
	now, replace, replaced := from, from.Failed != "", 0
	for {
		var v promotion.Version
		var result answer
		var err error
		if replace || now.Digest != p.Digest {
			v, result, err = a.updateCode(ctx, name, code, now)
		} else {
			var found publication
			found, result, err = a.publishLatest(ctx, name, now)
			v = found.version
			if result == done && found.failed && replaced < maxReplacements {
				// Lambda goes on returning the failed version until there was another update.
				say("version %s of %s has this code and failed: uploading it anew for another version", v, name)
				replace, replaced = true, replaced+1
				continue
			}
		}
		if result == done {
			return v, nil
		}
		if err := try.again(ctx, result, err); err != nil {
			return 0, err
		}
		next, err := a.settled(ctx, name, say, true)
		if err != nil {
			return 0, try.ended(ctx, err)
		}
		if next.Digest != now.Digest && next.Digest != p.Digest {
			say("$LATEST of %s has got other code meanwhile (%s): it is replaced", name, next.Digest.Short())
		}
		if fields := changes(now.Configuration, next.Configuration); fields != "" {
			say("the configuration of %s was changed meanwhile (%s): the version gets it as it is now", name, fields)
		}
		if result == unknown {
			replace = false // it may have been replaced
		}
		now, replace = next, replace || next.Failed != ""
	}
}

// updateCode uploads and publishes in one call, if $LATEST is still at the revision that was read.
func (a *Account) updateCode(ctx context.Context, name string, code *code, at promotion.Snapshot) (promotion.Version, answer, error) {
	in := &lambda.UpdateFunctionCodeInput{FunctionName: &name, Publish: true, RevisionId: aws.String(string(at.Revision))}
	sending, err := code.into(ctx, in)
	if err != nil {
		return 0, refused, err
	}
	defer sending.close()
	out, err := a.lambda.UpdateFunctionCode(ctx, in, sending.send)
	if err != nil {
		return 0, sending.answer(err), awserr.Explain(err, fmt.Sprintf("upload %s to %s", code.pkg.Origin, name))
	}
	v, err := published(name, out.Version, out.CodeSha256, code.pkg.Digest)
	if err != nil {
		return 0, refused, err
	}
	if was, is := at.Configuration["Architectures"], joined(out.Architectures); is != "" && is != was {
		return 0, refused, fault("", "upload %s to %s: Lambda changed the architecture from %s to %s", code.pkg.Origin, name, was, is)
	}
	return v, done, nil
}
