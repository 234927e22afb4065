package report

import "github.com/promote-on-success/promote/internal/promotion"

// advice is what a person does after a run that did not end well. What was wrong in particular has hints of its own.
func advice(o promotion.Outcome) string {
	if o.ExitCode() == 0 {
		return ""
	}
	switch o.Kind {
	case promotion.VerificationFailed:
		return "mend what is red and run again; nothing has to be undone"
	case promotion.ConflictFound:
		return "find out who changed it, then run again: the run starts from what is there then"
	case promotion.RolledBack:
		return "remove the cause and run again; nothing is left half done"
	case promotion.NeedsAttention:
		return "carry out the commands of this report, then look at the environment with `promote status`"
	case promotion.Fenced:
		return "look at the run that took over; when it is through, run again if this commit is still wanted"
	case promotion.LockTimeout:
		return "run again when the holder is through; or wait longer (`lock-timeout`), or ask it to stop (mode `abort`)"
	}
	if o.Reason == promotion.ReasonInterrupted {
		return "run again; what was begun is repaired first"
	}
	return ""
}
