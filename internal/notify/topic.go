package notify

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	// maxText is how many bytes of text are published. SNS takes 256 KB with attributes; nobody reads that much.
	maxText = 64 << 10
	// maxSubject is one less than SNS's limit: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
	maxSubject = 99
	// maxAttributes is what a queue takes of a message that is delivered raw:
	// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html.
	maxAttributes = 10
)

// topic is an SNS topic, or the reason why it cannot be one.
type topic struct {
	arn    string
	name   string
	client *sns.Client
	wrong  error
}

func newTopic(text string, cfg aws.Config) *topic {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "sns" || a.Region == "" || a.Resource == "" || strings.Contains(a.Resource, ":") {
		return &topic{wrong: promotion.Fault{
			What:     fmt.Sprintf("publish to the topic %s: it is not the ARN of a topic", oneLine(cut(clean(text), 200))),
			Accepted: "an ARN such as arn:aws:sns:eu-west-1:123456789012:releases",
		}}
	}
	client := sns.NewFromConfig(cfg, func(o *sns.Options) { o.Region = a.Region })
	return &topic{arn: text, name: a.Resource, client: client}
}

func (t *topic) publish(ctx context.Context, m Message) error {
	if t.wrong != nil {
		return t.wrong
	}
	in := &sns.PublishInput{TopicArn: aws.String(t.arn), Message: aws.String(topicText(m)), MessageAttributes: topicAttributes(m.Attributes)}
	if subject := ascii(m.Title); subject != "" {
		if len(subject) > maxSubject {
			subject = subject[:maxSubject-3] + "..."
		}
		in.Subject = aws.String(subject)
	}
	if strings.HasSuffix(t.name, ".fifo") {
		in.MessageGroupId = aws.String(group(m.Attributes))
		// The id keeps a repeated request from being delivered twice, and two runs that say the same apart.
		in.MessageDeduplicationId = aws.String(rand.Text())
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err := t.client.Publish(bounded, in); err != nil {
		return t.explain(err)
	}
	return nil
}

// explain says what went wrong, with advice for what only a topic has.
func (t *topic) explain(err error) error {
	f := promotion.FaultOf(awserr.Explain(err, "publish to the topic "+t.name))
	switch code := awserr.Code(err); {
	case code == "NotFound" || code == "NotFoundException":
		f.Hint = "is the ARN right, with its account and its region? The topic has to be there before: " + t.arn
	case strings.HasPrefix(code, "KMS"):
		f.Hint = "the topic is encrypted: the role needs kms:GenerateDataKey and kms:Decrypt on its key"
	case awserr.Status(err) == 429 || code == "Throttling":
		f.Hint = "too much is published in this account and region at once; nothing was lost but this message"
	}
	return f
}

func topicText(m Message) string {
	parts := []string{oneLine(m.Title)}
	if len(m.Lines) > 0 {
		parts = append(parts, clean(strings.Join(m.Lines, "\n")))
	}
	text := cut(strings.TrimSpace(strings.Join(parts, "\n\n")), maxText)
	if link := webLink(m.Link); link != "" {
		text += "\n\n" + link
	}
	if strings.TrimSpace(text) == "" {
		return "(no text)" // SNS takes no message without any
	}
	return text
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// topicAttributes are the message's, by name, with values that SNS takes.
func topicAttributes(all map[string]string) map[string]types.MessageAttributeValue {
	attributes := map[string]types.MessageAttributeValue{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := cut(oneLine(all[name]), 1024)
		name = notInNames.ReplaceAllString(name, "-")
		if name == "" || value == "" || len(attributes) == maxAttributes {
			continue
		}
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	return attributes
}

// group is the order of a FIFO topic that the message stands in: that of its environment.
func group(attributes map[string]string) string {
	id := strings.Trim(notInNames.ReplaceAllString(attributes["app"]+"."+attributes["environment"], "-"), "-")
	if id == "" {
		id = "promote"
	}
	return id[:min(len(id), 128)]
}
