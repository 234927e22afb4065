package function_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
)

// withAlias has versions 1 and 2, and alias live at 1.
func withAlias(t *testing.T) (*world, promotion.Routing) {
	t.Helper()
	w := newWorld(t, sandbox.Options{}, function.Options{CallTimeout: 200 * time.Millisecond})
	w.cloud.Publish(fn)
	w.upload(t, "B")
	w.settle(t)
	w.cloud.Publish(fn)
	w.cloud.Alias(fn, "live", "1")
	r, err := w.Read(t.Context(), fn, "live")
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

func TestAnAliasThatIsMovedGoesThereWholeAndLosesItsWeights(t *testing.T) {
	w, _ := withAlias(t)
	if _, err := w.cloud.Lambda().UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: aws.String(fn), Name: aws.String("live"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}}}); err != nil {
		t.Fatal(err)
	}
	split, err := w.Read(t.Context(), fn, "live")
	if err != nil || split.Version != 1 || split.Weights[2] != 0.25 || split.Revision == "" {
		t.Fatalf("got %+v, %v", split, err)
	}
	moved, err := w.Move(t.Context(), fn, "live", split.Revision, 2)
	if err != nil || moved.Version != 2 || !moved.Whole() || moved.Revision == split.Revision {
		t.Fatalf("got %+v, %v", moved, err)
	}
	if now, err := w.Read(t.Context(), fn, "live"); err != nil || !now.Same(moved) || now.Revision != moved.Revision {
		t.Errorf("it is %+v, and the move said %+v (%v)", now, moved, err)
	}
}

func TestAMoveSaysWhatBecameOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		happens  []event
		revision promotion.Revision // instead of the alias's
		alias    string
		want     error
		at       promotion.Version // where the alias is afterwards
		attempts int
	}{
		"carried out":                      {at: 2, attempts: 1},
		"with a stale revision":            {revision: "11111111-2222-3333-4444-555555555555", want: promotion.ErrStale, at: 1, attempts: 1},
		"without a revision":               {revision: "none", at: 1, attempts: 0, want: errOther},
		"of an alias that is gone":         {alias: "gone", want: promotion.ErrNotFound, at: 1, attempts: 1},
		"500 before the effect":            {happens: []event{failed}, want: promotion.ErrUnknownEffect, at: 1, attempts: 1},
		"500 after the effect":             {happens: []event{failedAfter}, want: promotion.ErrUnknownEffect, at: 2, attempts: 1},
		"the answer is lost":               {happens: []event{lost}, want: promotion.ErrUnknownEffect, at: 2, attempts: 1},
		"the request is lost":              {happens: []event{never}, want: promotion.ErrUnknownEffect, at: 1, attempts: 1},
		"no answer in time":                {happens: []event{hangs}, want: promotion.ErrUnknownEffect, at: 1, attempts: 1},
		"throttled once":                   {happens: []event{throttled}, at: 2, attempts: 2},
		"throttled, then the answer lost":  {happens: []event{throttled, lost}, want: promotion.ErrUnknownEffect, at: 2, attempts: 2},
		"throttled as often as it is sent": {happens: []event{throttled, throttled, throttled}, want: errOther, at: 1, attempts: 3},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := withAlias(t)
			w.on("UpdateAlias", c.happens...)
			alias := "live"
			if c.alias != "" {
				alias = c.alias
			}
			switch c.revision {
			case "":
			case "none":
				r.Revision = ""
			default:
				r.Revision = c.revision
			}
			before := len(w.sent())
			_, err := w.Move(t.Context(), fn, alias, r.Revision, 2)
			expect(t, err, c.want)
			if n := len(w.sent()) - before; n != c.attempts {
				t.Errorf("it was sent %d times, want %d", n, c.attempts)
			}
			if now, err := w.Read(t.Context(), fn, "live"); err != nil || now.Version != c.at {
				t.Errorf("the alias is at %s (%v), want %s", now, err, c.at)
			}
		})
	}
}

var errOther = errors.New("any fault that is none of the named errors")

// expect compares an error with those that the story branches on: exactly one, or none.
func expect(t *testing.T, err, want error) {
	t.Helper()
	named := []error{promotion.ErrStale, promotion.ErrNotFound, promotion.ErrExists, promotion.ErrUnknownEffect}
	for _, e := range named {
		if errors.Is(err, e) != (e == want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if (err != nil) != (want != nil) {
		t.Errorf("got %v, want %v", err, want)
	}
	if err != nil && !slices.Contains([]error{promotion.ErrStale, promotion.ErrNotFound, promotion.ErrExists}, want) {
		faultText(t, err)
	}
}

func TestACreationSaysWhatBecameOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		happens []event
		alias   string
		version promotion.Version
		want    error
		exists  bool
	}{
		"carried out":           {alias: "new", version: 2, exists: true},
		"where there is one":    {alias: "live", version: 2, want: promotion.ErrExists, exists: true},
		"at no version":         {alias: "new", version: 99, want: errOther},
		"500 before the effect": {happens: []event{failed}, alias: "new", version: 2, want: promotion.ErrUnknownEffect},
		"500 after the effect":  {happens: []event{failedAfter}, alias: "new", version: 2, want: promotion.ErrUnknownEffect, exists: true},
		"the answer is lost":    {happens: []event{lost}, alias: "new", version: 2, want: promotion.ErrUnknownEffect, exists: true},
		"no answer in time":     {happens: []event{hangs}, alias: "new", version: 2, want: promotion.ErrUnknownEffect},
		"throttled once":        {happens: []event{throttled}, alias: "new", version: 2, exists: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := withAlias(t)
			w.on("CreateAlias", c.happens...)
			r, err := w.Create(t.Context(), fn, c.alias, c.version)
			expect(t, err, c.want)
			if err == nil && (r.Version != c.version || !r.Whole() || r.Revision == "") {
				t.Errorf("got %+v", r)
			}
			_, err = w.Read(t.Context(), fn, c.alias)
			if errors.Is(err, promotion.ErrNotFound) == c.exists {
				t.Errorf("reading it gives %v, want it to exist: %v", err, c.exists)
			}
		})
	}
}

func TestAnInterruptionBeforeAWriteIsSentChangesNothingForSure(t *testing.T) {
	w, r := withAlias(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Move(ctx, fn, "live", r.Revision, 2)
	expect(t, err, errOther)

	ctx, cancel = context.WithCancel(t.Context())
	w.on("UpdateAlias", after(cancel))
	_, err = w.Move(ctx, fn, "live", r.Revision, 2)
	expect(t, err, promotion.ErrUnknownEffect)
}

func TestAnAliasOfLatestIsNoBaseline(t *testing.T) {
	w, _ := withAlias(t)
	w.cloud.Alias(fn, "dev", "$LATEST")
	_, err := w.Read(t.Context(), fn, "dev")
	contains(t, faultText(t, err), "alias dev of shop-fn points to $LATEST", "update-alias")
}
