package function_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
)

// number reads a version's number as the sandbox's helpers give it.
func number(t *testing.T, s string) promotion.Version {
	t.Helper()
	v, err := promotion.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// finds checks that a version is the code and memory that is expected of it.
func (w *world) finds(t *testing.T, v promotion.Version, want promotion.Digest, memory string) {
	t.Helper()
	s, err := w.Await(t.Context(), fn, v, w.say)
	if err != nil {
		t.Fatal(err)
	}
	if s.Version != v || s.Digest != want || s.Configuration["MemorySize"] != memory || s.Failed != "" {
		t.Errorf("version %s is %s with %s MB (%s), want %s with %s MB", s.Version, s.Digest, s.Configuration["MemorySize"], s.Failed, want, memory)
	}
	if !strings.HasSuffix(s.ARN, ":"+fn+":"+v.String()) {
		t.Errorf("its ARN is %s", s.ARN)
	}
}

func TestAnUploadPublishesTheCodeThatItUploadedWhateverHappens(t *testing.T) {
	for name, c := range map[string]struct {
		happens  func(t *testing.T, w *world)
		sent     []string
		versions int    // published in all
		memory   string // of the version
		says     []string
	}{
		"nothing happens": {sent: []string{"UpdateFunctionCode"}, versions: 1},
		"the answer is lost": {
			// The SDK sends it again, which the revision refuses: then it is looked what the first one did.
			happens: func(t *testing.T, w *world) { w.on("UpdateFunctionCode", lost) },
			sent:    []string{"UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"}, versions: 1,
		},
		"the answer is lost three times": {
			happens: func(t *testing.T, w *world) { w.on("UpdateFunctionCode", lost, lost, lost) },
			sent:    []string{"UpdateFunctionCode", "UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"}, versions: 1,
		},
		"the request is lost three times": {
			happens: func(t *testing.T, w *world) { w.on("UpdateFunctionCode", never, never, never) },
			sent:    []string{"UpdateFunctionCode", "UpdateFunctionCode", "UpdateFunctionCode", "UpdateFunctionCode"}, versions: 1,
			says: []string{"was lost: looking what became of it"},
		},
		"500 after the effect": {
			happens: func(t *testing.T, w *world) { w.on("UpdateFunctionCode", failedAfter, failed, failed) },
			sent:    []string{"UpdateFunctionCode", "UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion"}, versions: 1,
		},
		"the answers of both calls are lost": {
			happens: func(t *testing.T, w *world) {
				w.on("UpdateFunctionCode", lost, failed, failed)
				w.on("PublishVersion", lost, failed, failed)
			},
			sent: []string{"UpdateFunctionCode", "UpdateFunctionCode", "UpdateFunctionCode", "PublishVersion", "PublishVersion", "PublishVersion", "PublishVersion"}, versions: 1,
		},
		"the revision has moved by a publication": {
			happens: func(t *testing.T, w *world) { w.on("UpdateFunctionCode", after(func() { w.cloud.Publish(fn) })) },
			sent:    []string{"UpdateFunctionCode", "UpdateFunctionCode"}, versions: 2,
		},
		"other code has come": {
			happens: func(t *testing.T, w *world) {
				w.on("UpdateFunctionCode", after(func() { w.upload(t, "C"); w.settle(t) }))
			},
			sent: []string{"UpdateFunctionCode", "UpdateFunctionCode"}, versions: 1,
			says: []string{"other code meanwhile", "it is replaced"},
		},
		"the same code has come": {
			happens: func(t *testing.T, w *world) {
				w.on("UpdateFunctionCode", after(func() { w.upload(t, "B"); w.settle(t) }))
			},
			sent: []string{"UpdateFunctionCode", "PublishVersion"}, versions: 1,
		},
		"another configuration has come": {
			happens: func(t *testing.T, w *world) {
				w.on("UpdateFunctionCode", after(func() { w.configure(t, 512); w.settle(t) }))
			},
			sent: []string{"UpdateFunctionCode", "UpdateFunctionCode"}, versions: 1, memory: "512",
			says: []string{"configuration of shop-fn was changed meanwhile (MemorySize)"},
		},
		"$LATEST holds the code already": {
			happens: func(t *testing.T, w *world) { w.upload(t, "B"); w.settle(t) },
			sent:    []string{"PublishVersion"}, versions: 1,
		},
		"throttled": {
			happens: func(t *testing.T, w *world) { w.on("UpdateFunctionCode", throttled) },
			sent:    []string{"UpdateFunctionCode", "UpdateFunctionCode"}, versions: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{}, function.Options{})
			p := w.pack(t, "B")
			early := name == "$LATEST holds the code already"
			if early {
				c.happens(t, w)
			}
			from := w.latest(t)
			if !early && c.happens != nil {
				c.happens(t, w)
			}
			v, err := w.Upload(t.Context(), fn, p, from, w.say)
			if err != nil {
				t.Fatal(err)
			}
			if c.memory == "" {
				c.memory = "128"
			}
			if sent := w.sent(); !slices.Equal(sent, c.sent) {
				t.Errorf("it sent %v, want %v", sent, c.sent)
			}
			w.finds(t, v, p.Digest, c.memory)
			if n := w.versions(t); n != c.versions {
				t.Errorf("there are %d versions, want %d", n, c.versions)
			}
			if latest := w.latest(t); latest.Digest != p.Digest || latest.Version != 0 {
				t.Errorf("$LATEST holds %s", latest.Digest)
			}
			contains(t, w.String(), c.says...)
		})
	}
}

