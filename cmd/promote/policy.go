package main

import (
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/policy"
	"github.com/promote-on-success/promote/internal/promotion"
)

// neededPolicy is the IAM policy that setup shows with its outcome: all that the configuration needs, for setup and for
// run, and a note on what is for setup alone. In other modes it is nil.
func neededPolicy(t config.Target) (document []byte, note string) {
	if t.Request.Mode != promotion.ModeSetup {
		return nil, ""
	}
	o := policy.Options{
		Account: accountOf(t.Settings), Partition: partitionOf(t.Settings), ArtifactBucket: t.Settings.ArtifactBucket,
		Topic: t.Settings.Reporting.Notify.Topic, Setup: true,
	}
	var apart []string
	if t.Settings.LockTable != noLockTable {
		o.LockTable = t.Settings.LockTable
		apart = append(apart, policy.ListEveryApp, policy.SetUpLockTable)
	}
	if t.Request.Endpoints != nil {
		apart = append(apart, policy.SetUpEndpoints)
	}
	if len(apart) > 0 {
		note = "A role that only runs releases can do without " + strings.Join(apart, ", ")
	}
	return policy.For(t.Request, o).JSON(), note
}

// policies are those that a person has seen already: environments often need the same one.
type policies []string

func (p *policies) isNew(document []byte) bool {
	if document == nil || slices.Contains(*p, string(document)) {
		return false
	}
	*p = append(*p, string(document))
	return true
}

// accountOf is the account that the settings leave no choice about, else "". AWS is not asked for it: a policy is
// wanted most where nothing is allowed yet.
func accountOf(s config.Settings) string {
	if s.Role != "" {
		return strings.Split(s.Role, ":")[4]
	}
	if len(s.AllowedAccounts) == 1 {
		return s.AllowedAccounts[0]
	}
	return ""
}

// partitionOf is the partition of the settings' ARNs: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html.
func partitionOf(s config.Settings) string {
	switch {
	case s.Role != "":
		return strings.Split(s.Role, ":")[1]
	case strings.HasPrefix(s.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(s.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
