package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A deployment is what GitHub shows of the environment for this run.
type deployment struct {
	commit string // that was looked for; "" before
	id     int64  // of promote's own; 0 for none
	jobs   bool   // the job's own `environment:` has filed one
	failed bool   // it could not be filed while the run was under way
	begun  bool   // it is in progress
}

const deploymentsOff = "deployments: off"

// A deploymentPayload tells programs whose deployment it is. A run that is run again has the same one.
type deploymentPayload struct {
	App     string `json:"app"`
	Release string `json:"release"`
	Run     string `json:"run"`
	Attempt string `json:"attempt"`
}

// deployRunning files the deployment, unless the job's own environment has. It is filed once the order of commits was
// asked and something is going to change: a run that was superseded before has none.
func (h *hub) deployRunning(ctx context.Context) {
	d := &h.deployment
	if !h.wanted.Deployments || !h.promotes() || h.req.Commit == "" || d.begun || d.failed {
		return
	}
	err := h.file(ctx)
	if err == nil && d.id != 0 {
		err = h.client.DeploymentStatus(ctx, d.id, "in_progress", "", h.req.RunURL, "being verified and promoted")
		d.begun = err == nil
	}
	d.failed = err != nil
}

// deployEnd gives the deployment its end, and sees to it that none but the live commit's shows as active.
func (h *hub) deployEnd(ctx context.Context, o promotion.Outcome) {
	if h.wanted.Deployments && h.req.Environment.Name != "" && h.req.Mode != promotion.ModePlan {
		h.warn("deployment", h.concludeDeployment(ctx, o), deploymentsOff)
	}
}

func (h *hub) concludeDeployment(ctx context.Context, o promotion.Outcome) error {
	state := deploymentState(o)
	if h.promotes() && h.req.Commit != "" {
		if err := h.endDeployment(ctx, o, state); err != nil {
			return err
		}
	}
	// Read after the deployment has its state: of two runs that end together the later one finds both.
	live := h.live(ctx)
	switch d := h.deployment; {
	case live != "":
		if _, _, err := h.client.SettleActive(ctx, h.req.Environment.Name, live); err != nil {
			return err
		}
	case state == "success" && d.id != 0:
		if _, err := h.client.DeactivateOthers(ctx, h.req.Environment.Name, d.id); err != nil {
			return err
		}
	}
	return h.adviseEnvironment(ctx, o, live)
}

// endDeployment gives this run's deployment its last state. There is one if the commit is live now, or if the run was
// about to make it so.
func (h *hub) endDeployment(ctx context.Context, o promotion.Outcome, state string) error {
	d := &h.deployment
	if d.id != 0 && d.commit != h.req.Commit { // the release turned out to be another commit's
		if err := h.client.DeploymentStatus(ctx, d.id, "inactive", "", h.req.RunURL, "another commit is promoted"); err != nil {
			return err
		}
	}
	find := h.lookForDeployment
	if state == "success" || state == "failure" && h.news.changes() {
		find = h.file
	}
	if err := find(ctx); err != nil || d.id == 0 {
		return err
	}
	if state != "success" && h.live(ctx) == h.req.Commit { // promoted before, and this was another attempt
		state = "success"
	}
	url := ""
	if o.Endpoints != nil && state == "success" {
		url = o.Endpoints.EnvironmentURL
	}
	return h.client.DeploymentStatus(ctx, d.id, state, url, h.req.RunURL, o.Sentence)
}

// deploymentState is what becomes of a deployment with the outcome. That a commit was found to be what is live already
// makes it the environment's from then on.
func deploymentState(o promotion.Outcome) string {
	switch {
	case o.Kind == promotion.Promoted, o.Kind == promotion.Unchanged && o.Entry != nil:
		return "success"
	case o.ExitCode() == 0:
		return "inactive"
	}
	return "failure"
}