func TestAnUploadThatLosesEveryTimeGivesUp(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	p, from := w.pack(t, "B"), w.latest(t)
	move := after(func() { w.cloud.Publish(fn); w.configure(t, int32(256+len(w.sent()))); w.settle(t) })
	w.on("UpdateFunctionCode", slices.Repeat([]event{move}, 10)...)
	_, err := w.Upload(t.Context(), fn, p, from, w.say)
	contains(t, faultText(t, err), "upload B.zip to shop-fn", "changed by somebody else")
	if n := len(w.sent()); n != 4 {
		t.Errorf("it was sent %d times, want 4", n)
	}
}

func TestAnArtifactThatChangesWhileItIsDeployedIsNotPublished(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	p, from := w.pack(t, "B"), w.latest(t)
	write(t, w.workspace+"/B.zip", archived(t, map[string]string{"bootstrap*": "other"}))
	_, err := w.Upload(t.Context(), fn, p, from, w.say)
	contains(t, faultText(t, err), "B.zip was changed while it was deployed")
	if w.versions(t) != 0 || len(w.sent()) != 0 {
		t.Errorf("%v was sent", w.sent())
	}

	files(t, w.workspace+"/dist", map[string]string{"bootstrap*": "one"})
	p, err = w.Package(t.Context(), dirArtifact("dist/"))
	if err != nil {
		t.Fatal(err)
	}
	files(t, w.workspace+"/dist", map[string]string{"bootstrap*": "two"})
	_, err = w.Upload(t.Context(), fn, p, from, w.say)
	contains(t, faultText(t, err), "dist/ was changed while it was deployed")
	if len(w.sent()) != 0 {
		t.Errorf("%v was sent", w.sent())
	}
}

func TestADirectoryIsUploadedAsItWasMeasured(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	files(t, w.workspace+"/dist", map[string]string{"bootstrap*": "#!/bin/sh\n", "data/a.json": strings.Repeat("{}", 70000)})
	p, err := w.Package(t.Context(), dirArtifact("dist/"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.Upload(t.Context(), fn, p, w.latest(t), w.say)
	if err != nil {
		t.Fatal(err)
	}
	w.finds(t, v, p.Digest, "128")
}

func TestPublishingTakesLatestExactlyAsItWasRead(t *testing.T) {
	for name, c := range map[string]struct {
		happens  func(t *testing.T, w *world)
		sent     int
		conflict []string // none: it is published
	}{
		"nothing happens":                  {sent: 1},
		"the answer is lost":               {happens: func(t *testing.T, w *world) { w.on("PublishVersion", lost) }, sent: 3},
		"the answer is lost for the SDK":   {happens: func(t *testing.T, w *world) { w.on("PublishVersion", lost, failed, failed) }, sent: 4},
		"the request is lost for the SDK":  {happens: func(t *testing.T, w *world) { w.on("PublishVersion", never, never, never) }, sent: 4},
		"the revision has moved":           {happens: func(t *testing.T, w *world) { w.on("PublishVersion", after(func() { w.cloud.Publish(fn) })) }, sent: 2},
		"other code has come":              {happens: func(t *testing.T, w *world) { w.on("PublishVersion", after(func() { w.upload(t, "C"); w.settle(t) })) }, sent: 1, conflict: []string{"code "}},
		"other code has come, not settled": {happens: func(t *testing.T, w *world) { w.on("PublishVersion", after(func() { w.upload(t, "C") })) }, sent: 1, conflict: []string{"code "}},
		"another configuration has come": {happens: func(t *testing.T, w *world) {
			w.on("PublishVersion", after(func() { w.configure(t, 512); w.settle(t) }))
		}, sent: 1, conflict: []string{"MemorySize 128", "MemorySize 512"}},
		"other code has come and gone back": {happens: func(t *testing.T, w *world) {
			w.on("PublishVersion", after(func() { w.upload(t, "C"); w.settle(t); w.upload(t, "A"); w.settle(t) }))
		}, sent: 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{UpdateTime: 50 * time.Millisecond}, function.Options{})
			from := w.latest(t)
			if c.happens != nil {
				c.happens(t, w)
			}
			v, err := w.Publish(t.Context(), fn, from, w.say)
			if n := len(w.sent()); n != c.sent {
				t.Errorf("it was sent %d times, want %d", n, c.sent)
			}
			if c.conflict == nil {
				if err != nil {
					t.Fatal(err)
				}
				w.finds(t, v, from.Digest, "128")
				return
			}
			var conflict *promotion.Conflict
			if !errors.As(err, &conflict) || conflict.Thing != "$LATEST of shop-fn" || conflict.Expected == conflict.Found {
				t.Fatalf("got %v, want a conflict over $LATEST", err)
			}
			contains(t, conflict.Error(), c.conflict...)
			if n := w.versions(t); n != 0 {
				t.Errorf("%d versions were published", n)
			}
		})
	}
}

