package conformance

import (
	"sync/atomic"

	"github.com/anishathalye/porcupine"
)

// A history is what clients did to one alias, for a check that it behaved as one register that only one of them
// changed at a time (https://github.com/anishathalye/porcupine). Time is the order of events, so no clock matters.
type history struct {
	clock      atomic.Int64
	operations []porcupine.Operation
}

// An access is one call: a read, or a write under the condition of a revision.
type access struct {
	expected string // "" for a read
}

// An effect is what its answer said: the revision that was read or written; "" for a refusal (412).
type effect struct{ revision string }

func (h *history) now() int64 { return h.clock.Add(1) }

// add notes a call that was answered. Calls that were throttled do not belong here, since they are not carried out,
// nor those without an answer, after which a new history has to begin.
func (h *history) add(client int, begin, end int64, expected, revision string) {
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: access{expected}, Call: begin, Output: effect{revision}, Return: end,
	})
}

// linear says whether some order of the calls, each between its sending and its answer, explains all answers.
func (h *history) linear() bool {
	return porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			current, in, out := state.(string), input.(access), output.(effect)
			switch {
			case current == "": // the first call of a history is a read, which tells where it begins
				return in.expected == "", out.revision
			case in.expected == "":
				return out.revision == current, current
			case out.revision == "":
				return in.expected != current, current
			}
			return in.expected == current && out.revision != current, out.revision
		},
	}, h.operations)
}
