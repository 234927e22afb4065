package notify_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/promote-on-success/promote/internal/notify"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	sandboxsns "github.com/promote-on-success/promote/internal/sandbox/sns"
)

func create(t *testing.T, c *sandboxtest.Cloud, name string, region ...string) string {
	t.Helper()
	in := &sns.CreateTopicInput{Name: aws.String(name)}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes = map[string]string{"FifoTopic": "true"}
	}
	out, err := sns.NewFromConfig(c.AWS(region...)).CreateTopic(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c.ResetCalls()
	return *out.TopicArn
}

// published sends the message to a topic, and returns what arrived there.
func published(t *testing.T, c *sandboxtest.Cloud, arn string, m notify.Message) sandboxsns.Message {
	t.Helper()
	if faults := notify.New(notify.Options{Topic: arn, AWS: c.AWS()}).Send(t.Context(), m); len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	all := c.Server().SNS().Messages(arn)
	return all[len(all)-1]
}

func TestTopicGetsTheMessage(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	arn := create(t, c, "releases")
	t.Run("with a subject, the text, and attributes to filter by", func(t *testing.T) {
		got := published(t, c, arn, promoted())
		if got.Subject != "promoted: shop in prod, 2 functions" {
			t.Errorf("subject %q", got.Subject)
		}
		if want := "promoted: shop in prod, 2 functions\n\ncheckout 41 → 42\npayments 7 → 8\n\nhttps://github.com/octo-org/shop/actions/runs/1?attempt=2&check=3"; got.Text != want {
			t.Errorf("text %q", got.Text)
		}
		if want := map[string]string{"outcome": "promoted", "app": "shop", "environment": "prod"}; !reflect.DeepEqual(got.Attributes, want) {
			t.Errorf("attributes %v", got.Attributes)
		}
		if count := c.Count("sns"); !reflect.DeepEqual(count, map[string]int{"Publish": 1}) {
			t.Errorf("calls %v", count)
		}
	})
	t.Run("in its own region", func(t *testing.T) {
		published(t, c, create(t, c, "releases", "us-east-1"), promoted())
	})
	for _, tc := range []struct {
		name    string
		message notify.Message
		subject string
		text    string
	}{
		{"a title that is no subject", notify.Message{Title: " \x1b[1m größe:\n41 → 42… \u202e\xff"}, "?[1m gr??e: 41 -> 42... ??", "�[1m größe: 41 → 42… ��"},
		{"a title that is too long", notify.Message{Title: strings.Repeat("x", 300)}, strings.Repeat("x", 96) + "...", strings.Repeat("x", 300)},
		{"no title", notify.Message{Lines: []string{"a"}}, "", "a"},
		{"nothing at all", notify.Message{}, "", "(no text)"},
		{"a link that is none", notify.Message{Title: "t", Link: "javascript:alert(1)"}, "t", "t"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := published(t, c, arn, tc.message); got.Subject != tc.subject || got.Text != tc.text {
				t.Errorf("subject %q, text %.200q", got.Subject, got.Text)
			}
		})
	}
	t.Run("a text that is too long ends with the link", func(t *testing.T) {
		m := promoted()
		m.Lines = []string{strings.Repeat("ä", 1<<20)}
		if got := published(t, c, arn, m); len(got.Text) > 66<<10 || !strings.HasSuffix(got.Text, "ä…\n\n"+m.Link) {
			t.Errorf("%d bytes, the end %q", len(got.Text), got.Text[len(got.Text)-100:])
		}
	})
	t.Run("attributes that SNS would refuse", func(t *testing.T) {
		m := notify.Message{Title: "t", Attributes: map[string]string{"AWS.x y": "v\n\x00", "": "v", "empty": " "}}
		for i := range 20 {
			m.Attributes[fmt.Sprintf("a%02d", i)] = strings.Repeat("v", 10_000)
		}
		if got := published(t, c, arn, m); len(got.Attributes) != 10 || got.Attributes["AWS-x-y"] != "v �" {
			t.Errorf("attributes %.100v", got.Attributes)
		}
	})
	t.Run("a FIFO topic keeps the order of an environment, and both of two equal messages", func(t *testing.T) {
		fifo := create(t, c, "releases.fifo")
		published(t, c, fifo, promoted())
		if got := published(t, c, fifo, promoted()); got.Group != "shop-prod" || len(c.Server().SNS().Messages(fifo)) != 2 {
			t.Errorf("message %+v", got)
		}
		m := promoted()
		m.Attributes = map[string]string{"app": strings.Repeat("ü", 200) + strings.Repeat("x", 200)}
		if got := published(t, c, fifo, m); len(got.Group) != 128 {
			t.Errorf("group %q", got.Group)
		}
	})
}

