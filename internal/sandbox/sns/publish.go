package sns

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

const (
	// maxMessage is how many bytes a message may have, attributes included:
	// https://docs.aws.amazon.com/general/latest/gr/sns.html.
	maxMessage = 256 << 10
	// sameMessage is how long a FIFO topic knows a message again:
	// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html.
	sameMessage = 5 * time.Minute
)

// publish keeps a message.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func (s *Service) publish(call cloud.Call, form url.Values) (any, *cloud.Error) {
	arn := form.Get("TopicArn")
	if arn == "" {
		arn = form.Get("TargetArn")
	}
	t, e := s.find(call, arn)
	if e != nil {
		return nil, e
	}
	m := Message{Topic: arn, Subject: form.Get("Subject"), Text: form.Get("Message"), Group: form.Get("MessageGroupId"), Time: time.Now()}
	size := len(m.Text)
	if m.Attributes, size, e = messageAttributes(form, size); e != nil {
		return nil, e
	}
	switch {
	case m.Text == "":
		return nil, invalid("Empty message")
	case size > maxMessage:
		return nil, invalid("Message too long")
	case !utf8.ValidString(m.Text):
		return nil, invalid("Message Reason: Invalid characters")
	case form.Has("Subject") && !subjects.MatchString(m.Subject):
		return nil, invalid("Subject")
	}
	var again published
	if t.fifo() {
		if again, e = t.number(&m, form.Get("MessageDeduplicationId")); e != nil {
			return nil, e
		}
	}
	m.ID = again.id
	if m.ID == "" {
		m.ID = s.uuid()
		s.messages = append(s.messages, m)
		if t.fifo() {
			t.seen[form.Get("MessageDeduplicationId")] = published{id: m.ID, sequence: m.Sequence, at: m.Time}
		}
	}
	return struct {
		XMLName  xml.Name `xml:"PublishResult"`
		ID       string   `xml:"MessageId"`
		Sequence string   `xml:"SequenceNumber,omitempty"`
	}{ID: m.ID, Sequence: m.Sequence}, nil
}

// subjects are of ASCII, of one line, and shorter than a hundred characters; they do not begin with a space.
var subjects = regexp.MustCompile(`^[!-~][ -~]{0,98}$`)

// number gives a message its place in a FIFO topic, or finds the one that it repeats.
func (t *topic) number(m *Message, deduplication string) (again published, e *cloud.Error) {
	switch {
	case m.Group == "":
		return again, invalid("The MessageGroupId parameter is required for FIFO topics")
	case len(m.Group) > 128 || len(deduplication) > 128:
		return again, invalid("MessageGroupId or MessageDeduplicationId Reason: at most 128 characters")
	case deduplication == "":
		return again, invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	if again = t.seen[deduplication]; again.id != "" && m.Time.Sub(again.at) < sameMessage {
		m.Sequence = again.sequence
		return again, nil
	}
	t.next++
	m.Sequence = fmt.Sprintf("%020d", t.next)
	return published{}, nil
}

var attributeNames = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

// messageAttributes reads those of a message, and adds their bytes to its size.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func messageAttributes(form url.Values, size int) (map[string]string, int, *cloud.Error) {
	var attributes map[string]string
	for i := 1; ; i++ {
		at := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if !form.Has(at + "Name") {
			return attributes, size, nil
		}
		name, kind, value := form.Get(at+"Name"), form.Get(at+"Value.DataType"), form.Get(at+"Value.StringValue")
		lower := strings.ToLower(name)
		switch {
		case !attributeNames.MatchString(name), strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."),
			strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."):
			return nil, 0, parameter(fmt.Sprintf("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters. Names can't start with AWS. or Amazon. or a period, and can't end with one.", name))
		case attributes[name] != "":
			return nil, 0, parameter(fmt.Sprintf("The message attribute '%s' is there more than once.", name))
		case kind != "String" && !strings.HasPrefix(kind, "String."):
			return nil, 0, parameter(fmt.Sprintf("The sandbox keeps message attributes of type String, and '%s' is of type '%s'.", name, kind))
		case value == "":
			return nil, 0, parameter(fmt.Sprintf("The message attribute '%s' must contain non-empty message attribute value for message attribute type 'String'.", name))
		}
		if attributes == nil {
			attributes = map[string]string{}
		}
		attributes[name] = value
		size += len(name) + len(kind) + len(value)
	}
}

func parameter(message string) *cloud.Error {
	return &cloud.Error{Status: 400, Code: "ParameterValueInvalid", Message: message}
}
