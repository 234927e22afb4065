// Package house holds the direction of imports: the domain knows nobody, adapters know the domain and not each other, and
// the product never links the sandbox.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/promote-on-success/promote/"

// rooms says which packages of ours a package may import. A package that is not listed here has no place in the house yet.
var rooms = map[string][]string{
	"internal/promotion": {},
	"internal/awserr":    {"internal/promotion"},
	"internal/account":   {"internal/promotion", "internal/awserr"},
	"internal/actions":   {"internal/promotion"},
	"internal/check":     {"internal/promotion", "internal/awserr"},
	"internal/config":    {"internal/promotion"},
	"internal/endpoint":  {"internal/promotion", "internal/awserr"},
	"internal/function":  {"internal/promotion", "internal/awserr"},
	"internal/github":    {"internal/promotion"},
	"internal/gitlog":    {"internal/promotion"},
	"internal/lease":     {"internal/promotion", "internal/awserr", "internal/table"},
	"internal/ledger":    {"internal/promotion", "internal/awserr", "internal/table"},
	"internal/notify":    {"internal/promotion", "internal/awserr"},
	"internal/policy":    {"internal/promotion"},
	"internal/report":    {"internal/promotion"},
	"internal/table":     {"internal/promotion", "internal/awserr"},
	"internal/workflow":  {"internal/promotion"},
	"cmd/promote": {"internal/promotion", "internal/account", "internal/actions", "internal/check", "internal/config", "internal/endpoint",
		"internal/function", "internal/github", "internal/gitlog", "internal/lease", "internal/ledger", "internal/notify", "internal/policy",
		"internal/report", "internal/table", "internal/workflow"},
	"internal/conformance": {"internal/promotion", "internal/awserr", "internal/function"}, // the sandbox in its tests only
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatalf("read the list of packages: %v", err)
		}
		packages = append(packages, p)
	}
}

func TestArrowsPointDown(t *testing.T) {
	found := map[string]bool{}
	for _, p := range list(t, "./cmd/promote", "./internal/...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "internal/sandbox") || name == "internal" {
			continue
		}
		found[name] = true
		allowed, known := rooms[name]
		if !known {
			t.Errorf("%s has no room: say in this test what it may know", name)
		}
		for _, i := range p.Imports {
			if ours, is := strings.CutPrefix(i, module); is && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", name, ours)
			}
		}
	}
	for name := range rooms {
		if !found[name] {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestTheDomainKnowsTheStandardLibraryOnly(t *testing.T) {
	for _, p := range list(t, "-deps", "./internal/promotion") {
		if !p.Standard && p.ImportPath != module+"internal/promotion" {
			t.Errorf("internal/promotion rests on %s", p.ImportPath)
		}
	}
}

func TestTheProductNeverLinksTheSandbox(t *testing.T) {
	for _, p := range list(t, "./cmd/promote") {
		for _, d := range p.Deps {
			if strings.HasPrefix(d, module+"internal/sandbox") {
				t.Errorf("cmd/promote links %s", d)
			}
		}
	}
}

func TestSDKTypesStayInTheirAdapters(t *testing.T) {
	for _, p := range list(t, "./internal/promotion", "./internal/config", "./internal/report", "./internal/actions") {
		for _, d := range p.Imports {
			if strings.HasPrefix(d, "github.com/aws/") {
				t.Errorf("%s knows %s", strings.TrimPrefix(p.ImportPath, module), d)
			}
		}
	}
}
