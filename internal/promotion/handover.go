package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// deposit ends mode deploy: the release waits for the step or job that promotes it.
func (s *story) deposit(ctx context.Context, plan Plan, candidates map[string]Candidate) error {
	if !s.ledgered() {
		s.o.end(Refused, ReasonNeedsTable, "mode deploy hands the release over in the lock table, and lock-table is none")
		return nil
	}
	release := s.release(plan, candidates)
	// What tests will see through the latest endpoint is $LATEST as it stands now, settled.
	latest, errs := s.latest(ctx, candidates)
	if len(errs) > 0 {
		s.o.fault(errs...)
		s.o.stopped(ctx, Failed, ReasonReadFailed, "$LATEST could not be read after the deployment; no alias was moved")
		return nil
	}
	for i, f := range release.Functions {
		if st, is := latest[f.Function]; is {
			release.Functions[i].Latest, release.Functions[i].LatestDigest = st.Revision, st.Digest
		}
	}
	if s.req.Hold > 0 && s.code != nil {
		release.Owner, release.HeldUntil = Secret(s.code.Grant().Owner), time.Now().Add(s.req.Hold)
	}
	if err := s.Ledger.Deposit(ctx, release); err != nil {
		s.close(ctx, err, ReasonLedgerFailed, "the release could not be kept for a later step; no alias was moved")
		return nil
	}
	s.o.Deposited = &release
	if release.Owner != "" {
		if err := s.code.Park(ctx, s.req.Hold, true); err != nil {
			s.o.Warnings = append(s.o.Warnings, Fault{
				What: fmt.Sprintf("%s could not be kept for %s: %s", s.code.Grant().Lock, s.req.Hold, FaultOf(err).What),
				Hint: "others may change $LATEST during the tests; mode promote sees it if they do",
			})
		} else {
			s.code = nil
		}
	}
	held := ""
	if s.code == nil && release.Owner != "" {
		held = fmt.Sprintf("; the code lock is kept for %s", s.req.Hold)
	}
	s.o.end(Deployed, ReasonDeployed, "%s ready to be promoted to %s as release %s%s", plural(len(candidates), "candidate"), s.req.Environment.Name, release.ID, held)
	return nil
}

// release is the candidate set: also of the functions that did not change, since the tests saw them too.
func (s *story) release(plan Plan, candidates map[string]Candidate) Release {
	r := Release{
		ID: s.req.Release, Scope: s.req.Scope(), Alias: s.req.Environment.Alias, Source: s.req.Source(), Repository: s.req.Repository,
		Ref: s.req.Ref, RunID: s.req.RunID, Attempt: s.req.Attempt, RunURL: s.req.RunURL, Actor: s.req.Actor, At: time.Now(), State: ReleaseReady,
	}
	for _, step := range plan.Steps {
		f := ReleasedFunction{
			Function: step.Function.Key, Name: step.Function.Name, Base: step.Previous(), Provenance: s.provenance(step),
			Latest: step.State.Latest.Revision, LatestDigest: step.State.Latest.Digest,
		}
		if c, is := candidates[step.Function.Key]; is {
			f.Version, f.Digest, f.Changed = c.Version, c.Digest, true
		} else {
			f.Version, f.Digest = step.State.Stable.Version, step.State.Stable.Digest
		}
		s.o.function(step.Function.Key).Provenance = f.Provenance
		r.Functions = append(r.Functions, f)
	}
	return r
}

// What is known of where a candidate's code comes from.
const (
	ProvenanceUploaded = "uploaded"      // this run sent it
	ProvenanceDigest   = "expect-sha256" // it has the digest that was asked for
	ProvenanceLocked   = "lock"          // it was put there while this job held the code lock
	ProvenanceUnproven = "unproven"
)

func (s *story) provenance(step Step) string {
	switch {
	case step.Function.Artifact.Kind != ArtifactNone:
		return ProvenanceUploaded
	case step.Function.ExpectSHA256 != "":
		return ProvenanceDigest
	case s.req.LockOwner != "":
		return ProvenanceLocked
	}
	return ProvenanceUnproven
}

