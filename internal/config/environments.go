package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An environment as it was written.
type environment struct {
	name                string
	where               promotion.Where
	alias, role, region *node
}

// chooseEnvironments gives the environments that the run is about: one, or each of the file's in modes that sweep
// all of them where none is given, or one without a name for the code lock.
func (l *loader) chooseEnvironments() []environment {
	var all []environment
	configured := l.file.get("environments")
	if configured != nil {
		for _, e := range configured.entries {
			if slices.Contains(environmentNames(all), e.name) || !keyShape.pattern.MatchString(e.name) {
				continue // its fault is reported
			}
			all = append(all, environment{name: e.name, where: e.where, alias: e.value.get("alias"), role: e.value.get("role"), region: e.value.get("region")})
		}
		if len(configured.entries) == 0 {
			l.add(promotion.Fault{Where: configured.where, What: "environments is empty", Accepted: documentShape.field("environments").accepted})
			return nil
		}
	}
	l.distinct(all)
	wanted, ok := l.inputs["environment"]
	switch {
	case !ok && given(l.src.Inputs["environment"]) != "":
		return nil
	case ok && configured == nil:
		if l.file.has("environments") {
			return nil
		}
		return []environment{{name: wanted.text, where: wanted.where}}
	case configured != nil && len(all) == 0:
		return nil
	case ok:
		return l.environmentNamed(wanted, all)
	case len(all) == 1:
		return all
	case len(all) > 1 && l.codeOnly():
		return l.alike(all)
	case len(all) > 1 && l.is(sweeping):
		if n := l.inputs["alias"]; n != nil {
			l.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("one alias is given for %d environments", len(all)), Hint: fmt.Sprintf("choose one by %s: %s", l.called("environment"), wordList(environmentNames(all)))})
		}
		return all
	case configured == nil && l.file.has("environments"):
		return nil // its fault is reported
	case configured == nil && l.codeOnly():
		return []environment{{where: l.at("environment")}}
	}
	f := promotion.Fault{Where: l.at("environment"), What: "no environment is chosen", Accepted: keyShape.accepted, Hint: "name the environment to promote to, such as prod"}
	if !l.is(releasing) {
		f.Hint = "name it, such as prod"
	}
	if len(all) > 0 {
		f.Accepted, f.Hint = strings.Join(environmentNames(all), ", "), ""
	}
	l.add(f)
	return nil
}

// alike is an environment without a name, which lives where all of these do. The code lock is in a table, and a table is
// in one account and region.
func (l *loader) alike(all []environment) []environment {
	for _, e := range all[1:] {
		if l.either("role-to-assume", e.role).value() != l.either("role-to-assume", all[0].role).value() || l.either("region", e.region).value() != l.either("region", all[0].region).value() {
			l.add(promotion.Fault{Where: l.at("environment"), What: "no environment is chosen, and the file's are in different regions or under different roles, each with a lock table of its own",
				Accepted: strings.Join(environmentNames(all), ", ")})
			return nil
		}
	}
	return []environment{{where: all[0].where, role: all[0].role, region: all[0].region}}
}

func (l *loader) environmentNamed(wanted *node, all []environment) []environment {
	for _, e := range all {
		if e.name == wanted.text {
			return []environment{e}
		}
	}
	l.add(promotion.Fault{Where: wanted.where, What: fmt.Sprintf("%s has no environment %s", l.src.File.Name, quote(wanted.text)),
		Accepted: strings.Join(environmentNames(all), ", "), Hint: didYouMean(wanted.text, environmentNames(all))})
	return nil
}

func environmentNames(all []environment) []string {
	var names []string
	for _, e := range all {
		names = append(names, e.name)
	}
	return names
}

// distinct refuses two environments that are the same aliases of the same functions: promoting to one would promote
// to the other.
func (l *loader) distinct(all []environment) {
	var sharing []string
	if functions := l.file.get("functions"); functions != nil {
		for _, e := range functions.entries {
			if !slices.Contains(promotion.Template(e.value.get("name").value()).Names(), "Environment") {
				sharing = append(sharing, e.name)
			}
		}
	}
	if len(sharing) == 0 {
		return
	}
	alias := func(e environment) string {
		if e.alias != nil {
			return e.alias.text
		}
		return e.name
	}
	for i, e := range all {
		for _, other := range all[:i] {
			if alias(e) == alias(other) && e.role.value() == other.role.value() && e.region.value() == other.region.value() {
				l.add(promotion.Fault{Where: e.where, What: fmt.Sprintf("environments %s and %s are the same alias, %s, of %s", other.name, e.name, alias(e), wordList(sharing)),
					Hint: "give one of them an alias, a role or a region of its own, or name the functions with {{.Environment}}"})
				break
			}
		}
	}
}

// alias is the environment's alias: the input's, its own, or its name.
func (l *loader) alias(e environment) string {
	if n := l.either("alias", e.alias); n != nil {
		return n.text
	}
	if what := promotion.CheckAlias(e.name); what != "" && given(l.src.Inputs["alias"]) == "" {
		l.add(promotion.Fault{Where: e.where, What: what, Accepted: promotion.AcceptedAlias, Hint: fmt.Sprintf("give environment %s an alias of its own", e.name)})
	}
	return e.name
}

func (l *loader) region(e environment) string {
	if n := l.either("region", e.region); n != nil {
		return n.text
	}
	if given(l.src.Inputs["region"]) != "" || l.badField(e, "region") {
		return ""
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		value := strings.TrimSpace(l.getenv(name))
		if value == "" {
			continue
		}
		if what, hint := regionShape.complain(value); what != "" {
			l.add(promotion.Fault{Where: l.at("region"), What: fmt.Sprintf("%s is %s", name, strings.Replace(what, " is not ", ", which is not ", 1)), Accepted: regionShape.accepted, Hint: hint})
		}
		return value
	}
	hint := fmt.Sprintf("give %s, or set AWS_REGION", l.called("region"))
	if l.file.has("environments") && e.name != "" {
		hint = fmt.Sprintf("give %s, or add region to environments.%s, or set AWS_REGION", l.called("region"), e.name)
	}
	l.add(promotion.Fault{Where: l.at("region"), What: "no region is set", Accepted: regionShape.accepted, Hint: hint})
	return ""
}

// badField tells whether the file has this field of the environment, with a fault that is reported.
func (l *loader) badField(e environment, field string) bool {
	env := l.file.get("environments")
	if env == nil {
		return false
	}
	for _, entry := range env.entries {
		if entry.name == e.name && entry.value.has(field) && entry.value.get(field) == nil {
			return true
		}
	}
	return false
}

func (l *loader) role(e environment, allowed []string) string {
	n := l.either("role-to-assume", e.role)
	if n == nil {
		return ""
	}
	if account := strings.Split(n.text, ":")[4]; len(allowed) > 0 && !slices.Contains(allowed, account) {
		l.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("the role is in account %s, which is not among the allowed ones", account),
			Accepted: strings.Join(allowed, ", "), Hint: fmt.Sprintf("take another role, or add the account to %s", l.called("allowed-account-ids"))})
	}
	return n.text
}

func (l *loader) getenv(name string) string {
	if l.src.Getenv == nil {
		return ""
	}
	return l.src.Getenv(name)
}
