package sns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	sandboxsns "github.com/promote-on-success/promote/internal/sandbox/sns"
)

func client(c *sandboxtest.Cloud, region ...string) *sns.Client {
	return sns.NewFromConfig(c.AWS(region...), func(o *sns.Options) { o.Retryer = aws.NopRetryer{} })
}

func create(t *testing.T, api *sns.Client, name string) string {
	t.Helper()
	in := &sns.CreateTopicInput{Name: aws.String(name)}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes = map[string]string{"FifoTopic": "true"}
	}
	out, err := api.CreateTopic(t.Context(), in)
	if err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
	return *out.TopicArn
}

func wantCode(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func TestTopics(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	api := client(c)
	arn := create(t, api, "releases")
	if arn != "arn:aws:sns:eu-west-1:123456789012:releases" || create(t, api, "releases") != arn {
		t.Errorf("topic %s", arn)
	}
	create(t, api, "orders.fifo")
	for i := range 120 {
		create(t, api, fmt.Sprintf("z%03d", i))
	}
	create(t, client(c, "us-east-1"), "elsewhere")
	var listed []string
	for p := sns.NewListTopicsPaginator(api, nil); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range page.Topics {
			listed = append(listed, *topic.TopicArn)
		}
	}
	if len(listed) != 122 || listed[0] != "arn:aws:sns:eu-west-1:123456789012:orders.fifo" {
		t.Errorf("%d topics, the first %s", len(listed), listed[0])
	}
	_, err := api.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("a b")})
	wantCode(t, err, "InvalidParameter", "Topic Name")
	_, err = api.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("a"), Attributes: map[string]string{"FifoTopic": "true"}})
	wantCode(t, err, "InvalidParameter", ".fifo")
	_, err = api.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("releases"), Attributes: map[string]string{"DisplayName": "x"}})
	wantCode(t, err, "InvalidParameter", "already exists with different attributes")
	_, err = api.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: aws.String(arn)})
	wantCode(t, err, "NotImplementedException", "sns:DeleteTopic")
}

func TestPublish(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	api := client(c)
	arn, fifo := create(t, api, "releases"), create(t, api, "releases.fifo")
	attribute := func(name, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: {DataType: aws.String("String"), StringValue: aws.String(value)}}
	}
	text := aws.String("héllo & <you>\n")
	out, err := api.Publish(t.Context(), &sns.PublishInput{TopicArn: &arn, Subject: aws.String("promoted: shop"), Message: text, MessageAttributes: attribute("outcome", "promoted")})
	if err != nil {
		t.Fatal(err)
	}
	got := c.Server().SNS().Messages(arn)
	if len(got) != 1 || got[0].ID != *out.MessageId || got[0].Subject != "promoted: shop" || got[0].Text != *text || got[0].Attributes["outcome"] != "promoted" {
		t.Errorf("kept %+v", got)
	}
	for name, tc := range map[string]struct {
		in            sns.PublishInput
		code, message string
	}{
		"an unknown topic":        {sns.PublishInput{TopicArn: aws.String(arn + "x"), Message: text}, "NotFound", "Topic does not exist"},
		"a topic elsewhere":       {sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:123456789012:releases"), Message: text}, "InvalidParameter", "TopicArn"},
		"another account's topic": {sns.PublishInput{TopicArn: aws.String("arn:aws:sns:eu-west-1:210987654321:releases"), Message: text}, "AuthorizationError", "no resource-based policy allows the SNS:Publish action"},
		"what is no ARN":          {sns.PublishInput{TopicArn: aws.String("releases"), Message: text}, "InvalidParameter", "at least 6 elements, not 1"},
		"no topic":                {sns.PublishInput{Message: text}, "InvalidParameter", "TopicArn or TargetArn"},
		"no message":              {sns.PublishInput{TopicArn: &arn, Message: aws.String("")}, "InvalidParameter", "Empty message"},
		"a long message":          {sns.PublishInput{TopicArn: &arn, Message: aws.String(strings.Repeat("x", 256<<10)), MessageAttributes: attribute("a", "b")}, "InvalidParameter", "Message too long"},
		"a subject of lines":      {sns.PublishInput{TopicArn: &arn, Message: text, Subject: aws.String("a\nb")}, "InvalidParameter", "Subject"},
		"a subject not of ASCII":  {sns.PublishInput{TopicArn: &arn, Message: text, Subject: aws.String("grün")}, "InvalidParameter", "Subject"},
		"a subject of 100":        {sns.PublishInput{TopicArn: &arn, Message: text, Subject: aws.String(strings.Repeat("x", 100))}, "InvalidParameter", "Subject"},
		"an attribute of AWS":     {sns.PublishInput{TopicArn: &arn, Message: text, MessageAttributes: attribute("AWS.x", "b")}, "ParameterValueInvalid", "'AWS.x' is invalid"},
		"an empty attribute":      {sns.PublishInput{TopicArn: &arn, Message: text, MessageAttributes: attribute("outcome", "")}, "ParameterValueInvalid", "non-empty"},
		"a FIFO topic, no group":  {sns.PublishInput{TopicArn: &fifo, Message: text}, "InvalidParameter", "MessageGroupId parameter is required"},
		"a FIFO topic, no id":     {sns.PublishInput{TopicArn: &fifo, Message: text, MessageGroupId: aws.String("g")}, "InvalidParameter", "ContentBasedDeduplication"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := api.Publish(t.Context(), &tc.in)
			wantCode(t, err, tc.code, tc.message)
			var answered interface{ HTTPStatusCode() int }
			if status := map[string]int{"NotFound": 404, "AuthorizationError": 403}[tc.code]; status != 0 && (!errors.As(err, &answered) || answered.HTTPStatusCode() != status) {
				t.Errorf("status of %v, want %d", err, status)
			}
		})
	}
	if n := len(c.Server().SNS().Messages("")); n != 1 {
		t.Errorf("%d messages kept, want 1", n)
	}
}