func TestTopicFaults(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	arn := create(t, c, "releases")
	send := func(t *testing.T, arn string, cfg aws.Config) func(what, hint string) {
		faults := notify.New(notify.Options{Topic: arn, AWS: cfg}).Send(t.Context(), promoted())
		return func(what, hint string) { t.Helper(); wantFault(t, faults, what, hint) }
	}
	t.Run("a role that may not publish learns the permission", func(t *testing.T) {
		if err := c.Server().Deny(sandbox.Denial{Action: "sns:Publish"}); err != nil {
			t.Fatal(err)
		}
		defer c.Server().ClearDenials()
		send(t, arn, c.AWS())("publish to the topic releases: user sandbox may not sns:Publish on "+arn, `"Action": "sns:Publish", "Resource": "`+arn+`"`)
	})
	t.Run("a topic that is not there", func(t *testing.T) {
		send(t, arn+"x", c.AWS())("publish to the topic releasesx: SNS does not find it", arn+"x")
	})
	t.Run("a topic of another account", func(t *testing.T) {
		send(t, "arn:aws:sns:eu-west-1:210987654321:releases", c.AWS())("may not sns:Publish on arn:aws:sns:eu-west-1:210987654321:releases", "resource-based policy")
	})
	for _, text := range []string{"releases", "arn:aws:sqs:eu-west-1:123456789012:releases", arn + ":0f1e", "arn:aws:sns::123456789012:releases", "a\nb"} {
		t.Run("what is no topic: "+text, func(t *testing.T) {
			send(t, text, c.AWS())("it is not the ARN of a topic; accepted: an ARN such as", "")
		})
	}
	t.Run("credentials that are none", func(t *testing.T) {
		send(t, arn, c.AWSWith("AKIDUNKNOWN", "secret", ""))("AWS does not accept the credentials", "AWS_ACCESS_KEY_ID")
	})
	for code, hint := range map[string]string{"KMSAccessDenied": "kms:GenerateDataKey", "InternalError": "run it again", "InvalidParameter": ""} {
		t.Run(code, func(t *testing.T) {
			status := 400
			if code == "InternalError" {
				status = 500
			}
			if _, err := c.Server().Fault(sandbox.Fault{Kind: sandbox.FailBefore, Service: "sns", Status: status, Code: code, Count: -1}); err != nil {
				t.Fatal(err)
			}
			defer c.Server().ClearFaults()
			send(t, arn, c.AWS())("publish to the topic releases: ", hint)
		})
	}
	t.Run("a topic that throttles", func(t *testing.T) {
		if _, err := c.Server().Fault(sandbox.Fault{Kind: sandbox.Throttle, Service: "sns", Count: -1}); err != nil {
			t.Fatal(err)
		}
		defer c.Server().ClearFaults()
		send(t, arn, c.AWS())("SNS throttled the call", "too much is published")
	})
}

func TestTopicThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		arn := create(t, c, "releases")
		if _, err := c.Server().Fault(sandbox.Fault{Kind: sandbox.Hold, Service: "sns", Count: -1}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		// The webhook is told at the same time, and gets its message.
		told := false
		hook := &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			told = time.Since(start) == 0
			return answer(http.StatusOK, "ok"), nil
		})}
		faults := notify.New(notify.Options{Topic: arn, AWS: c.AWS(), Webhook: secretURL, HTTP: hook}).Send(t.Context(), promoted())
		wantFault(t, faults, "publish to the topic releases: SNS did not answer in time", "")
		if took := time.Since(start); took != 10*time.Second || !told {
			t.Errorf("took %s, the webhook was told: %t", took, told)
		}
	})
}

func TestNobodyToTell(t *testing.T) {
	if faults := notify.New(notify.Options{}).Send(t.Context(), promoted()); len(faults) > 0 {
		t.Errorf("faults %v", faults)
	}
}
