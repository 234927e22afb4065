package apigateway

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

func sortBy[T any](list []*T, key func(*T) string) {
	slices.SortFunc(list, func(a, b *T) int { return strings.Compare(key(a), key(b)) })
}

type stageInput struct {
	StageName      string            `json:"stageName"`
	AutoDeploy     bool              `json:"autoDeploy"`
	Description    string            `json:"description"`
	StageVariables map[string]string `json:"stageVariables"`
	Tags           map[string]string `json:"tags"`
}

var stageNames = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func createStage(g *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	var in stageInput
	if e := r.read(&in); e != nil {
		return cloud.Reply{}, e
	}
	switch {
	case in.StageName != "$default" && !stageNames.MatchString(in.StageName):
		return cloud.Reply{}, badRequest("Stage name only allows a-zA-Z0-9_- or $default")
	case a.stage(in.StageName) != nil:
		return cloud.Reply{}, refuse(http.StatusConflict, "ConflictException", "Stage already exists")
	case !in.AutoDeploy:
		return cloud.Reply{}, notImplemented("CreateStage without autoDeploy")
	}
	s := &stage{
		name: in.StageName, description: in.Description, autoDeploy: in.AutoDeploy,
		created: time.Now(), updated: time.Now(), deployment: g.id(6),
		tags: map[string]string{}, variables: in.StageVariables,
	}
	for name, value := range in.Tags {
		s.tags[name] = value
	}
	a.stages = append(a.stages, s)
	return reply(http.StatusCreated, showStage(s)), nil
}

func showStage(s *stage) any {
	out := map[string]any{
		"stageName": s.name, "autoDeploy": s.autoDeploy, "deploymentId": s.deployment,
		"createdDate": stamp(s.created), "lastUpdatedDate": stamp(s.updated),
		"lastDeploymentStatusMessage": "Successfully deployed stage with deployment ID '" + s.deployment + "'",
		"defaultRouteSettings":        map[string]any{"detailedMetricsEnabled": false},
		"routeSettings":               map[string]any{},
		"stageVariables":              map[string]string{},
		"tags":                        s.tags,
	}
	if s.variables != nil {
		out["stageVariables"] = s.variables
	}
	optional(out, "description", s.description)
	return out
}

func getStages(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	return page(r, a.stages, func(s *stage) any { return showStage(s) })
}

func getStage(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	s := a.stage(r.parts[3])
	if s == nil {
		return cloud.Reply{}, notFound("Invalid stage identifier specified")
	}
	return reply(http.StatusOK, showStage(s)), nil
}

func deleteStage(_ *Gateway, r *request, a *api) (cloud.Reply, *cloud.Error) {
	s := a.stage(r.parts[3])
	if s == nil {
		return cloud.Reply{}, notFound("Invalid stage identifier specified")
	}
	a.stages = slices.DeleteFunc(a.stages, func(other *stage) bool { return other == s })
	return reply(http.StatusNoContent, nil), nil
}
