package promotion_test

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// see tells those who wait for it that an actor does something.
func (pf *performance) see(party, deed string) {
	i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(party, "run-"), "-alone"))
	if err != nil {
		return
	}
	pf.mu.Lock()
	defer pf.mu.Unlock()
	if c := pf.cues[cue{i, deed}]; c != nil {
		close(c)
		pf.cues[cue{i, deed}] = nil
	}
}

// wait waits for the cue, and not for ever: it may never come.
func (c cue) wait(pf *performance) {
	pf.mu.Lock()
	moment := pf.cues[c]
	pf.mu.Unlock()
	if moment == nil {
		return
	}
	select {
	case <-moment:
	case <-time.After(30 * time.Second):
	}
}

// takenOver lets go what waits for a takeover.
func (pf *performance) takenOver(fence uint64) {
	pf.mu.Lock()
	defer pf.mu.Unlock()
	pf.fence = fence
	close(pf.overrun)
	pf.overrun = make(chan struct{})
}

// takeover waits for the next grant of the lock, and then for a while, but not for ever.
func (pf *performance) takeover(more time.Duration) func() {
	pf.mu.Lock()
	next := pf.overrun
	pf.mu.Unlock()
	return func() {
		select {
		case <-next:
			time.Sleep(min(more, 20*time.Second))
		case <-time.After(5 * time.Minute):
		}
	}
}

func (who stranger) perform(pf *performance, i int) {
	if who.Function > len(pf.functions) {
		return
	}
	name, f := "stranger-"+strconv.Itoa(i), pf.functions[who.Function-1]
	cfg := pf.cloud.AWS()
	cfg.HTTPClient = &http.Client{Transport: &weather{performance: pf, party: name, door: pf.door}}
	api := lambda.NewFromConfig(cfg)
	who.After.wait(pf)
	time.Sleep(who.At)
	ctx := pf.t.Context()
	in := &lambda.UpdateAliasInput{FunctionName: &f, Name: aws.String("prod")}
	if who.Does == "compares and writes" || who.Does == "touches" {
		found, err := api.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &f, Name: aws.String("prod")})
		if err != nil {
			return // there may be none yet
		}
		in.RevisionId = found.RevisionId
	}
	switch who.Does {
	case "uploads":
		_, _ = api.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &f, ZipFile: pf.cloud.Zip(sandboxtest.Code{Name: "a stranger's"})}) // an update may be under way
		return
	case "overwrites", "compares and writes":
		in.FunctionVersion = aws.String("2")
	}
	pf.strangerWrites(f, in, func() (*lambda.UpdateAliasOutput, error) { return api.UpdateAlias(ctx, in) })
}

// strangerWrites writes an alias as a stranger, and takes it into the chronicle.
func (pf *performance) strangerWrites(f string, in *lambda.UpdateAliasInput, write func() (*lambda.UpdateAliasOutput, error)) {
	op := registerOp{kind: "move", revision: aws.ToString(in.RevisionId), to: aws.ToString(in.FunctionVersion)}
	pf.record(&pf.registers, f, op, func() any {
		out, err := write()
		if err != nil {
			return registerTold{what: "nothing"}
		}
		return registerTold{what: "done", version: aws.ToString(out.FunctionVersion), revision: aws.ToString(out.RevisionId)}
	})
	pf.count("a stranger writes")
}
