package github

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

func (s *Service) putRun(r *repository, run Run) error {
	if run.ID <= 0 || r.commits[run.SHA] == nil {
		return fmt.Errorf("run %d: it needs an id and a known commit, not %q", run.ID, run.SHA)
	}
	run.Name = cmp.Or(run.Name, "promote")
	run.Path = cmp.Or(run.Path, ".github/workflows/promote.yml")
	run.Event = cmp.Or(run.Event, "push")
	run.Branch = cmp.Or(run.Branch, r.DefaultBranch)
	run.Title = cmp.Or(run.Title, run.Name)
	run.Number, run.Attempt = cmp.Or(run.Number, 1), cmp.Or(run.Attempt, 1)
	run.Status = cmp.Or(run.Status, "in_progress")
	run.Actor = cmp.Or(run.Actor, r.Owner)
	if run.StartedAt.IsZero() {
		run.StartedAt = now()
	}
	if run.UpdatedAt.IsZero() {
		run.UpdatedAt = run.StartedAt
	}
	run.Jobs = slices.Clone(run.Jobs)
	for i := range run.Jobs {
		j := &run.Jobs[i]
		if j.Name == "" {
			return fmt.Errorf("run %d: job %d has no name", run.ID, i+1)
		}
		if j.ID == 0 {
			j.ID = s.nextID()
		}
		j.Attempt = cmp.Or(j.Attempt, run.Attempt)
		j.Status = cmp.Or(j.Status, run.Status)
		if j.StartedAt.IsZero() {
			j.StartedAt = run.StartedAt
		}
		if j.Status == "completed" {
			j.Conclusion = cmp.Or(j.Conclusion, "success")
			if j.CompletedAt.IsZero() {
				j.CompletedAt = j.StartedAt
			}
		}
		if len(j.Labels) == 0 {
			j.Labels = []string{"ubuntu-latest"}
		}
	}
	r.runs[run.ID] = &run
	return nil
}

// check is the job's state as a context of its commit.
func (j Job) check() string {
	switch {
	case j.Status != "completed":
		return "pending"
	case j.Conclusion == "success" || j.Conclusion == "skipped" || j.Conclusion == "neutral":
		return "success"
	default:
		return "failure"
	}
}

func (q *request) run(run *Run) object {
	r := q.repo
	root := q.api + "/repos/" + r.fullName()
	u, workflow := fmt.Sprintf("%s/actions/runs/%d", root, run.ID), userID("workflow "+run.Path)
	c := r.commits[run.SHA]
	pulls := []object{}
	if run.Event == "pull_request" {
		for _, p := range r.allPulls() {
			if p.HeadSHA == run.SHA && !p.Closed {
				pulls = append(pulls, q.smallPull(p))
			}
		}
	}
	author := object{"name": c.authorName(), "email": cmp.Or(c.AuthorEmail, email(c.Author))}
	return object{
		"id": run.ID, "node_id": node("WorkflowRun", run.ID), "name": run.Name, "display_title": run.Title, "path": run.Path,
		"head_branch": run.Branch, "head_sha": run.SHA, "run_number": run.Number, "run_attempt": run.Attempt, "event": run.Event,
		"status": run.Status, "conclusion": nullable(run.Conclusion), "workflow_id": workflow, "check_suite_id": run.ID + 1,
		"check_suite_node_id": node("CheckSuite", run.ID+1), "url": u,
		"html_url":   fmt.Sprintf("%s/%s/actions/runs/%d", q.web, r.fullName(), run.ID),
		"created_at": stamp(run.StartedAt), "updated_at": stamp(run.UpdatedAt), "run_started_at": stamp(run.StartedAt),
		"actor": q.user(run.Actor), "triggering_actor": q.user(run.Actor), "jobs_url": u + "/jobs", "logs_url": u + "/logs",
		"check_suite_url": fmt.Sprintf("%s/check-suites/%d", root, run.ID+1), "artifacts_url": u + "/artifacts",
		"cancel_url": u + "/cancel", "rerun_url": u + "/rerun", "workflow_url": fmt.Sprintf("%s/actions/workflows/%d", root, workflow),
		"previous_attempt_url": nil, "referenced_workflows": []object{}, "pull_requests": pulls,
		"head_commit": object{"id": c.SHA, "tree_id": SHA("tree " + c.SHA), "message": c.Message, "timestamp": stamp(c.Date),
			"author": author, "committer": author},
		"repository": q.repository(r), "head_repository": q.repository(r),
	}
}