// withdraw begins mode promote: it finds the release, and makes of it what has to be promoted, by number.
func (s *story) withdraw(ctx context.Context) error {
	if !s.ledgered() {
		return ends(Refused, ReasonNeedsTable, nil, "mode promote finds the release in the lock table, and lock-table is none")
	}
	release, err := s.findRelease(ctx)
	if err != nil {
		return err
	}
	s.o.Deposited = &release
	if err := s.accept(release); err != nil {
		return err
	}
	s.o.Request = s.req
	if err := s.order(ctx); err != nil {
		return err
	}
	if release.Owner == "" || release.State != ReleaseReady || s.code != nil {
		return nil
	}
	held, err := s.Locks.Resume(ctx, Lock{App: s.req.App}, release.Owner.Reveal(), s.contender(StagePlan))
	switch {
	case errors.Is(err, ErrNotHeld):
		s.o.Warnings = append(s.o.Warnings, Fault{What: "the code lock that mode deploy kept has lapsed before this step",
			Hint: "a longer hold covers longer tests; whether $LATEST stood still all the same is looked at"})
	case err != nil:
		return err
	default:
		s.code = s.keep(ctx, held)
	}
	return nil
}

// findRelease finds the release by its id, or the one that this workflow run has deployed, in any of its attempts.
func (s *story) findRelease(ctx context.Context) (Release, error) {
	query, by := ReleaseQuery{ID: s.req.Release}, "release "+s.req.Release
	if s.req.Release == "" {
		if s.req.RunID == "" {
			return Release{}, ends(Refused, ReasonNoRelease, []Fault{{Where: Where{Input: "release-id"}, What: "no release is named, and outside of a workflow run there is none to find it by",
				Accepted: "the release-id that mode deploy gave"}}, "no release is named; nothing was changed")
		}
		query, by = ReleaseQuery{RunID: s.req.RunID}, "a release of this workflow run"
	}
	found, err := s.Ledger.Releases(ctx, s.req.Scope(), query)
	if err != nil {
		return Release{}, err
	}
	if s.req.Release == "" { // other jobs of the run have releases of their own
		if fits := slices.DeleteFunc(slices.Clone(found), func(r Release) bool { return !s.covers(r) }); len(fits) > 0 {
			found = fits
		}
	}
	ready := slices.DeleteFunc(slices.Clone(found), func(r Release) bool { return r.State != ReleaseReady })
	switch {
	case len(ready) == 1:
		return ready[0], nil
	case len(ready) > 1:
		var list []string
		for _, r := range ready {
			list = append(list, fmt.Sprintf("%s (attempt %s, %s)", r.ID, r.Attempt, someOf(r.keys())))
		}
		return Release{}, ends(Refused, ReasonNoRelease, []Fault{{Where: Where{Input: "release-id"},
			What: "this workflow run has deployed more than one release that fits: " + strings.Join(list, ", "), Accepted: "the release-id of one of them"}},
			"several releases fit; nothing was changed")
	case len(found) > 0 && found[0].State == ReleaseVoid:
		return Release{}, ends(Refused, ReasonReleaseVoid, []Fault{{What: fmt.Sprintf("%s must not be promoted any more: %s", "release "+found[0].ID, found[0].Why), Hint: "deploy again"}},
			"release %s must not be promoted any more; nothing was changed", found[0].ID)
	case len(found) > 0:
		return found[0], nil // promoted already: doing it again finds nothing to move
	}
	return Release{}, ends(Refused, ReasonNoRelease, []Fault{{Where: Where{Input: "release-id"}, What: fmt.Sprintf("there is no %s for %s", by, s.req.Scope()),
		Hint: "mode deploy has to come first, with the same app, environment and lock-table"}}, "there is no release to promote; nothing was changed")
}

// covers tells whether every function of the release is one of the request's.
func (s *story) covers(r Release) bool {
	for _, f := range r.Functions {
		if _, known := s.req.Function(f.Function); !known {
			return false
		}
	}
	return true
}

func (r Release) keys() []string {
	keys := make([]string, len(r.Functions))
	for i, f := range r.Functions {
		keys[i] = f.Function
	}
	return keys
}

