package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Load makes the request that the source asks for. Where anything is wrong it returns every fault that can be
// seen, and of a result only what is Known.
func Load(src Source) (Result, []promotion.Fault) {
	l := &loader{src: src, inputs: map[string]*node{}}
	l.readInputs()
	if !l.readFile() {
		return Result{Known: l.known(nil)}, l.sorted()
	}
	l.mode = l.readMode()
	l.checkPlaces()
	functions := l.functions()
	l.app = l.readApp(functions)
	functions = l.selectFunctions(functions)
	chosen := l.chooseEnvironments()
	endpoints := l.endpoints(functions)

	verify := l.verification(functions, endpoints != nil, chosen)
	intervention := l.intervention(functions)
	settings := l.settings(functions)
	l.checkTable(settings)
	l.checkRelease()
	var targets []Target
	for _, e := range chosen {
		targets = append(targets, l.target(e, functions, endpoints, verify, intervention, settings))
	}
	if len(targets) == 0 {
		// The functions are looked at all the same, so that nothing is reported in a second round only.
		l.resolve(environment{name: standIn}, functions)
	}
	if len(l.list) > 0 {
		return Result{Known: l.known(chosen)}, l.sorted()
	}
	return Result{Target: targets[0], Targets: targets}, nil
}

// standIn takes the place of a name that is not known, where a text has to be tried out.
const standIn = "unknown"

type loader struct {
	faults
	src    Source
	inputs map[string]*node // those that were given and make sense
	file   *node            // the whole file: a mapping, empty where there is no file
	mode   promotion.Mode
	app    string
}

// readInputs checks each input on its own.
func (l *loader) readInputs() {
	for _, name := range slices.Sorted(maps.Keys(l.src.Inputs)) {
		if _, known := inputDoc(name); !known {
			var names []string
			for _, in := range inputTable {
				names = append(names, in.Name)
			}
			l.add(promotion.Fault{Where: l.at(name), What: "there is no such input", Accepted: strings.Join(names, ", "), Hint: didYouMean(name, names)})
		}
	}
	for _, in := range inputTable {
		if value := given(l.src.Inputs[in.Name]); value != "" {
			n := textNode(value, l.at(in.Name))
			if in.shape.check(n, "", &l.faults); !n.bad {
				l.inputs[in.Name] = n
			}
		}
	}
}

func inputDoc(name string) (InputDoc, bool) {
	for _, in := range inputTable {
		if in.Name == name {
			return in, true
		}
	}
	return InputDoc{}, false
}

// at is the place of an input, called tells how its user calls it.
func (l *loader) at(name string) promotion.Where {
	return promotion.Where{Input: strings.TrimPrefix(l.called(name), "input ")}
}

func (l *loader) called(name string) string {
	if label := l.src.Inputs[name].Label; label != "" {
		return label
	}
	return "input " + name
}

// readFile reads the file's tree and checks its shape. It returns false if there is nothing to go on with.
func (l *loader) readFile() bool {
	l.file = &node{kind: isMapping, where: l.fileAt()}
	f := l.src.File
	switch {
	case f.Err != nil:
		l.add(promotion.Fault{Where: l.fileAt(), What: "the configuration file cannot be read", Detail: clip(f.Err.Error())})
		return false
	case f.Data == nil && f.Explicit:
		l.add(promotion.Fault{Where: l.at("config"), What: fmt.Sprintf("the file %s does not exist", quote(f.Name)),
			Accepted: "a path relative to the workspace", Hint: missingFileHint(f.Name)})
		return false
	case f.Data == nil:
		return true
	}
	root, usable := parse(f.Data, l.fileAt(), &l.faults)
	if !usable {
		return false
	}
	if root.kind == isNull && !root.bad {
		return true
	}
	if documentShape.check(root, "", &l.faults); root.bad {
		return false
	}
	l.file = root
	return true
}

func missingFileHint(name string) string {
	if hint := pathHint(name); hint != "" {
		return hint
	}
	return "is the repository checked out before this step?"
}

func (l *loader) fileAt() promotion.Where { return promotion.Where{File: l.src.File.Name} }

