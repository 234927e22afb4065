package sns

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// topic is where messages are published to.
type topic struct {
	arn        string
	attributes map[string]string
	next       int                  // of a FIFO topic: the number of its newest message
	seen       map[string]published // of a FIFO topic: what it has taken lately, by deduplication id
}

type published struct {
	id, sequence string
	at           time.Time
}

func (t *topic) fifo() bool { return strings.HasSuffix(t.arn, ".fifo") }

var topicNames = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// createTopic makes a topic, or finds the one that is there already.
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
func (s *Service) createTopic(call cloud.Call, form url.Values) (any, *cloud.Error) {
	name := form.Get("Name")
	attributes := map[string]string{}
	for i := 1; form.Has(fmt.Sprintf("Attributes.entry.%d.key", i)); i++ {
		attributes[form.Get(fmt.Sprintf("Attributes.entry.%d.key", i))] = form.Get(fmt.Sprintf("Attributes.entry.%d.value", i))
	}
	plain, fifo := strings.CutSuffix(name, ".fifo")
	switch {
	case len(name) > 256 || !topicNames.MatchString(plain):
		return nil, invalid("Topic Name")
	case fifo != (attributes["FifoTopic"] == "true"):
		if fifo {
			return nil, invalid("Topic Name")
		}
		return nil, invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	}
	arn := "arn:aws:sns:" + call.Region + ":" + call.Account + ":" + name
	known := s.topics[arn]
	if known == nil {
		s.topics[arn] = &topic{arn: arn, attributes: attributes, seen: map[string]published{}}
	} else if len(attributes) > 0 && !maps.Equal(known.attributes, attributes) {
		return nil, invalid("Attributes Reason: Topic already exists with different attributes")
	}
	return struct {
		XMLName xml.Name `xml:"CreateTopicResult"`
		Arn     string   `xml:"TopicArn"`
	}{Arn: arn}, nil
}

// listTopics lists 100 topics at a time.
// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html
func (s *Service) listTopics(call cloud.Call, form url.Values) (any, *cloud.Error) {
	var arns []string
	for arn := range s.topics {
		if strings.HasPrefix(arn, "arn:aws:sns:"+call.Region+":"+call.Account+":") {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	from := 0
	if token := form.Get("NextToken"); token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(arns) {
			return nil, invalid("NextToken")
		}
	}
	type member struct {
		Arn string `xml:"TopicArn"`
	}
	result := struct {
		XMLName xml.Name `xml:"ListTopicsResult"`
		Topics  []member `xml:"Topics>member"`
		Next    string   `xml:"NextToken,omitempty"`
	}{}
	page := arns[from:]
	if len(page) > 100 {
		page = page[:100]
		result.Next = strconv.Itoa(from + 100)
	}
	for _, arn := range page {
		result.Topics = append(result.Topics, member{arn})
	}
	return result, nil
}

// find returns the topic that a call names.
func (s *Service) find(call cloud.Call, arn string) (*topic, *cloud.Error) {
	parts := strings.Split(arn, ":")
	switch {
	case arn == "":
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	case len(parts) < 6:
		return nil, invalid(fmt.Sprintf("TopicArn Reason: An ARN must have at least 6 elements, not %d", len(parts)))
	case parts[0] != "arn" || parts[2] != "sns" || parts[3] != call.Region:
		return nil, invalid("TopicArn")
	case parts[4] != call.Account:
		// Another account's topic is open only by a topic policy, which the sandbox does not have.
		return nil, &cloud.Error{Status: http.StatusForbidden, Code: "AuthorizationError", Message: fmt.Sprintf(
			"User: %s is not authorized to perform: SNS:%s on resource: %s because no resource-based policy allows the SNS:%[2]s action", call.Principal, call.Operation, arn)}
	}
	if t := s.topics[arn]; t != nil {
		return t, nil
	}
	return nil, &cloud.Error{Status: http.StatusNotFound, Code: "NotFound", Message: "Topic does not exist"}
}
