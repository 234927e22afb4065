package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// A hub is where people are told of a run besides its log: GitHub's pull request, deployments, commit and release, and
// whoever wants to be notified. Nothing here decides anything about the run, and whatever fails is one warning.
type hub struct {
	client  *github.Client // nil where GitHub is not to be told
	step    *actions.Step
	context report.Context
	wanted  config.Reporting
	req     promotion.Request
	table   string       // that the ledger is in
	grace   *grace       // for all targets of the run together
	web     *http.Client // that webhooks are called with; nil for their own

	// Known once the account is open.
	ledger  promotion.Ledger // nil without one
	account func(context.Context) (string, error)
	aws     aws.Config

	workspace string

	// Each belongs to the worker until the run is over, and to one of those who tell its end from then on.
	comment    comment
	deployment deployment
	pending    bool // the commit's status was set

	news   *news
	worker sync.WaitGroup
	stop   context.CancelFunc // of what the worker is telling

	mu       sync.Mutex
	faults   []promotion.Fault
	warned   map[string]bool // of what there is a fault already
	released report.Published
}

// toldModes are the modes of which people are told on GitHub.
var toldModes = map[promotion.Mode]bool{
	promotion.ModeRun: true, promotion.ModePlan: true, promotion.ModeDeploy: true, promotion.ModePromote: true,
	promotion.ModeRollback: true, promotion.ModeReconcile: true,
}

// newHub makes the hub of one target. It calls nobody yet.
func (w wiring) newHub(t config.Target) *hub {
	h := &hub{
		step: actions.New(w.getenv, io.Discard), wanted: t.Settings.Reporting, req: t.Request, table: t.Settings.LockTable,
		workspace: w.workspace, grace: cmp.Or(w.grace, newGrace()), web: w.web, warned: map[string]bool{}, news: newNews(),
	}
	h.context = contextOf(h.step)
	token := t.Settings.GitHubToken.Reveal()
	if !w.workflow || !toldModes[t.Request.Mode] || onlyReads(h.step, w.getenv) || token == "" && w.getenv("GITHUB_TOKEN") == "" && w.getenv("GH_TOKEN") == "" {
		return h
	}
	// A client of its own: what reports wait for must not be taken from the time of the order of commits.
	h.client, _ = github.Open(github.Options{Getenv: w.getenv, Token: token, Version: version, HTTPClient: w.web})
	return h
}

// contextOf is what reports need of the runner for their links.
func contextOf(step *actions.Step) report.Context {
	return report.Context{ServerURL: step.Server(), Repository: step.Repository(), Workflow: step.Workflow()}
}

// onlyReads tells whether the job's token can only read, as those of forks and of Dependabot: the job summary has it all.
// https://docs.github.com/en/code-security/dependabot/troubleshooting-dependabot/troubleshooting-dependabot-on-github-actions
func onlyReads(step *actions.Step, getenv func(string) string) bool {
	_, readOnly := step.PullRequest()
	return readOnly || step.Event() == "push" && getenv("GITHUB_ACTOR") == "dependabot[bot]"
}

// warn keeps a fault of telling people, one for each thing that was to be told. off is the line that switches it off,
// for who does not want it; "" for none.
func (h *hub) warn(about string, err error, off string) {
	if err == nil {
		return
	}
	f := promotion.FaultOf(err)
	switch {
	case off != "" && f.Hint != "":
		f.Hint += "; or switch it off: " + off
	case off != "":
		f.Hint = "the outcome stands, and the job summary has everything; to switch it off: " + off
	case f.Hint == "":
		f.Hint = "the outcome stands, and the job summary has everything"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.warned[about] {
		h.warned[about] = true
		h.faults = append(h.faults, f)
	}
}

// safely keeps a defect in telling people from ending the run that they are told of.
func (h *hub) safely(about string, do func()) {
	defer func() {
		if p := recover(); p != nil {
			h.warn("defect", promotion.Fault{What: fmt.Sprintf("tell people of the run (%s): internal error: %v", about, p),
				Hint: "the outcome stands; this is a defect of promote: please report it with the log"}, "")
		}
	}()
	do()
}