// accept makes the request ask for exactly the release's versions.
func (s *story) accept(r Release) error {
	var faults []Fault
	if want := s.req.ExpectCommit; want != "" && want != r.Source.Commit {
		faults = append(faults, Fault{Where: Where{Input: "expect-commit"}, What: fmt.Sprintf("release %s is of commit %s, and %s was expected", r.ID, shortCommit(r.Source.Commit), shortCommit(want))})
	}
	if r.Alias != s.req.Environment.Alias {
		faults = append(faults, Fault{What: fmt.Sprintf("release %s was deployed for alias %s, and alias %s is to be moved", r.ID, r.Alias, s.req.Environment.Alias), Hint: "deploy again"})
	}
	var functions []Function
	for _, rf := range r.Functions {
		f, known := s.req.Function(rf.Function)
		if !known || f.Name != rf.Name {
			faults = append(faults, Fault{What: fmt.Sprintf("release %s has the function %s (%s), and this step is not about it", r.ID, rf.Function, rf.Name),
				Hint: "mode promote needs the same functions as mode deploy: the same config, only and function"})
			continue
		}
		f.Artifact = Artifact{Kind: ArtifactNone, Candidate: CandidateChoice{Number: rf.Version}}
		f.ExpectSHA256 = rf.Digest
		functions = append(functions, f)
		s.o.function(rf.Function).Provenance = rf.Provenance
		if rf.Provenance == ProvenanceUnproven && rf.Changed {
			s.o.Warnings = append(s.o.Warnings, Fault{Where: f.Where, What: fmt.Sprintf("provenance unproven: nothing shows where the code of version %s of %s comes from", rf.Version, rf.Name),
				Hint: "expect-sha256, or mode lock before the tool that deploys, prove it"})
		}
	}
	if len(faults) > 0 {
		return ends(Refused, ReasonNoRelease, faults, "the release is not the one that is asked for; nothing was changed")
	}
	s.req.Functions, s.req.Release, s.req.Commit = functions, r.ID, r.Source.Commit
	if r.Source.Repository != "" {
		s.req.RepositoryID = r.Source.Repository
	}
	var entries []FunctionOutcome
	for _, f := range functions {
		entries = append(entries, *s.o.function(f.Key))
	}
	s.o.Functions = entries
	return nil
}

// strayed are the aliases that were moved since the deployment of the release that is to be promoted, and not by anybody
// whom the ledger, as it was read last, knows of.
func (s *story) strayed(plan Plan) []Fault {
	release := s.o.Deposited
	if release == nil || s.req.Mode != ModePromote {
		return nil
	}
	var foreign []Fault
	for _, step := range plan.Steps {
		rf := release.function(step.Function.Key)
		if rf.Base == 0 {
			continue // nothing fences an alias that does not exist: a dead run's creation of it may come late
		}
		if rec, known := s.record(step.Function); step.Previous() != rf.Base && step.Previous() != rf.Version && !(known && rec.Version == step.Previous()) {
			foreign = append(foreign, FaultOf(&Conflict{Thing: fmt.Sprintf("alias %s of %s", s.req.Environment.Alias, step.Function.Name),
				Expected: "version " + rf.Base.String(), Found: "version " + step.Previous().String()}))
		}
	}
	return foreign
}

// stood tells whether everything that the tests have seen, and the decision was made on, stood still since the
// deployment. It is asked under the environment's lock.
func (s *story) stood(ctx context.Context, plan Plan) error {
	release := s.o.Deposited
	if release == nil || s.req.Mode != ModePromote {
		return nil
	}
	foreign := s.strayed(plan)
	var moved []Fault
	for _, step := range plan.Steps {
		rf := release.function(step.Function.Key)
		if s.req.TestedThrough == ThroughVersion || !plan.Changed() {
			continue
		}
		latest := step.State.Latest
		if latest.Digest != rf.LatestDigest || latest.Revision != rf.Latest {
			moved = append(moved, Fault{What: fmt.Sprintf("$LATEST of %s moved since it was deployed, so the tests may have seen other code than version %s", step.Function.Name, rf.Version),
				Hint: "deploy and test again; keep others away meanwhile with hold; or, if the tests reached the version by its number, say tested-through: version"})
		}
	}
	if len(foreign) > 0 {
		return ends(ConflictFound, ReasonAliasMoved, foreign, "an alias of %s was changed by somebody else since the deployment; theirs is left alone, and nothing was moved", s.req.Environment.Name)
	}
	if len(moved) > 0 {
		return ends(VerificationFailed, ReasonEvidenceVoid, moved, "the evidence is void: $LATEST moved while tests went through it; %s was not touched", s.req.Environment.Name)
	}
	return nil
}

func (r *Release) function(key string) ReleasedFunction {
	for _, f := range r.Functions {
		if f.Function == key {
			return f
		}
	}
	return ReleasedFunction{}
}

// promotedRelease marks the release as promoted. Should that fail, the next attempt finds nothing to move.
func (s *story) promotedRelease(ctx context.Context) {
	if s.req.Mode != ModePromote || s.o.Deposited == nil || s.o.Deposited.State != ReleaseReady {
		return
	}
	within, cancel := lasting(ctx)
	defer cancel()
	if err := s.Ledger.Conclude(within, s.req.Scope(), s.o.Deposited.ID, ReleasePromoted, ""); err != nil {
		s.say(StageRecord, "")("release %s could not be marked as promoted: %v", s.o.Deposited.ID, err)
	}
}
