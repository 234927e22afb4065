package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A verification is what the run asks the candidates.
type verification struct {
	checks  []promotion.Check
	none    bool // switched off, by name
	secrets []promotion.Secret
}

// A verifier reads the checks one by one.
type verifier struct {
	*loader
	functions []function
	endpoints bool
	latestIAM bool
	chosen    []environment
	names     map[string]promotion.Where
	secrets   []promotion.Secret
}

// verification reads the checks: the input's, else the file's. Those of functions that the run is not about are
// checked for faults like all others, and left out.
func (l *loader) verification(functions []function, endpoints bool, chosen []environment) verification {
	list := l.verifyNode()
	if list != nil && list.bad {
		list = nil
	}
	latest := l.file.get("endpoints").get("latest").get("auth").value()
	r := &verifier{loader: l, functions: functions, endpoints: endpoints, latestIAM: endpoints && latest != "none", chosen: chosen, names: map[string]promotion.Where{}}
	var v verification
	if list != nil {
		v.none = list.kind == isText
		for _, item := range list.items {
			if item.bad {
				continue
			}
			if c, asked := r.check(item); asked {
				v.checks = append(v.checks, c)
			}
		}
	}
	if c, given := r.junitInput(); given {
		v.checks, v.none = append(v.checks, c), false
	}
	r.nameAll(v.checks)
	v.secrets = r.secrets
	return v
}

// verifyNode is the list of checks, from wherever it is given.
func (l *loader) verifyNode() *node {
	text := given(l.src.Inputs["verify"])
	if text == "" {
		return l.file.get("verify")
	}
	// The value as it was given: the columns of faults are those that its author sees.
	n, usable := parse([]byte(l.src.Inputs["verify"].Value), l.at("verify"), &l.faults)
	if !usable {
		return nil
	}
	if inner := n.get("verify"); inner != nil && len(n.entries) == 1 {
		n = inner
	}
	verifyShape.check(n, "verify", &l.faults)
	return n
}

// check reads one check; false means that it has a fault, or is about a function that the run leaves out.
func (r *verifier) check(item *node) (promotion.Check, bool) {
	before := len(r.list)
	c := promotion.Check{Name: item.get("name").value(), Where: item.where}
	if c.Name != "" {
		if first, taken := r.names[c.Name]; taken {
			r.add(promotion.Fault{Where: item.get("name").where, What: fmt.Sprintf("two checks are named %s, the first in line %d", quote(c.Name), first.Line), Hint: "give each a name of its own"})
		} else {
			r.names[c.Name] = item.get("name").where
		}
	}
	switch {
	case item.get("invoke") != nil:
		c.Invoke = r.invoke(item.get("invoke"))
	case item.get("http") != nil:
		c.HTTP = r.http(item.get("http"))
	case item.get("junit") != nil:
		c.JUnit = r.junit(item.get("junit"))
	default:
		return c, false
	}
	if len(r.list) > before {
		return c, false
	}
	for _, f := range r.functions {
		if f.key == c.Function() && !f.selected {
			return c, false
		}
	}
	return c, true
}

func (r *verifier) invoke(n *node) *promotion.InvokeCheck {
	c := &promotion.InvokeCheck{Function: r.function(n, "invoke", true), Within: within(n)}
	p := r.place(c.Function != "")
	payload, file := n.get("payload"), n.get("payload-file")
	if n.has("payload") && n.has("payload-file") {
		r.add(promotion.Fault{Where: n.where, What: "invoke has payload and payload-file at once", Accepted: "one of them"})
	}
	if payload != nil {
		c.Payload = r.json(payload, "invoke.payload", p)
	}
	c.PayloadFile = file.value()
	if expect := n.get("expect"); expect != nil && expect.kind == isText {
		c.JSON = r.jq(expect, "invoke.expect", p)
	} else if expect != nil {
		c.JSON = r.jq(expect.get("json"), "invoke.expect.json", p)
		c.FunctionError = expect.get("function-error").value()
		c.Log = expect.get("log").value()
	}
	return c
}

// function is the key of the function that a check names. It has to be there if the check is needs one; the only
// function is meant where none is named.
func (r *verifier) function(n *node, path string, needed bool) string {
	named := n.get("function")
	switch {
	case named == nil && n.has("function"), len(r.functions) == 0, r.functions[0].key == standIn:
		return named.value()
	case named == nil && len(r.functions) == 1:
		return r.functions[0].key
	case named == nil && needed:
		r.add(promotion.Fault{Where: n.at, What: path + " does not say which function it asks", Accepted: strings.Join(keys(r.functions), ", "), Hint: fmt.Sprintf("add function: %s", r.functions[0].key)})
		return ""
	case named == nil:
		return ""
	}
	if !slices.Contains(keys(r.functions), named.text) {
		r.add(promotion.Fault{Where: named.where, What: fmt.Sprintf("%s.function: there is no function %s", path, quote(named.text)),
			Accepted: strings.Join(keys(r.functions), ", "), Hint: didYouMean(named.text, keys(r.functions))})
	}
	return named.text
}

func within(n *node) time.Duration {
	if d, err := time.ParseDuration(n.get("within").value()); err == nil {
		return d
	}
	return defaultWithin
}

// place is what a check's templates may name. Version and Function are those of the function that it asks.
func (r *verifier) place(function bool) place {
	environment := standIn
	if len(r.chosen) == 1 {
		environment = r.chosen[0].name
	}
	p := place{
		names:  []string{"App", "Environment", "Commit", "Release"},
		values: map[string]string{"App": r.app, "Environment": environment, "Commit": r.commit(), "Release": r.src.Release, "Version": sampleVersion, "Function": standIn, "Endpoint.latest": sampleLatest},
		refused: map[string]refusal{
			"Endpoint.environment": {"shows what is promoted already, and proves nothing about the candidate", "use {{.Endpoint.latest}}, or via: invoke"},
		},
	}
	if function {
		p.names = append(p.names, "Function", "Version")
	} else {
		unknown := refusal{"is known only where the check says which function it asks", "add function to the check"}
		p.refused["Version"], p.refused["Function"] = unknown, unknown
	}
	if r.endpoints {
		p.names = append(p.names, "Endpoint.latest")
	} else {
		p.refused["Endpoint.latest"] = refusal{"has no value, since no endpoints are configured", fmt.Sprintf("add endpoints to %s, or write the URL out", r.src.File.Name)}
	}
	return p
}

// nameAll gives names to the checks that have none: made of what they ask, and numbered where two ask the same.
func (r *verifier) nameAll(checks []promotion.Check) {
	taken := map[string]bool{}
	for _, c := range checks {
		taken[c.Name] = true
	}
	for i := range checks {
		c := &checks[i]
		if c.Name != "" {
			continue
		}
		base := "invoke " + c.Function()
		if h := c.HTTP; h != nil && h.ViaInvoke {
			base = fmt.Sprintf("%s %s of %s", h.Method, h.Path, h.Function)
		} else if h != nil {
			base = fmt.Sprintf("%s %s", h.Method, h.URL)
		} else if c.JUnit != nil {
			base = "junit " + strings.Join(c.JUnit.Files, ", ")
		}
		base = clip(base)
		c.Name = base
		for n := 2; taken[c.Name]; n++ {
			c.Name = fmt.Sprintf("%s (%d)", base, n)
		}
		taken[c.Name] = true
	}
}
