package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/conformance"
)

var update = flag.Bool("update", false, "write what the tests would compare with")

// TestREADME holds that the README lists the points as they are.
func TestREADME(t *testing.T) {
	var unproved, points strings.Builder
	points.WriteString("| point | claim | known |\n| --- | --- | --- |\n")
	for _, p := range conformance.Points() {
		if p.Known == conformance.Assumed && p.Promise != "" {
			fmt.Fprintf(&unproved, "- %s (`%s`)\n", p.Promise, p.Name)
		}
		fmt.Fprintf(&points, "| `%s` | %s | %s |\n", p.Name, p.Claim, p.Known)
	}
	had, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := string(had)
	for name, text := range map[string]string{"unproved": unproved.String(), "points": points.String()} {
		section := regexp.MustCompile(`(?s)(<!-- ` + name + `\b[^>]*-->\n).*(<!-- /` + name + ` -->)`)
		if !section.MatchString(want) {
			t.Fatalf("README.md has no section %s", name)
		}
		want = section.ReplaceAllStringFunc(want, func(old string) string {
			m := section.FindStringSubmatch(old)
			return m[1] + text + m[2]
		})
	}
	if want == string(had) {
		return
	}
	if !*update {
		t.Fatal("README.md does not list the points as they are: run go test ./internal/conformance -run README -update")
	}
	if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
