package lease_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// inBubble carries a schedule out in virtual time.
func inBubble(t *testing.T, s schedule, m mutant) (h *history) {
	bubble(t, func(f *fixture) { h = s.perform(f, m) })
	return h
}

// TestRandomSchedules draws runs that overlap, die, freeze and lose requests and answers, and persons who intervene, and
// holds what came of it against the model of a lock and the rules for its rows. -rapid.checks=N asks for 3N histories.
func TestRandomSchedules(t *testing.T) {
	sum, histories := map[string]int{}, 0
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range rapid.SliceOfN(schedules, 3, 3).Draw(rt, "schedules") {
			h := inBubble(t, s, mutant{})
			if fault := h.fault(); fault != "" {
				rt.Fatal(fault)
			}
			h.tally(sum)
			histories++
		}
	})
	t.Logf("%d histories: %s", histories, tell(sum))
	for _, what := range []string{"takeovers", "lost answer", "lost request", "late", "conflict", "fenced acts", "told of the loss"} {
		if sum[what] == 0 {
			t.Errorf("there was no case of: %s", what)
		}
	}
}

// A mutant is a lock with a fault in it, made by changing what goes over the wire.
type mutant struct {
	name    string
	rewrite func(call) [][]byte
	after   func(call, *response)
}

// edit changes a request by its members.
func edit(body []byte, change func(in map[string]any)) []byte {
	in := map[string]any{}
	_ = json.Unmarshal(body, &in)
	change(in)
	out, _ := json.Marshal(in)
	return out
}

// unconditional keeps a condition's names and values in use, and lets it always hold.
func unconditional(in map[string]any) {
	in["ConditionExpression"] = "(" + in["ConditionExpression"].(string) + ") OR attribute_exists(#pk)"
	in["ExpressionAttributeNames"].(map[string]any)["#pk"] = "pk"
}

func one(body []byte) [][]byte { return [][]byte{body} }

var leaseLength = regexp.MustCompile(`"lease":\{"N":"\d+"\}`)

var mutants = []mutant{
	{name: "a release that does not check the owner", rewrite: func(c call) [][]byte {
		if c.operation == "UpdateItem" && c.about("REMOVE #owner") {
			return one(edit(c.body, unconditional))
		}
		return one(c.body)
	}},
	{name: "a takeover without watching", after: func(c call, r *response) {
		if c.operation == "Query" {
			r.body = leaseLength.ReplaceAll(r.body, []byte(`"lease":{"N":"1"}`))
		}
	}},
	{name: "a takeover that does not check what has moved since", rewrite: func(c call) [][]byte {
		if c.operation != "TransactWriteItems" || !c.about("LOCK#BEAT") {
			return one(c.body)
		}
		return one(edit(c.body, func(in map[string]any) {
			for _, action := range in["TransactItems"].([]any) {
				if update, is := action.(map[string]any)["Update"].(map[string]any); is {
					unconditional(update)
				}
			}
		}))
	}},
	{name: "a sign of life that writes into the lock's own row", rewrite: func(c call) [][]byte {
		if !isBeat(c) || c.about("#stop") {
			return one(c.body)
		}
		return [][]byte{c.body, edit(c.body, func(in map[string]any) {
			in["Key"].(map[string]any)["sk"] = map[string]any{"S": "LOCK"}
			unconditional(in)
		})}
	}},
	{name: "a fence that begins anew", rewrite: func(c call) [][]byte {
		return one([]byte(strings.ReplaceAll(string(c.body), "if_not_exists(#fence, :zero) + :one", ":one")))
	}},
	{name: "a guard that checks nothing", rewrite: func(c call) [][]byte {
		if !c.about(`"ConditionCheck":`) {
			return one(c.body)
		}
		return one(edit(c.body, func(in map[string]any) {
			unconditional(in["TransactItems"].([]any)[0].(map[string]any)["ConditionCheck"].(map[string]any))
		}))
	}},
}

// TestMutantsAreCaught shows that the schedules and the checks can fail.
func TestMutantsAreCaught(t *testing.T) {
	const most = 400
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			for n := range most {
				h := inBubble(t, schedules.Example(n), m)
				if fault := h.fault(); fault != "" {
					first, _, _ := strings.Cut(fault, "\n")
					t.Logf("caught by history %d: %s", n+1, first)
					return
				}
			}
			t.Errorf("not caught by %d histories", most)
		})
	}
}
