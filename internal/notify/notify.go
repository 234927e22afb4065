// Package notify tells people how a run ended: through an SNS topic, through a webhook that Slack's clients would
// understand, or through both.
//
// It knows nothing of outcomes: what a message says and who is to get it is decided elsewhere. It makes the message
// fit: in length, in the characters that each side takes, and without a mention or a link that text from outside could
// bring in. Nothing that goes wrong here is ever fatal: each side that did not get the message is one
// fault with its remedy. The URL of a webhook is a secret, and in no fault is more of it than its host.
package notify

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/promote-on-success/promote/internal/promotion"
)

// timeout is how long each attempt to tell one side may take.
const timeout = 10 * time.Second

// A Message is what people are told, in plain text. It may hold text from outside.
type Message struct {
	Title string   // one line that says it all
	Lines []string // the rest, in its order
	Link  string   // where to read more: an http or https URL, or ""
	Good  bool     // whether it is good news
	// Attributes are what subscriptions to the topic filter by, such as outcome, app and environment. Those without
	// a value are left out. https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
	Attributes map[string]string
}

// Options say who is told.
type Options struct {
	// Topic is the ARN of an SNS topic, "" for none, and AWS the configuration to publish with. The topic's region is
	// taken from its ARN.
	Topic string
	AWS   aws.Config
	// Webhook is the https URL of a webhook, "" for none. Plain http is taken on the loopback interface only.
	Webhook promotion.Secret
	// HTTP sends to the webhook; nil is a client of its own. Its own timeout and rule for redirects are not used.
	HTTP *http.Client
}

// A Notifier tells one topic and one webhook. It is safe for concurrent use.
type Notifier struct {
	topic   *topic
	webhook *webhook
}

// New returns a notifier for what the options name, which may be nothing.
func New(o Options) *Notifier {
	n := &Notifier{}
	if o.Topic != "" {
		n.topic = newTopic(o.Topic, o.AWS)
	}
	if o.Webhook != "" {
		n.webhook = newWebhook(o.Webhook, o.HTTP)
	}
	return n
}

// Send tells everybody at the same time, and returns a fault for each side that did not get the message. It takes
// half a minute at most, and mostly much less.
func (n *Notifier) Send(ctx context.Context, m Message) []promotion.Fault {
	var sides []func(context.Context, Message) error
	if n.topic != nil {
		sides = append(sides, n.topic.publish)
	}
	if n.webhook != nil {
		sides = append(sides, n.webhook.post)
	}
	errs := make([]error, len(sides))
	var wait sync.WaitGroup
	for i, tell := range sides {
		wait.Go(func() { errs[i] = tell(ctx, m) })
	}
	wait.Wait()
	var faults []promotion.Fault
	for _, err := range errs {
		if err != nil {
			faults = append(faults, promotion.FaultOf(err))
		}
	}
	return faults
}
