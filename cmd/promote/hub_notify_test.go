package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// A channel is a webhook that keeps what it gets, beside the sandbox.
type channel struct {
	next   http.RoundTripper
	status int
	texts  []string
}

const webhook = "https://hooks.slack.com/services/T0/B0/s3cr3t"

func (c *channel) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "hooks.slack.com" {
		return c.next.RoundTrip(r)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var message struct{ Text string }
	if err := json.Unmarshal(text, &message); err != nil {
		return nil, err
	}
	c.texts = append(c.texts, string(text))
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
}

func TestNotificationsGoByOutcome(t *testing.T) {
	red := []string{"verify", "[{invoke: {function: checkout, expect: .ok}}]"}
	for name, c := range map[string]struct {
		on                        string
		good, same, bad, goneBack bool
	}{
		"failures":                      {"failures", false, false, true, true}, // a rollback has the kind of one that was not asked for
		"changes, which is the default": {"", true, false, true, true},
		"all":                           {"all", true, true, true, true},
		"one that is named":             {"unchanged", false, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inOffice(t, func(t *testing.T, f *office) {
				out, err := sns.NewFromConfig(f.cloud.AWS()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("releases.fifo"), Attributes: map[string]string{"FifoTopic": "true"}})
				f.must(err)
				slack := &channel{next: f.cloud.HTTPClient().Transport, status: http.StatusOK}
				tells := func(what string, want bool, inputs ...string) {
					t.Helper()
					before, texts := len(f.cloud.Server().SNS().Messages("")), len(slack.texts)
					j := f.job("c2", "v2", append([]string{"notify-topic", aws.ToString(out.TopicArn), "notify-webhook", webhook, "notify-on", c.on}, inputs...)...)
					j.web = slack
					r := j.run()
					r.warned(t)
					got := len(f.cloud.Server().SNS().Messages("")) - before
					if want && (got != 1 || len(slack.texts) != texts+1) || !want && (got != 0 || len(slack.texts) != texts) {
						t.Errorf("%s: the topic got %d messages, the webhook %d", what, got, len(slack.texts)-texts)
					}
					if strings.Contains(strings.ReplaceAll(r.log, "::add-mask::"+webhook, ""), "s3cr3t") {
						t.Errorf("the log tells the webhook:\n%s", r.log)
					}
				}
				tells("verification-failed", c.bad, red...)
				tells("promoted", c.good)
				tells("unchanged", c.same)
				tells("rolled-back", c.goneBack, "mode", "rollback", "reason", "it is bad")
			})
		})
	}
}

func TestATopicAndAWebhookThatRefuseAreAWarningEach(t *testing.T) {
	inOffice(t, func(t *testing.T, f *office) {
		slack := &channel{next: f.cloud.HTTPClient().Transport, status: http.StatusForbidden}
		j := f.job("c2", "v2", "notify-topic", "arn:aws:sns:eu-west-1:123456789012:missing", "notify-webhook", webhook)
		j.web = slack
		j.run().ended(t, "promoted", 0, "topic missing", "hooks.slack.com")
	})
}
