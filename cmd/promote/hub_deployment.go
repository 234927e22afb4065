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
	looked bool
	id     int64 // filed by this run; 0 for none
	jobs   bool  // the job's own `environment:` has filed one
	off    bool
}

// deployRunning files the deployment, unless the job's own environment has.
func (h *hub) deployRunning(ctx context.Context) {
	d := &h.deployment
	if d.id != 0 || d.off || !h.wanted.Deployments || h.req.Commit == "" || !h.step.Inside() {
		return
	}
	if h.lookForJobs(ctx); d.jobs || d.off {
		return
	}
	payload, _ := json.Marshal(map[string]string{"app": h.req.App, "release": h.req.Release, "run": h.req.RunID, "attempt": h.req.Attempt})
	id, err := h.client.Deploy(ctx, github.DeploymentRequest{
		Environment: h.req.Environment.Name, Commit: h.req.Commit, Description: "release " + h.req.Release, Payload: payload,
	})
	if h.deploymentFailed(err) {
		return
	}
	d.id = id
	h.deploymentFailed(h.client.DeploymentStatus(ctx, id, "in_progress", h.environmentURL(promotion.Outcome{}), h.req.RunURL, "being verified and promoted"))
}

// lookForJobs asks once whether the job's own `environment:` has filed a deployment.
func (h *hub) lookForJobs(ctx context.Context) {
	d := &h.deployment
	if d.looked {
		return
	}
	run, err := strconv.ParseInt(h.req.RunID, 10, 64)
	if err != nil {
		d.looked = true
		return
	}
	found, err := h.client.JobDeployment(ctx, h.req.Environment.Name, h.req.Commit, run)
	if h.deploymentFailed(err) {
		return
	}
	d.looked, d.jobs = true, found != nil
}

func (h *hub) deploymentFailed(err error) bool {
	if err == nil {
		return false
	}
	h.deployment.off = true
	f := promotion.FaultOf(err)
	if f.Hint != "" {
		f.Hint += "; or "
	}
	f.Hint += "say deployments: off"
	h.warn("deployment", f)
	return true
}

func (h *hub) environmentURL(o promotion.Outcome) string {
	if o.Endpoints != nil {
		return o.Endpoints.EnvironmentURL
	}
	return ""
}

// deployEnd gives the deployment its end, and sees to it that none but the live commit's shows as active.
func (h *hub) deployEnd(ctx context.Context, o promotion.Outcome) {
	d := &h.deployment
	if d.off || !h.wanted.Deployments || !h.step.Inside() || h.req.Mode == promotion.ModePlan || h.req.Mode == promotion.ModeDeploy {
		return
	}
	switch o.Kind {
	case promotion.Promoted:
		h.deployRunning(ctx)
		h.succeeded(ctx, o)
	case promotion.Unchanged:
		// The commit was found to be what is live already: it is the environment's from now on.
		if o.Entry != nil {
			h.deployRunning(ctx)
			h.succeeded(ctx, o)
			return
		}
		h.withdraw(ctx, "inactive", o)
		h.settle(ctx)
	case promotion.Superseded, promotion.RolledBack, promotion.Reconciled:
		h.withdraw(ctx, "inactive", o)
		h.settle(ctx)
		if o.Kind == promotion.Superseded {
			h.adviseEnvironment(ctx)
		}
	default:
		h.withdraw(ctx, "failure", o)
	}
}

func (h *hub) succeeded(ctx context.Context, o promotion.Outcome) {
	d := &h.deployment
	if d.id == 0 || d.off {
		return
	}
	if h.deploymentFailed(h.client.DeploymentStatus(ctx, d.id, "success", h.environmentURL(o), h.req.RunURL, o.Sentence)) {
		return
	}
	_, err := h.client.DeactivateOthers(ctx, h.req.Environment.Name, d.id)
	h.deploymentFailed(err)
}

// withdraw ends a deployment that did not come to be.
func (h *hub) withdraw(ctx context.Context, state string, o promotion.Outcome) {
	if d := &h.deployment; d.id != 0 && !d.off {
		h.deploymentFailed(h.client.DeploymentStatus(ctx, d.id, state, "", h.req.RunURL, o.Sentence))
	}
}

// settle makes the deployment of the commit that is live the active one.
func (h *hub) settle(ctx context.Context) {
	live := h.live(ctx)
	if live == "" || h.deployment.off {
		return
	}
	_, _, err := h.client.SettleActive(ctx, h.req.Environment.Name, live)
	h.deploymentFailed(err)
}

// live is the commit that was promoted last of all functions of the environment, "" if it is not known.
func (h *hub) live(ctx context.Context) string {
	if h.ledger == nil {
		return ""
	}
	book, err := h.ledger.Read(ctx, h.req.Scope())
	if err != nil {
		return ""
	}
	var newest promotion.Record
	for _, rec := range book.Head.Functions {
		if rec.Source.Commit != "" && rec.Entry >= newest.Entry {
			newest = rec
		}
	}
	return newest.Source.Commit
}

// adviseEnvironment warns where GitHub will show the older commit as deployed: it sets the deployment of a job's own
// `environment:` to success after everything that the job can do about it.
func (h *hub) adviseEnvironment(ctx context.Context) {
	if h.lookForJobs(ctx); !h.deployment.jobs {
		return
	}
	h.warn("environment", promotion.Fault{
		What: fmt.Sprintf("GitHub will show this commit as deployed to %s, although a newer one is live: it sets the deployment of the job's own environment to success when the job ends", h.req.Environment.Name),
		Hint: fmt.Sprintf("write `environment: {name: %s, deployment: false}`, and promote files the deployment when there is one; until then the next run, or mode reconcile, puts it right", h.req.Environment.Name),
	})
}

// statusRunning sets the commit's status, where one is wanted.
func (h *hub) statusRunning(ctx context.Context) { h.status(ctx, "pending", "under way") }

func (h *hub) statusEnd(ctx context.Context, o promotion.Outcome) {
	state := "failure"
	if o.ExitCode() == 0 {
		state = "success"
	}
	h.status(ctx, state, o.Sentence)
}

func (h *hub) status(ctx context.Context, state, text string) {
	if !h.wanted.CommitStatus || h.req.Commit == "" || h.req.Mode == promotion.ModePlan {
		return
	}
	h.warn("status", h.client.CommitStatus(ctx, h.req.Commit, "promote/"+h.req.Environment.Name, state, text, h.req.RunURL))
}