// file sees to it that there is a deployment of the commit for this run.
func (h *hub) file(ctx context.Context) error {
	d := &h.deployment
	if err := h.lookForDeployment(ctx); err != nil || d.id != 0 || d.jobs {
		return err
	}
	payload, err := json.Marshal(deploymentPayload{h.req.App, h.req.Release, h.req.RunID, h.req.Attempt})
	if err != nil {
		return err
	}
	commit := h.req.Commit
	d.commit = "" // if no answer comes it has to be looked for again
	id, err := h.client.Deploy(ctx, github.DeploymentRequest{
		Environment: h.req.Environment.Name, Commit: commit, Description: "release " + h.req.Release, Payload: payload,
	})
	if err == nil {
		d.id, d.commit = id, commit
	}
	return err
}

// lookForDeployment finds what was filed for the commit already: by this run, which may have been run again, or by the
// `environment:` of its job.
func (h *hub) lookForDeployment(ctx context.Context) error {
	d := &h.deployment
	if d.commit == h.req.Commit {
		return nil
	}
	list, err := h.client.Deployments(ctx, h.req.Environment.Name, h.req.Commit)
	if err != nil {
		return err
	}
	found := deployment{commit: h.req.Commit}
	others := false
	for _, one := range list {
		if one.Task != github.DeploymentTask {
			others = true
		} else if found.id == 0 && h.isOurs(one.Payload) {
			found.id = one.ID
		}
	}
	run, err := strconv.ParseInt(h.req.RunID, 10, 64)
	if others && found.id == 0 && err == nil {
		jobs, err := h.client.JobDeployment(ctx, h.req.Environment.Name, h.req.Commit, run)
		if err != nil {
			return err
		}
		found.jobs = jobs != nil
	}
	*d = found
	return nil
}

func (h *hub) isOurs(payload json.RawMessage) bool {
	var text string
	if json.Unmarshal(payload, &text) == nil { // an object that was sent may come back as its text
		payload = json.RawMessage(text)
	}
	var p deploymentPayload
	return json.Unmarshal(payload, &p) == nil && p.Run != "" && p.Run == h.req.RunID && p.App == h.req.App
}

// live is the commit that the environment holds, by the newest entry of its history; "" where that is not known, or
// where somebody is about to change it and will tell himself.
func (h *hub) live(ctx context.Context) string {
	if h.ledger == nil {
		return ""
	}
	book, err := h.ledger.Read(ctx, h.req.Scope())
	if err != nil || book.Open != nil || len(book.Head.Functions) == 0 {
		return ""
	}
	entries, err := h.ledger.History(ctx, h.req.Scope(), promotion.Query{Limit: entriesRead})
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.Kind == promotion.EntryUndone || e.Kind == promotion.EntryFloor {
			continue
		}
		for _, m := range e.Moves {
			if commit := book.Head.Functions[m.Function].Source.Commit; commit != "" {
				return commit
			}
		}
	}
	return ""
}

// adviseEnvironment warns where GitHub is going to show a commit as deployed that is not live: it sets the deployment of
// a job's own `environment:` to success after everything that the job can do about it.
func (h *hub) adviseEnvironment(ctx context.Context, o promotion.Outcome, live string) error {
	if o.ExitCode() != 0 || live == "" || h.req.Commit == "" || live == h.req.Commit {
		return nil
	}
	if err := h.lookForDeployment(ctx); err != nil || !h.deployment.jobs {
		return err
	}
	environment := h.req.Environment.Name
	h.warn("environment", promotion.Fault{
		What: fmt.Sprintf("GitHub will show %.7s as deployed to %s, although %.7s is live: it sets the deployment of the job's own environment to success when the job has ended", h.req.Commit, environment, live),
		Hint: fmt.Sprintf("write `environment: {name: %s, deployment: false}` in the job, and promote files the deployment where there is one; until then the next run, or mode reconcile, puts it right", environment),
	}, "")
	return nil
}
