package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// RollingTag is the tag of the release that an environment has for a day (UTC): "promoted/shop/prod/2026-11-21".
func RollingTag(s promotion.Scope, at time.Time) string {
	return fmt.Sprintf("promoted/%s/%s/%s", tagPart(s.App), tagPart(s.Environment), day(at))
}

// RollingName is that release's name: "shop prod, 2026-11-21".
func RollingName(s promotion.Scope, at time.Time) string {
	return fmt.Sprintf("%s %s, %s", oneLine(s.App), oneLine(s.Environment), day(at))
}

func day(at time.Time) string { return at.UTC().Format("2006-01-02") }

// tagPart is a name as git takes it in a tag (https://git-scm.com/docs/git-check-ref-format). Names of apps and
// environments are such names already.
func tagPart(name string) string {
	part := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	if part == "" {
		return "-"
	}
	return part
}