func TestFIFOTopicsTakeAMessageOnceInFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		api := client(c)
		arn := create(t, api, "releases.fifo")
		say := func(id string) *sns.PublishOutput {
			t.Helper()
			out, err := api.Publish(t.Context(), &sns.PublishInput{TopicArn: &arn, Message: aws.String("hello"), MessageGroupId: aws.String("shop"), MessageDeduplicationId: &id})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		first, second := say("a"), say("b")
		if again := say("a"); *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber || *first.SequenceNumber >= *second.SequenceNumber {
			t.Errorf("numbers %s, %s and again %s", *first.SequenceNumber, *second.SequenceNumber, *again.SequenceNumber)
		}
		if n := len(c.Server().SNS().Messages(arn)); n != 2 {
			t.Errorf("%d messages, want 2", n)
		}
		time.Sleep(5 * time.Minute)
		say("a")
		if got := c.Server().SNS().Messages(arn); len(got) != 3 || got[2].Group != "shop" || got[2].Sequence <= got[1].Sequence {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestRefusalsAndFaults(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	api := client(c)
	arn := create(t, api, "releases")
	publish := func() error {
		_, err := api.Publish(t.Context(), &sns.PublishInput{TopicArn: &arn, Message: aws.String("hello")})
		return err
	}
	if err := c.Server().Deny(sandbox.Denial{Action: "sns:Publish", Resource: "arn:aws:sns:*:releases"}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, publish(), "AuthorizationError", "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: SNS:Publish on resource: "+arn+" because no identity-based policy allows the SNS:Publish action")
	c.Server().ClearDenials()
	for _, f := range []struct {
		fault         sandbox.Fault
		code, message string
	}{
		{sandbox.Fault{Kind: sandbox.FailBefore, Service: "sns", Operation: "Publish", Resource: "releases"}, "InternalError", ""},
		{sandbox.Fault{Kind: sandbox.Throttle, Service: "sns", Operation: "Publish"}, "Throttled", "Rate exceeded"},
	} {
		if _, err := c.Server().Fault(f.fault); err != nil {
			t.Fatal(err)
		}
		wantCode(t, publish(), f.code, f.message)
	}
	stranger := sns.NewFromConfig(c.AWSWith("AKIDUNKNOWN", "secret", ""), func(o *sns.Options) { o.Retryer = aws.NopRetryer{} })
	_, err := stranger.ListTopics(t.Context(), nil)
	wantCode(t, err, "InvalidClientTokenId", "")
	res, err := c.HTTPClient().Post(c.URL(), "application/x-www-form-urlencoded", strings.NewReader("Action=ListTopics&Version="+sandboxsns.Version))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned call has status %d", res.StatusCode)
	}
	if calls := c.Calls(); calls[len(calls)-1].Service != "sns" || calls[len(calls)-1].Operation != "ListTopics" || calls[0].Resource != "releases" {
		t.Errorf("logged %+v", calls)
	}
}

func TestMessagesCanBeReadOverHTTP(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	api := client(c)
	for _, name := range []string{"a", "b"} {
		arn := create(t, api, name)
		if _, err := api.Publish(t.Context(), &sns.PublishInput{TopicArn: &arn, Message: aws.String("to " + name)}); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{"": 2, "?topic=arn:aws:sns:eu-west-1:123456789012:b": 1, "?topic=arn:none": 0} {
		res, err := c.HTTPClient().Get(c.URL() + "/_sandbox/messages" + query)
		if err != nil {
			t.Fatal(err)
		}
		var got []sandboxsns.Message
		err = json.NewDecoder(res.Body).Decode(&got)
		_ = res.Body.Close()
		if err != nil || len(got) != want || want == 1 && got[0].Text != "to b" {
			t.Errorf("%s: %+v, %v", query, got, err)
		}
	}
}