func TestAnUpdateInProgressIsWaitedFor(t *testing.T) {
	w := newWorld(t, sandbox.Options{UpdateTime: 300 * time.Millisecond}, function.Options{})
	p, from := w.pack(t, "B"), w.latest(t)
	w.upload(t, "C")
	w.on("UpdateFunctionCode", busy)
	v, err := w.Upload(t.Context(), fn, p, from, w.say)
	if err != nil {
		t.Fatal(err)
	}
	w.finds(t, v, p.Digest, "128")
	contains(t, w.String(), "another update of shop-fn is in progress")

	from = w.latest(t)
	w.configure(t, 512)
	w.on("PublishVersion", busy)
	_, err = w.Publish(t.Context(), fn, from, w.say)
	var conflict *promotion.Conflict
	if !errors.As(err, &conflict) {
		t.Errorf("got %v, want a conflict once the update has settled", err)
	}
}

func TestAFunctionThatIsNeverFreeIsGivenUp(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{UpdateTimeout: time.Second})
	p, from := w.pack(t, "B"), w.latest(t)
	w.on("UpdateFunctionCode", slices.Repeat([]event{busy}, 20)...)
	began := time.Now()
	_, err := w.Upload(t.Context(), fn, p, from, w.say)
	contains(t, faultText(t, err), "shop-fn", "only one at a time")
	if n, took := len(w.sent()), time.Since(began); n > 4 || took > 3*time.Second {
		t.Errorf("it was sent %d times in %s", n, took)
	}
	if w.versions(t) != 0 {
		t.Error("a version was published")
	}
}

func TestAnUploadEndsWithItsContext(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	p, from := w.pack(t, "B"), w.latest(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.on("UpdateFunctionCode", func(_ func() (*http.Response, error), r *http.Request) (*http.Response, error) {
		cancel()
		return hangs(nil, r)
	})
	_, err := w.Upload(ctx, fn, p, from, w.say)
	contains(t, faultText(t, err), "upload B.zip to shop-fn", "interrupted")
	if n := len(w.sent()); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

func TestNewestIsTheHighestOfAllPages(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	if v, err := w.Newest(t.Context(), fn); v != 0 || err != nil {
		t.Errorf("got %s, %v, want none", v, err)
	}
	last := ""
	for i := range 60 { // a page holds 50
		w.configure(t, int32(128+i))
		w.settle(t)
		last = w.cloud.Publish(fn)
	}
	if v, err := w.Newest(t.Context(), fn); v != number(t, last) || v != 60 || err != nil {
		t.Errorf("got %s, %v, want %s", v, err, last)
	}
}

func TestNothingIsSentThatWasNotGiven(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	if _, err := w.cloud.Lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String(fn), Timeout: aws.Int32(17)}); err != nil {
		t.Fatal(err)
	}
	before := w.latest(t)
	v, err := w.Upload(t.Context(), fn, w.pack(t, "B"), before, w.say)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Await(t.Context(), fn, v, w.say)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(s.Configuration, before.Configuration) {
		t.Errorf("the configuration changed: %v", before.Configuration.Diff(s.Configuration))
	}
}

func TestWhatDoesNotExistIsToldApart(t *testing.T) {
	w := newWorld(t, sandbox.Options{}, function.Options{})
	_, err := w.Latest(t.Context(), "absent", quiet)
	expectNotFound(t, err, "the function absent does not exist in eu-west-1")
	_, err = w.Version(t.Context(), fn, 7)
	expectNotFound(t, err, "version 7 of shop-fn does not exist")
	_, err = w.Read(t.Context(), fn, "absent")
	expectNotFound(t, err, "alias absent of shop-fn")
}

func expectNotFound(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, promotion.ErrNotFound) {
		t.Fatalf("got %v, want not found", err)
	}
	contains(t, err.Error(), says)
}
