package config

import (
	"fmt"
	"slices"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The modes, in the order in which a person should meet them.
var allModes = []promotion.Mode{
	promotion.ModeRun, promotion.ModeDeploy, promotion.ModePromote, promotion.ModeLock, promotion.ModeRollback, promotion.ModeAbort, promotion.ModePlan,
	promotion.ModeStatus, promotion.ModeHistory, promotion.ModeReconcile, promotion.ModeUnlock, promotion.ModeSetup,
}

// What the modes have in common.
var (
	releasing   = []promotion.Mode{promotion.ModeRun, promotion.ModePlan, promotion.ModeDeploy}                             // code becomes a version, or would
	verifying   = []promotion.Mode{promotion.ModeRun, promotion.ModePlan, promotion.ModePromote}                            // candidates are verified, or would be
	ordered     = []promotion.Mode{promotion.ModeRun, promotion.ModePlan, promotion.ModeDeploy, promotion.ModePromote}      // commits are compared
	locking     = []promotion.Mode{promotion.ModeRun, promotion.ModeDeploy, promotion.ModePromote, promotion.ModeReconcile} // locks are waited for and kept alive
	holding     = []promotion.Mode{promotion.ModeDeploy, promotion.ModeLock}                                                // the code lock outlives the step
	promoting   = []promotion.Mode{promotion.ModePromote}
	green       = []promotion.Mode{promotion.ModeRun, promotion.ModeDeploy, promotion.ModePromote} // a red job may not
	rollingBack = []promotion.Mode{promotion.ModeRollback}
	unlocking   = []promotion.Mode{promotion.ModeUnlock}
	explaining  = []promotion.Mode{promotion.ModeRollback, promotion.ModeAbort, promotion.ModeUnlock}
	recording   = []promotion.Mode{promotion.ModeRun, promotion.ModeDeploy, promotion.ModePromote, promotion.ModeRollback, promotion.ModeReconcile} // GitHub is told what became of it
	notifying   = with(recording, promotion.ModeAbort, promotion.ModeUnlock)

	sweeping = []promotion.Mode{promotion.ModeStatus, promotion.ModeHistory, promotion.ModeReconcile, promotion.ModeSetup} // all environments, unless one is chosen
	// Without the table there is nothing that these could do.
	tabled = []promotion.Mode{promotion.ModeDeploy, promotion.ModePromote, promotion.ModeLock, promotion.ModeAbort, promotion.ModeHistory, promotion.ModeReconcile, promotion.ModeUnlock}
)

func with(some []promotion.Mode, more ...promotion.Mode) []promotion.Mode {
	return append(slices.Clone(some), more...)
}

func modeNames() []string {
	var names []string
	for _, m := range allModes {
		names = append(names, string(m))
	}
	return names
}

// readMode is the mode that is asked for. Where that is not understood it is run, so that everything else is looked at.
func (l *loader) readMode() promotion.Mode {
	switch n := l.inputs["mode"]; {
	case n != nil:
		return promotion.Mode(n.text)
	case l.src.Mode != "":
		return l.src.Mode
	}
	return promotion.ModeRun
}

// is tells whether the mode is among these.
func (l *loader) is(these []promotion.Mode) bool { return slices.Contains(these, l.mode) }

// modeKnown is false where the mode that was given makes no sense, and nothing can be said against what came with it.
func (l *loader) modeKnown() bool {
	return l.inputs["mode"] != nil || given(l.src.Inputs["mode"]) == ""
}

// codeOnly tells whether the run is about the app's code lock, which no environment and no function is needed for.
func (l *loader) codeOnly() bool {
	return l.mode == promotion.ModeLock || l.mode == promotion.ModeUnlock && l.inputs["target"].value() == string(promotion.UnlockCode)
}

// needsFunctions is false for the code lock, and for the history, which names the functions itself.
func (l *loader) needsFunctions() bool { return !l.codeOnly() && l.mode != promotion.ModeHistory }

// checkPlaces refuses inputs that would seem to do what they do not in this mode.
func (l *loader) checkPlaces() {
	if !l.modeKnown() {
		return
	}
	for _, in := range inputTable {
		n := l.inputs[in.Name]
		if n == nil || !in.misleads || slices.Contains(in.Modes, l.mode) || n.text == in.Default {
			continue
		}
		var meant []string
		for _, m := range in.Modes {
			meant = append(meant, string(m))
		}
		l.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("means something in mode %s only, and the mode is %s", wordList(meant), l.mode),
			Hint: fmt.Sprintf("take it out, or set the mode to %s", wordList(meant))})
	}
}

// checkTable refuses to go without the table where that cannot work.
func (l *loader) checkTable(s Settings) {
	if s.LockTable != noLockTable || !l.modeKnown() {
		return
	}
	n := l.either("lock-table", l.file.get("lock-table"))
	if l.is(tabled) {
		l.add(promotion.Fault{Where: n.where, What: fmt.Sprintf("mode %s needs the table of locks and history, and lock-table is none", l.mode),
			Accepted: "a table's name", Hint: fmt.Sprintf("take it out to use the table %s, or name another one; mode setup creates it", defaultLockTable)})
	}
	if l.mode == promotion.ModeRollback && given(l.src.Inputs["to"]) == "" {
		l.add(promotion.Fault{Where: n.where, What: "without a lock table no history tells what to go back to, and no version is named",
			Accepted: toShape.accepted, Hint: fmt.Sprintf("give %s", l.called("to"))})
	}
}
