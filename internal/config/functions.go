package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A function as it was written: its texts may hold templates, which an environment settles.
type function struct {
	key      string
	where    promotion.Where
	name     *node
	artifact *node
	choice   *node
	expect   *node
	path     *node
	paths    *node
	selected bool
	unnamed  bool // it only stands in for one, so that what else was given is looked at
}

// functions are the file's, or the one that the inputs describe where the file has none.
func (l *loader) functions() []function {
	if l.file.has("functions") {
		return l.fileFunctions(l.file.get("functions"))
	}
	// What else the inputs say about the function is looked at also where its name is of no use.
	unnamed := function{key: standIn, where: l.at("function"), artifact: l.inputs["artifact"], unnamed: true}
	name := l.inputs["function"]
	if name == nil {
		if given(l.src.Inputs["function"]) == "" && l.needsFunctions() && !documentShape.misspelt("functions", l.file) {
			l.add(l.noFunctions())
		}
		return []function{unnamed}
	}
	if what := promotion.CheckFunctionName(name.text); what != "" {
		f := promotion.Fault{Where: name.where, What: what, Accepted: promotion.AcceptedFunctionName}
		if parts := strings.Split(name.text, ":"); len(parts) >= 7 && parts[5] == "function" {
			f.What, f.Hint = "a function is named without its ARN", fmt.Sprintf("did you mean %s?", parts[6])
		}
		l.add(f)
		return []function{unnamed}
	}
	if what, _ := keyShape.complain(name.text); what != "" {
		l.add(promotion.Fault{Where: name.where, What: what, Accepted: keyShape.accepted, Hint: "give the function a key of its own in " + l.src.File.Name})
		return []function{unnamed}
	}
	f := function{key: name.text, where: name.where, artifact: l.inputs["artifact"]}
	if f.artifact == nil && l.is(releasing) && l.modeKnown() && given(l.src.Inputs["artifact"]) == "" {
		l.add(promotion.Fault{Where: l.at("artifact"), What: fmt.Sprintf("nothing says where the code of %s comes from", name.text), Accepted: artifactShape.accepted})
	}
	return []function{f}
}

func (l *loader) noFunctions() promotion.Fault {
	f := promotion.Fault{Where: l.at("function"), What: fmt.Sprintf("there is nothing to do: no function is named, and %s does not exist", l.src.File.Name),
		Accepted: promotion.AcceptedFunctionName, Hint: fmt.Sprintf("name a function, or write %s; is the repository checked out before this step?", l.src.File.Name)}
	if l.src.File.Data != nil {
		f.Where, f.What, f.Accepted = l.fileAt(), "functions is missing, and no function is named otherwise", documentShape.field("functions").accepted
		f.Hint = fmt.Sprintf("add functions, or give %s", l.called("function"))
	}
	return f
}

func (s *shape) field(name string) *shape {
	for _, f := range s.fields {
		if f.name == name {
			return f.shape
		}
	}
	return nil
}

func (l *loader) fileFunctions(m *node) []function {
	if m != nil && len(m.entries) == 0 {
		l.add(promotion.Fault{Where: m.where, What: "functions is empty", Accepted: documentShape.field("functions").accepted})
	}
	var all []function
	if m == nil {
		return nil
	}
	for _, e := range m.entries {
		if slices.Contains(keys(all), e.name) || !keyShape.pattern.MatchString(e.name) {
			continue // its fault is reported
		}
		v := e.value
		all = append(all, function{key: e.name, where: e.where, name: v.get("name"), artifact: v.get("artifact"),
			choice: v.get("candidate"), expect: v.get("expect-sha256"), path: v.get("path"), paths: v.get("paths")})
	}
	return all
}

// selectFunctions marks those that the run is about, and lets the inputs override the values of a single one.
func (l *loader) selectFunctions(all []function) []function {
	wanted := l.wanted(all)
	count := 0
	for i := range all {
		all[i].selected = wanted == nil || slices.Contains(wanted, all[i].key)
		if all[i].selected {
			count++
		}
	}
	for _, input := range []string{"artifact", "candidate", "expect-sha256"} {
		if l.inputs[input] != nil && count > 1 {
			l.add(promotion.Fault{Where: l.at(input), What: fmt.Sprintf("%s is for one function, and this run is about %d", input, count),
				Hint: fmt.Sprintf("say which by %s: %s", l.called("function"), wordList(keys(all)))})
		}
	}
	for i := range all {
		f := &all[i]
		if f.selected && count == 1 {
			f.artifact = l.either("artifact", f.artifact)
			f.choice = l.either("candidate", f.choice)
			f.expect = l.either("expect-sha256", f.expect)
		}
	}
	return all
}

