package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// An InputDoc describes an input of the action, which on the command line is the flag of the same name.
type InputDoc struct {
	Name        string
	Description string
	Default     string // as action.yml spells it; "" for none
	Accepted    string
	Placeholder string           // for the flag's value in a help text
	Modes       []promotion.Mode // that it means something to; all if empty
	ActionOnly  bool             // the command line says it otherwise
	shape       *shape
	misleads    bool // given in another mode it would seem to do what it does not
}

// Inputs are the action's inputs, in the order in which a person should meet them.
func Inputs() []InputDoc {
	docs := slices.Clone(inputTable)
	for i := range docs {
		docs[i].Accepted = docs[i].shape.accepted
		if docs[i].Accepted == "" {
			docs[i].Accepted = wordList(docs[i].shape.enum)
		}
	}
	return docs
}

// given is an input's value as it counts: without the white space that YAML and shells leave around it.
func given(in Input) string { return strings.TrimSpace(in.Value) }

// inputName is the input that a place names, whether as an input or as a flag.
func inputName(w promotion.Where) string { return strings.TrimPrefix(w.Input, "--") }

var separators = regexp.MustCompile(`[,\s]+`)

// splitWords splits a list that a person wrote with commas, spaces or lines.
func splitWords(text string) []string {
	var out []string
	for _, w := range separators.Split(text, -1) {
		if w != "" {
			out = append(out, w)
		}
	}
	return unique(out)
}
