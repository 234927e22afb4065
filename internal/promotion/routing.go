package promotion

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Routing is where an alias sends its callers: all to Version, but for the shares in Weights.
// Revision is the alias's own at the moment it was read or written.
type Routing struct {
	Version  Version
	Weights  map[Version]float64
	Revision Revision
}

// Same tells whether two routings send callers to the same versions in the same shares; revisions may differ.
func (r Routing) Same(o Routing) bool {
	return r.Version == o.Version && maps.Equal(r.Weights, o.Weights)
}

// Whole tells whether the alias sends every caller to one version.
func (r Routing) Whole() bool { return len(r.Weights) == 0 }

// warming tells whether the alias was sent to a version and Lambda keeps its callers at the one before it, since
// provisioned concurrency is not ready there. Lambda sets and clears these weights by itself:
// https://github.com/hashicorp/terraform-provider-aws/issues/13329.
func (r Routing) warming(to, before Version) bool {
	_, kept := r.Weights[before]
	return r.Version == to && len(r.Weights) == 1 && kept
}

// at tells whether the alias was sent to a version, from before: it holds it alone, or will do so.
func (r Routing) at(to, before Version) bool {
	return r.Same(Routing{Version: to}) || r.warming(to, before)
}

func (r Routing) String() string {
	if r.Whole() {
		return "version " + r.Version.String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version %s", r.Version)
	for _, v := range slices.Sorted(maps.Keys(r.Weights)) {
		fmt.Fprintf(&b, ", %g%% to version %s", r.Weights[v]*100, v)
	}
	return b.String()
}
