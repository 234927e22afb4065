package config

import "github.com/promote-on-success/promote/internal/promotion"

// known gathers what could be read in spite of faults. What an input or the file says of the app and the environment is
// taken from where it was given, so that people are told at the same place as by a run without faults; what cannot be
// read is "".
func (l *loader) known(chosen []environment) Target {
	t := Target{Request: promotion.Request{
		Mode: l.readMode(), Release: l.src.Release, Commit: l.src.Commit, RunURL: l.src.RunURL, Actor: l.src.Actor,
		Repository: l.src.Repository, RepositoryID: l.src.RepositoryID, Ref: l.src.Ref, RunID: l.src.RunID, Attempt: l.src.Attempt,
	}}
	t.Settings.GitHubToken = promotion.Secret(l.inputs["github-token"].value())
	t.Settings.Reporting = Reporting{Comment: CommentUpdate, Release: ReleaseOff}
	if n := l.either("comment", l.file.get("github").get("comment")); n != nil {
		t.Settings.Reporting.Comment = Comment(n.text)
	}
	if t.Request.App = l.app; l.app == standIn {
		t.Request.App = ""
	}
	if t.Request.App == "" {
		t.Request.App = l.either("app", l.file.get("app")).value()
	}
	if n := l.inputs["environment"]; n != nil {
		t.Request.Environment.Name = n.text
	} else if len(chosen) == 1 {
		t.Request.Environment.Name = chosen[0].name
	}
	return t
}