func (q *request) smallPull(p *PullRequest) object {
	root := q.api + "/repos/" + q.repo.fullName()
	repo := object{"id": q.repo.ID, "url": root, "name": q.repo.Name}
	return object{
		"id": q.repo.ID*100_000 + int64(p.Number), "number": p.Number, "url": number(root, "pulls", p.Number),
		"head": object{"ref": p.Head, "sha": p.HeadSHA, "repo": repo},
		"base": object{"ref": p.Base, "sha": cmp.Or(q.repo.refs["refs/heads/"+p.Base], p.HeadSHA), "repo": repo},
	}
}

func (q *request) getRun() *reply {
	run := q.repo.runs[q.integer("run_id")]
	if run == nil {
		return notFound()
	}
	if _, attempt := q.vars["attempt_number"]; attempt && int64(run.Attempt) != q.integer("attempt_number") {
		return notFound()
	}
	return ok(q.run(run))
}

// listRuns filters as GitHub does, newest first.
func (q *request) listRuns() *reply {
	var found []*Run
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(q.repo.runs))) {
		run := q.repo.runs[id]
		match := true
		for name, value := range map[string]string{"head_sha": run.SHA, "branch": run.Branch, "event": run.Event, "actor": run.Actor} {
			match = match && (q.query(name) == "" || q.query(name) == value)
		}
		if st := q.query("status"); match && (st == "" || st == run.Status || st == run.Conclusion) {
			found = append(found, run)
		}
	}
	a := list(q, found, q.run)
	a.body = object{"total_count": len(found), "workflow_runs": a.body}
	return a
}

func (q *request) job(run *Run, j Job) object {
	root := q.api + "/repos/" + q.repo.fullName()
	steps := []object{}
	for i, st := range j.Steps {
		status := cmp.Or(st.Status, j.Status)
		steps = append(steps, object{"name": st.Name, "status": status, "conclusion": nullable(st.Conclusion), "number": i + 1,
			"started_at": stamp(j.StartedAt), "completed_at": stamp(j.CompletedAt)})
	}
	o := object{
		"id": j.ID, "node_id": node("CheckRun", j.ID), "name": j.Name, "run_id": run.ID, "run_attempt": j.Attempt,
		"run_url": fmt.Sprintf("%s/actions/runs/%d", root, run.ID), "head_sha": run.SHA, "head_branch": run.Branch,
		"workflow_name": run.Name, "url": fmt.Sprintf("%s/actions/jobs/%d", root, j.ID),
		"html_url": fmt.Sprintf("%s/%s/actions/runs/%d/job/%d", q.web, q.repo.fullName(), run.ID, j.ID),
		"status":   j.Status, "conclusion": nullable(j.Conclusion), "created_at": stamp(j.StartedAt), "started_at": stamp(j.StartedAt),
		"completed_at": stamp(j.CompletedAt), "check_run_url": fmt.Sprintf("%s/check-runs/%d", root, j.ID), "labels": j.Labels,
		"runner_id": nil, "runner_name": nil, "runner_group_id": nil, "runner_group_name": nil, "steps": steps,
	}
	if j.RunnerName != "" {
		o["runner_id"], o["runner_name"], o["runner_group_id"], o["runner_group_name"] = 1, j.RunnerName, 0, "GitHub Actions"
	}
	return o
}

// listJobs shows the jobs of the last attempt, of all with filter=all, or of the attempt in the path.
func (q *request) listJobs() *reply {
	run := q.repo.runs[q.integer("run_id")]
	if run == nil {
		return notFound()
	}
	attempt := int64(run.Attempt)
	if _, named := q.vars["attempt_number"]; named {
		if attempt = q.integer("attempt_number"); attempt < 1 || attempt > int64(run.Attempt) {
			return notFound()
		}
	} else if q.query("filter") == "all" {
		attempt = 0
	}
	var found []Job
	for _, j := range run.Jobs {
		if attempt == 0 || int64(j.Attempt) == attempt {
			found = append(found, j)
		}
	}
	a := list(q, found, func(j Job) object { return q.job(run, j) })
	a.body = object{"total_count": len(found), "jobs": a.body}
	return a
}

func (q *request) getJob() *reply {
	for _, run := range q.repo.runs {
		for _, j := range run.Jobs {
			if j.ID == q.integer("job_id") {
				return ok(q.job(run, j))
			}
		}
	}
	return notFound()
}
