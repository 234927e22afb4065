package promotion

import (
	"fmt"
	"slices"
)

// A Plan is what a run would do, decided from the request and the world alone. A dry run shows the same plan that
// a run carries out.
type Plan struct {
	Steps     []Step // one per function, in the request's order
	Refusals  []Fault
	Warnings  []Fault
	Endpoints EndpointPlan
}

// A Step is what happens to one function.
type Step struct {
	Function Function
	State    State
	Action   Action
	Method   Method
	Wanted   Digest       // of the candidate; "" where it is not known before it exists
	Changes  []Difference // of the configuration, from the stable version to the candidate
	Drift    string       // what is not as it was promoted although this run does not change it; "" if nothing
}

// An Action is what a run does to a function's alias.
type Action string

const (
	ActionNone   Action = "unchanged" // the alias holds what is wanted
	ActionMove   Action = "promote"
	ActionCreate Action = "create" // there is no alias yet
)

// A Method is how the candidate comes to be.
type Method string

const (
	MethodUpload  Method = "upload"  // make the package the code of $LATEST, where it is not yet, and publish it
	MethodPublish Method = "publish" // publish what something else has put into $LATEST
	MethodAdopt   Method = "adopt"   // the version is there
)

// An EndpointPlan is which routes a run adds.
type EndpointPlan struct {
	State          *EndpointState
	AddEnvironment []string // keys of the functions whose environment routes are missing
}

// Changed tells whether any alias is to be moved or created.
func (p Plan) Changed() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Action != ActionNone })
}

// Promoting lists the steps that move or create an alias.
func (p Plan) Promoting() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Action == ActionNone })
}

// Previous is the version that the alias holds now; 0 if there is no alias.
func (s Step) Previous() Version {
	if s.State.Routing == nil {
		return 0
	}
	return s.State.Routing.Version
}

// NewPlan decides. It never fails: what must not be done stands in Refusals, every one of them.
func NewPlan(req Request, w World) Plan {
	var p Plan
	for _, f := range req.Functions {
		s, refusals := planFunction(f, req.Environment, w.Functions[f.Key])
		p.Steps = append(p.Steps, s)
		p.Refusals = append(p.Refusals, refusals...)
		if s.Drift != "" {
			p.Warnings = append(p.Warnings, Fault{Where: f.Where, What: f.Name + ": " + s.Drift})
		}
	}
	if !req.Checked() && !req.VerifyNone && req.Mode != ModeDeploy {
		p.Refusals = append(p.Refusals, noCheck)
	}
	if req.Endpoints != nil && w.Endpoints != nil {
		p.planEndpoints(req, *w.Endpoints)
	}
	return p
}

func planFunction(f Function, env Environment, st State) (Step, []Fault) {
	s := Step{Function: f, State: st}
	var refusals []Fault
	refuse := func(hint, format string, args ...any) {
		refusals = append(refusals, Fault{Where: f.Where, What: fmt.Sprintf(format, args...), Hint: hint})
	}

	next := Snapshot{Configuration: st.Latest.Configuration} // what the candidate will be
	switch {
	case st.Chosen != nil:
		next, s.Method = *st.Chosen, MethodAdopt
		if next.Failed != "" {
			refuse("name another version, or deploy anew", "version %s of %s cannot be promoted: %s", next.Version, f.Name, next.Failed)
		}
	case f.Artifact.Kind == ArtifactNone:
		next.Digest, s.Method = st.Latest.Digest, MethodPublish
		if st.Latest.Failed != "" {
			refuse("repair it with the tool that deployed it, then run again", "$LATEST of %s cannot be published: %s", f.Name, st.Latest.Failed)
		}
	default:
		next.Digest, s.Method = st.Package.Digest, MethodUpload
	}
	s.Wanted = next.Digest

	if f.ExpectSHA256 != "" && s.Wanted != f.ExpectSHA256 {
		refuse("something else was built or deployed than was expected: check the build, or expect-sha256",
			"the code of %s has the digest %s, and %s was expected", f.Name, s.Wanted, f.ExpectSHA256)
	}

	if st.Routing == nil {
		s.Action = ActionCreate
		return s, refusals
	}
	if !st.Routing.Whole() {
		refuse(fmt.Sprintf("let that rollout finish, or end it: `%s`", pointCommand(f.Name, env, st.Routing.Version, st.Routing.Revision)),
			"alias %s of %s carries weights (%s): somebody's rollout is in progress", env.Alias, f.Name, st.Routing)
	}
	s.Action = ActionMove
	if st.Stable == nil {
		return s, refusals
	}
	s.Changes = st.Stable.Configuration.Diff(next.Configuration)
	same := st.Stable.Digest == next.Digest && len(s.Changes) == 0 && st.Stable.Failed == ""
	if st.Chosen != nil {
		same = st.Routing.Version == st.Chosen.Version
	}
	if same {
		s.Action, s.Method = ActionNone, ""
		if st.Chosen == nil && st.Latest.Digest != st.Stable.Digest {
			s.Drift = fmt.Sprintf("$LATEST holds other code (%s) than version %s (%s), which alias %s holds and which is wanted",
				st.Latest.Digest.Short(), st.Stable.Version, st.Stable.Digest.Short(), env.Alias)
		}
	}
	return s, refusals
}

func (p *Plan) planEndpoints(req Request, st EndpointState) {
	p.Endpoints.State = &st
	if !st.Exists {
		p.Refusals = append(p.Refusals, Fault{
			What: fmt.Sprintf("there is no HTTP API %q for the endpoints of %s", req.Endpoints.API, req.App),
			Hint: "create it once with mode setup (promote setup)",
		})
		return
	}
	for _, s := range p.Steps {
		if slices.Contains(st.MissingEnvironment, s.Function.Key) {
			p.Endpoints.AddEnvironment = append(p.Endpoints.AddEnvironment, s.Function.Key)
		}
		if slices.Contains(st.MissingLatest, s.Function.Key) {
			p.Warnings = append(p.Warnings, Fault{
				What: fmt.Sprintf("%s has no route at the latest endpoint", s.Function.Key),
				Hint: "run mode setup (promote setup) once more",
			})
		}
	}
	more := len(p.Endpoints.AddEnvironment)
	if routes := st.Routes + more*routesPerEndpoint; more > 0 && routes > MaxRoutes {
		p.Refusals = append(p.Refusals, quotaFault("routes", req.Endpoints.API, routes, MaxRoutes))
	}
	if integrations := st.Integrations + more*integrationsPerEndpoint; more > 0 && integrations > MaxIntegrations {
		p.Refusals = append(p.Refusals, quotaFault("integrations", req.Endpoints.API, integrations, MaxIntegrations))
	}
}

func quotaFault(what, api string, would, limit int) Fault {
	return Fault{
		What: fmt.Sprintf("the HTTP API %q would have %d %s, and API Gateway allows %d", api, would, what, limit),
		Hint: "split the app, remove environments that are no longer used, or switch endpoints off for it",
	}
}
