package report_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/report"
)

const policyDocument = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "MoveAliases",
      "Effect": "Allow",
      "Action": ["lambda:CreateAlias", "lambda:UpdateAlias"],
      "Resource": ["arn:aws:lambda:eu-west-1:123456789012:function:shop-checkout"]
    }
  ]
}
`

func TestThePolicyReadsAsTheGoldenFiles(t *testing.T) {
	const note = "A role that only runs releases can do without the statement SetUpEndpoints"
	golden(t, filepath.Join("policy", "terminal.golden"), report.Policy([]byte(policyDocument), note))
	golden(t, filepath.Join("policy", "summary.golden"), report.PolicySummary([]byte(policyDocument), note))
}

func TestThePolicyCanBeCopiedFromEveryFace(t *testing.T) {
	if face := report.Policy([]byte(policyDocument), ""); !strings.Contains(face, "\n"+policyDocument) {
		t.Errorf("it is not there as it is:\n%s", face)
	}
	r := harmless(t, report.PolicySummary([]byte(policyDocument), "a note"), reportElements...)
	if len(r.code) != 1 || r.code[0]+"\n" != policyDocument {
		t.Errorf("it is not there as it is: %q", r.code)
	}
	valid(t, "", report.JSON(stories()[0].outcome, []byte(policyDocument)))
}