// wanted are the keys that the inputs function and only name, nil for all.
func (l *loader) wanted(all []function) []string {
	if !l.file.has("functions") && l.inputs["only"] == nil {
		return nil
	}
	one, only := l.inputs["function"], l.inputs["only"]
	switch {
	case len(all) == 0, all[0].key == standIn && !l.file.has("functions"):
		return nil
	case one != nil && only != nil && l.file.has("functions"):
		l.add(promotion.Fault{Where: l.at("only"), What: fmt.Sprintf("%s and %s both say which functions the run is about", l.called("function"), l.called("only")), Hint: "give one of the two"})
		return nil
	case only != nil:
		return l.keysOf("only", splitWords(only.text), all)
	case one != nil:
		return l.keysOf("function", []string{one.text}, all)
	}
	return nil
}

func (l *loader) keysOf(input string, words []string, all []function) []string {
	var found []string
	for _, w := range words {
		if slices.Contains(keys(all), w) {
			found = append(found, w)
			continue
		}
		f := promotion.Fault{Where: l.at(input), What: fmt.Sprintf("%s has no function %s", l.src.File.Name, quote(w)), Accepted: strings.Join(keys(all), ", "), Hint: didYouMean(w, keys(all))}
		if !l.file.has("functions") {
			f.What = fmt.Sprintf("this run has no function %s", quote(w))
		}
		l.add(f)
	}
	if len(words) == 0 {
		l.add(promotion.Fault{Where: l.at(input), What: "no function is named", Accepted: strings.Join(keys(all), ", ")})
	}
	return found
}

func keys(all []function) []string {
	var out []string
	for _, f := range all {
		out = append(out, f.key)
	}
	return out
}

// resolve settles the functions for an environment: all of the app's, and those that the run is about.
func (l *loader) resolve(e environment, functions []function) (all, chosen []promotion.Function) {
	names := map[string]string{}
	for _, f := range functions {
		values := map[string]string{"App": l.app, "Environment": e.name, "Function": f.key}
		out := promotion.Function{Key: f.key, Name: f.key, Where: f.where}
		if f.name != nil {
			name, ok := l.expand(f.name.text, f.name.where, "functions."+f.key+".name", place{names: []string{"App", "Environment", "Function"}, values: values})
			if !ok {
				name = ""
			}
			out.Name = name
		}
		if out.Name != "" {
			l.checkName(out, f, e, names)
		}
		if f.path != nil {
			if out.Path = strings.Trim(f.path.text, "/"); out.Path == "" {
				out.Path = "/"
			}
		}
		values["Commit"] = l.commit()
		out.Artifact = l.artifact(f, values)
		out.ExpectSHA256 = digest(f.expect.value(), out.Artifact.Kind)
		if f.unnamed {
			continue
		}
		all = append(all, out)
		if f.selected {
			chosen = append(chosen, out)
		}
	}
	return all, chosen
}

func (l *loader) checkName(out promotion.Function, f function, e environment, names map[string]string) {
	where := f.where
	if f.name != nil {
		where = f.name.where
	}
	if what := promotion.CheckFunctionName(out.Name); what != "" {
		fault := promotion.Fault{Where: where, What: fmt.Sprintf("functions.%s.name: %s", f.key, what), Accepted: promotion.AcceptedFunctionName}
		if strings.HasPrefix(out.Name, "arn:") {
			fault.What = fmt.Sprintf("functions.%s.name: a function is named without its ARN", f.key)
			if parts := strings.Split(out.Name, ":"); len(parts) > 6 {
				fault.Hint = fmt.Sprintf("write %s", parts[6])
			}
		}
		l.add(fault)
		return
	}
	if other, taken := names[out.Name]; taken {
		l.add(promotion.Fault{Where: where, What: fmt.Sprintf("functions.%s and functions.%s are the same Lambda function, %s", other, f.key, out.Name), Hint: "give one of them a name of its own"})
		return
	}
	names[out.Name] = f.key
}

// digest spells an expected digest as Lambda spells CodeSha256: hexadecimal for images, else base64. Where the kind
// of code is not known, the text's own spelling counts.
func digest(text string, kind promotion.ArtifactKind) promotion.Digest {
	bare := strings.TrimPrefix(text, "sha256:")
	if raw, err := hex.DecodeString(bare); err == nil && len(raw) > 0 {
		if kind == promotion.ArtifactImage || kind == promotion.ArtifactNone {
			return promotion.Digest(strings.ToLower(bare))
		}
		return promotion.Digest(base64.StdEncoding.EncodeToString(raw))
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && kind == promotion.ArtifactImage {
		return promotion.Digest(hex.EncodeToString(raw))
	}
	return promotion.Digest(text)
}
