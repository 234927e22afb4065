package github

import "slices"

// table lists the operations. Where two patterns fit a path, the first one wins.
func (s *Service) table() []*route {
	const repo = "/repos/{owner}/{repo}"
	routes := []*route{
		{"GET", "/rate_limit", "rate-limit/get", "", (*request).getRateLimit, nil},
		{"GET", "/user", "users/get-authenticated", "", (*request).getViewer, nil},
		{"GET", "/users/{username}", "users/get-by-username", "", (*request).getUser, nil},
		{"POST", "/graphql", "graphql", "", (*request).graphql, nil},
		{"GET", "/raw/{owner}/{repo}/{path...}", "raw", "contents=read", (*request).getRaw, nil},

		{"GET", repo, "repos/get", "metadata=read", (*request).getRepository, nil},
		{"GET", repo + "/tags", "repos/list-tags", "metadata=read", (*request).listTags, nil},
		{"GET", repo + "/branches/{branch...}", "repos/get-branch", "contents=read", (*request).getBranch, nil},
		{"GET", repo + "/git/ref/{ref...}", "git/get-ref", "contents=read", (*request).getRef, nil},
		{"GET", repo + "/git/matching-refs/{ref...}", "git/list-matching-refs", "contents=read", (*request).listMatchingRefs, nil},
		{"GET", repo + "/git/tags/{tag_sha}", "git/get-tag", "contents=read", (*request).getTagObject, nil},
		{"GET", repo + "/git/commits/{commit_sha}", "git/get-commit", "contents=read", (*request).getGitCommit, nil},
		{"GET", repo + "/contents/{path...}", "repos/get-content", "contents=read", (*request).getContents, nil},
		{"GET", repo + "/contents", "repos/get-content", "contents=read", (*request).getContents, nil},

		{"GET", repo + "/commits", "repos/list-commits", "contents=read", (*request).listCommits, nil},
		{"GET", repo + "/commits/{commit_sha...}/pulls", "repos/list-pull-requests-associated-with-commit", "pull_requests=read", (*request).listPullsWithCommit, nil},
		{"GET", repo + "/commits/{ref...}/status", "repos/get-combined-status-for-ref", "statuses=read", (*request).getCombinedStatus, nil},
		{"GET", repo + "/commits/{ref...}/statuses", "repos/list-commit-statuses-for-ref", "statuses=read", (*request).listStatuses, nil},
		{"GET", repo + "/commits/{ref...}", "repos/get-commit", "contents=read", (*request).getCommit, nil},
		{"POST", repo + "/statuses/{sha}", "repos/create-commit-status", "statuses=write", (*request).createStatus, nil},
		{"GET", repo + "/compare/{basehead...}", "repos/compare-commits-with-basehead", "contents=read", (*request).compare, nil},

		{"GET", repo + "/pulls", "pulls/list", "pull_requests=read", (*request).listPulls, nil},
		{"GET", repo + "/pulls/{pull_number}", "pulls/get", "pull_requests=read", (*request).getPull, nil},
		{"GET", repo + "/pulls/{pull_number}/files", "pulls/list-files", "pull_requests=read", (*request).listPullFiles, nil},
		{"GET", repo + "/pulls/{pull_number}/commits", "pulls/list-commits", "pull_requests=read", (*request).listPullCommits, nil},

		{"GET", repo + "/issues/comments/{comment_id}", "issues/get-comment", "issues=read; pull_requests=read", (*request).getComment, nil},
		{"PATCH", repo + "/issues/comments/{comment_id}", "issues/update-comment", "issues=write; pull_requests=write", (*request).updateComment, nil},
		{"DELETE", repo + "/issues/comments/{comment_id}", "issues/delete-comment", "issues=write; pull_requests=write", (*request).deleteComment, nil},
		{"GET", repo + "/issues/{issue_number}", "issues/get", "issues=read; pull_requests=read", (*request).getIssue, nil},
		{"GET", repo + "/issues/{issue_number}/comments", "issues/list-comments", "issues=read; pull_requests=read", (*request).listComments, nil},
		{"POST", repo + "/issues/{issue_number}/comments", "issues/create-comment", "issues=write; pull_requests=write", (*request).createComment, nil},

		{"GET", repo + "/releases", "repos/list-releases", "contents=read", (*request).listReleases, nil},
		{"POST", repo + "/releases", "repos/create-release", "contents=write", (*request).createRelease, nil},
		{"POST", repo + "/releases/generate-notes", "repos/generate-release-notes", "contents=write", (*request).generateNotes, nil},
		{"GET", repo + "/releases/latest", "repos/get-latest-release", "contents=read", (*request).getLatestRelease, nil},
		{"GET", repo + "/releases/tags/{tag...}", "repos/get-release-by-tag", "contents=read", (*request).getReleaseByTag, nil},
		{"GET", repo + "/releases/{release_id}", "repos/get-release", "contents=read", (*request).getRelease, nil},
		{"PATCH", repo + "/releases/{release_id}", "repos/update-release", "contents=write", (*request).updateRelease, nil},
		{"DELETE", repo + "/releases/{release_id}", "repos/delete-release", "contents=write", (*request).deleteRelease, nil},
		{"POST", "/uploads" + repo + "/releases/{release_id}/assets", "repos/upload-release-asset", "contents=write", (*request).uploadAsset, nil},

		{"GET", repo + "/deployments", "repos/list-deployments", "deployments=read", (*request).listDeployments, nil},
		{"POST", repo + "/deployments", "repos/create-deployment", "deployments=write", (*request).createDeployment, nil},
		{"GET", repo + "/deployments/{deployment_id}", "repos/get-deployment", "deployments=read", (*request).getDeployment, nil},
		{"DELETE", repo + "/deployments/{deployment_id}", "repos/delete-deployment", "deployments=write", (*request).deleteDeployment, nil},
		{"GET", repo + "/deployments/{deployment_id}/statuses", "repos/list-deployment-statuses", "deployments=read", (*request).listDeploymentStatuses, nil},
		{"POST", repo + "/deployments/{deployment_id}/statuses", "repos/create-deployment-status", "deployments=write", (*request).createDeploymentStatus, nil},
		{"GET", repo + "/deployments/{deployment_id}/statuses/{status_id}", "repos/get-deployment-status", "deployments=read", (*request).getDeploymentStatus, nil},
		{"GET", repo + "/environments", "repos/get-all-environments", "actions=read", (*request).listEnvironments, nil},
		{"GET", repo + "/environments/{environment_name}", "repos/get-environment", "actions=read", (*request).getEnvironment, nil},

		{"GET", repo + "/actions/runs", "actions/list-workflow-runs-for-repo", "actions=read", (*request).listRuns, nil},
		{"GET", repo + "/actions/runs/{run_id}", "actions/get-workflow-run", "actions=read", (*request).getRun, nil},
		{"GET", repo + "/actions/runs/{run_id}/jobs", "actions/list-jobs-for-workflow-run", "actions=read", (*request).listJobs, nil},
		{"GET", repo + "/actions/runs/{run_id}/attempts/{attempt_number}", "actions/get-workflow-run-attempt", "actions=read", (*request).getRun, nil},
		{"GET", repo + "/actions/runs/{run_id}/attempts/{attempt_number}/jobs", "actions/list-jobs-for-workflow-run-attempt", "actions=read", (*request).listJobs, nil},
		{"GET", repo + "/actions/jobs/{job_id}", "actions/get-job-for-workflow-run", "actions=read", (*request).getJob, nil},
	}
	for _, rt := range routes {
		rt.match = compile(rt.pattern)
	}
	return routes
}

// Operations are the names of the operations that the service implements, as GitHub's OpenAPI
// description names them; "graphql" and "raw" stand beside them.
func (s *Service) Operations() []string {
	var names []string
	for _, rt := range s.routes {
		if !slices.Contains(names, rt.operation) {
			names = append(names, rt.operation)
		}
	}
	return names
}