// readApp is the app's name: given, or the repository's in letters that a name may have, or the only function's.
func (l *loader) readApp(functions []function) string {
	if n := l.either("app", l.file.get("app")); n != nil {
		return n.text
	}
	if l.file.has("app") || given(l.src.Inputs["app"]) != "" {
		return standIn // its fault is reported
	}
	_, repository, _ := strings.Cut(l.src.Repository, "/")
	name := strings.TrimLeft(strings.Map(func(r rune) rune {
		if keyShape.pattern.MatchString("a" + string(r)) {
			return r
		}
		return '-'
	}, repository), "-_")
	if len(name) > 64 {
		name = name[:64]
	}
	switch {
	case name != "":
		return name
	case len(functions) == 1 && !l.file.has("functions") && (!functions[0].unnamed || l.needsFunctions()):
		return functions[0].key
	case len(functions) > 0:
		where := l.fileAt()
		if l.src.File.Data == nil {
			where = l.at("app")
		}
		l.add(promotion.Fault{Where: where, What: "app is missing, and no repository is known whose name it could have", Accepted: keyShape.accepted})
	}
	return standIn
}

// either is an input's node if it was given, else the file's.
func (l *loader) either(input string, file *node) *node {
	if n, ok := l.inputs[input]; ok {
		return n
	}
	if given(l.src.Inputs[input]) != "" {
		return nil // the input's fault is reported; the file's value would only mislead
	}
	return file
}

// settings are those that are the same for every environment.
func (l *loader) settings(functions []function) Settings {
	s := Settings{
		ArtifactBucket: l.inputs["artifact-bucket"].value(),
		APIRate:        defaultAPIRate,
		UpdateTimeout:  promotion.DefaultLimits.Update,
		LockTable:      defaultLockTable,
		JobStatus:      l.inputs["job-status"].value(),
		GitHubToken:    promotion.Secret(l.inputs["github-token"].value()),
		Reporting:      l.reporting(functions),
	}
	s.Secrets = l.secrets(s)
	if n := l.either("lock-table", l.file.get("lock-table")); n != nil {
		s.LockTable = n.text
	}
	if n := l.inputs["api-rate"]; n != nil {
		fmt.Sscan(n.text, &s.APIRate)
	}
	if n := l.inputs["update-timeout"]; n != nil {
		s.UpdateTimeout, _ = time.ParseDuration(n.text) // its shape has parsed it
	}
	for _, id := range splitWords(l.inputs["allowed-account-ids"].value()) {
		if !accountPattern.MatchString(id) {
			l.add(promotion.Fault{Where: l.at("allowed-account-ids"), What: quote(id) + " is not an account id", Accepted: "account ids of 12 digits each"})
		}
		s.AllowedAccounts = append(s.AllowedAccounts, id)
	}
	return s
}

// commit is the commit that is released, "" if it is unknown.
func (l *loader) commit() string {
	if n := l.inputs["commit"]; n != nil {
		return strings.ToLower(n.text)
	}
	if given(l.src.Inputs["commit"]) != "" {
		return standIn
	}
	return l.src.Commit
}

// target is the request for one environment.
func (l *loader) target(e environment, functions []function, endpoints *promotion.Endpoints, v verification, i intervention, s Settings) Target {
	s.Region, s.Role = l.region(e), l.role(e, s.AllowedAccounts)
	s.Secrets = slices.Concat(s.Secrets, v.secrets)
	var alias string
	all, chosen := l.resolve(e, functions)
	if e.name == "" { // names of functions may depend on the environment
		all, chosen, v.checks = nil, nil, nil
	} else {
		alias = l.alias(e)
	}
	t := Target{Settings: s, Request: promotion.Request{
		Mode:        l.mode,
		App:         l.app,
		Environment: promotion.Environment{Name: e.name, Alias: alias, Region: s.Region},
		Functions:   chosen,
		Checks:      v.checks,
		VerifyNone:  v.none,
		Release:     l.src.Release,
		Commit:      l.commit(),
		RunURL:      l.src.RunURL,
		Actor:       l.src.Actor,
		JobStatus:   "success",

		Repository:   l.src.Repository,
		RepositoryID: l.src.RepositoryID,
		Ref:          l.src.Ref,
		RunID:        l.src.RunID,
		Attempt:      l.src.Attempt,
	}}
	l.lockRequest(&t.Request)
	l.promoteRequest(&t.Request)
	i.fill(&t.Request)
	if n := l.inputs["job-status"]; n != nil && l.is(green) {
		t.Request.JobStatus = n.text
	}
	if endpoints != nil {
		here := *endpoints
		here.Functions = all
		t.Request.Endpoints = &here
	}
	return t
}
