package cloud_test

import (
	"testing"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "repo:octo-org/shop:ref:refs/heads/main", true},
		{"lambda:Update*", "lambda:UpdateAlias", true},
		{"lambda:Update*", "lambda:GetAlias", false},
		{"repo:*:environment:prod", "repo:octo-org/shop:environment:prod", true},
		{"repo:*:environment:prod", "repo:octo-org/shop:environment:prod2", false},
		{"a*b*c", "a-b-b-c", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"abc", "abcd", false},
	} {
		if got := cloud.Match(c.pattern, c.text); got != c.want {
			t.Errorf("Match(%q, %q) = %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}
