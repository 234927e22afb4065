// Package sns is the sandbox's notification service, as far as telling somebody goes: topics, and messages
// published to them, in the query protocol of AWS.
//
// It delivers to nobody, since there are no subscriptions; it keeps what was published to be read. A topic is
// made with CreateTopic, as any client does it. What it checks (topics, subjects, sizes, attributes, groups of
// FIFO topics) it refuses in AWS's words.
package sns

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Version is the version of the API, by which its requests are known:
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
const Version = "2010-03-31"

const namespace = "http://sns.amazonaws.com/doc/" + Version + "/"

// A Message is one that was published.
type Message struct {
	ID         string            `json:"id"`
	Topic      string            `json:"topic"` // its ARN
	Subject    string            `json:"subject,omitempty"`
	Text       string            `json:"message"`
	Attributes map[string]string `json:"attributes,omitempty"` // those of a String type
	Group      string            `json:"group,omitempty"`
	Sequence   string            `json:"sequence,omitempty"` // of a FIFO topic
	Time       time.Time         `json:"time"`
}

// Service is the service "sns".
type Service struct {
	random func(n int) []byte

	mu       sync.Mutex
	topics   map[string]*topic // by ARN
	messages []Message         // in the order of their arrival
}

// New returns a service without topics. random returns n bytes for ids.
func New(random func(n int) []byte) *Service {
	return &Service{random: random, topics: map[string]*topic{}}
}

// Messages returns what was published to the topic with this ARN, or, for "", to all topics, in its order.
func (s *Service) Messages(topic string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Message{}
	for _, m := range s.messages {
		if topic == "" || m.Topic == topic {
			list = append(list, m)
		}
	}
	return list
}

// Name is "sns".
func (s *Service) Name() string { return "sns" }

type operation func(s *Service, call cloud.Call, form url.Values) (any, *cloud.Error)

var operations = map[string]operation{
	"CreateTopic": (*Service).createTopic,
	"ListTopics":  (*Service).listTopics,
	"Publish":     (*Service).publish,
}

// Identify takes the operation from the form's Action; the resource is the topic's name.
func (s *Service) Identify(r *http.Request, body []byte) (name, resource string, ok bool) {
	form := parse(r, body)
	name = form.Get("Action")
	resource = form.Get("Name")
	if arn := form.Get("TopicArn"); arn != "" {
		resource = arn[strings.LastIndexByte(arn, ':')+1:]
	}
	_, ok = operations[name]
	return name, resource, ok
}

func parse(r *http.Request, body []byte) url.Values {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return r.URL.Query()
	}
	return form
}

// Do carries the call out.
func (s *Service) Do(_ context.Context, call cloud.Call) cloud.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	result, e := operations[call.Operation](s, call, parse(call.Request, call.Body))
	if e != nil {
		return s.Fail(call, e)
	}
	id := s.uuid()
	return render(http.StatusOK, id, envelope{
		XMLName:   xml.Name{Local: call.Operation + "Response"},
		Space:     namespace,
		Result:    result,
		RequestID: id,
	})
}

func (s *Service) uuid() string {
	b := s.random(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type (
	envelope struct {
		XMLName   xml.Name
		Space     string `xml:"xmlns,attr"`
		Result    any
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}
	failure struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Space     string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}
)

// Fail renders an error as XML.
func (s *Service) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	id := s.uuid()
	return render(e.Status, id, failure{Space: namespace, Type: kind, Code: e.Code, Message: e.Message, RequestID: id})
}

func render(status int, id string, body any) cloud.Reply {
	text, _ := xml.Marshal(body) // only strings go in, which encoding/xml always takes
	return cloud.Reply{Status: status, Header: http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {id}}, Body: text}
}

func invalid(what string) *cloud.Error {
	return &cloud.Error{Status: http.StatusBadRequest, Code: "InvalidParameter", Message: "Invalid parameter: " + what}
}
