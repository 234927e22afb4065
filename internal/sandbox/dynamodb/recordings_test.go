package dynamodb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/promote-on-success/promote/internal/sandbox/dynamodb"
	"github.com/promote-on-success/promote/internal/sandbox/replay"
)

// TestRecordings plays what real AWS answered, messages included.
func TestRecordings(t *testing.T) {
	book, err := replay.Load("../testdata/recordings/aws-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	cases, steps, recorded, agreed := 0, 0, 0, 0
	for _, c := range book.Cases {
		if !strings.HasPrefix(c.Family, "dynamodb") {
			continue
		}
		cases++
		t.Run(c.Family+"/"+c.Case, func(t *testing.T) {
			s := dynamodb.New(dynamodb.Options{CreateTime: 50 * time.Millisecond, DeleteTime: 50 * time.Millisecond})
			names := 0
			player := replay.Player{
				Book: book, Account: account, Region: "eu-west-1", Role: "arn:aws:iam::" + account + ":role/any",
				Caller: replay.NewSDK(aws.Config{
					Region: "eu-west-1", BaseEndpoint: aws.String(serve(t, s)), RetryMaxAttempts: 1,
					Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
				}, book),
				Fresh:    func(kind string) string { names++; return fmt.Sprintf("%s-%d", kind, names) },
				Patience: 5 * time.Second, PollEvery: 10 * time.Millisecond,
			}
			for _, r := range player.Play(t.Context(), c) {
				steps++
				recorded, agreed = recorded+r.Recorded, agreed+r.Agreed
				if !r.Passed() {
					t.Errorf("step %d %s: %q %s", r.Step, r.Name, r.Faults, r.Skipped)
				}
				for _, difference := range r.Differences {
					t.Errorf("step %d %s: %s", r.Step, r.Name, difference)
				}
			}
		})
	}
	t.Logf("%d cases, %d steps, %d of %d messages and details agree", cases, steps, agreed, recorded)
	if cases < 6 {
		t.Errorf("the recordings hold %d cases of DynamoDB", cases)
	}
}
