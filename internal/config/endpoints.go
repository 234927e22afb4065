package config

import (
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// endpoints are those of the file, nil if it has none. The functions are filled in for each environment.
func (l *loader) endpoints(functions []function) *promotion.Endpoints {
	if !l.file.has("endpoints") {
		for _, f := range functions {
			if f.path != nil {
				l.add(promotion.Fault{Where: f.path.where, What: fmt.Sprintf("functions.%s.path is a path below the endpoints, and none are configured", f.key),
					Hint: "add endpoints, or take path out"})
			}
		}
		return nil
	}
	at := l.file.get("endpoints")
	e := &promotion.Endpoints{API: l.app, Latest: promotion.AuthIAM, Environment: promotion.AuthIAM}
	if name := at.get("api").value(); name != "" {
		e.API = name
	}
	if auth := at.get("latest").get("auth").value(); auth != "" {
		e.Latest = promotion.EndpointAuth(auth)
	}
	if auth := at.get("environment").get("auth").value(); auth != "" {
		e.Environment = promotion.EndpointAuth(auth)
	}
	l.distinctPaths(functions)
	if environments := l.file.get("environments"); environments != nil {
		for _, env := range environments.entries {
			if env.name == "latest" {
				l.add(promotion.Fault{Where: env.where, What: "an environment named latest would share its path with the endpoint of the newest code", Hint: "give it another name; its alias may stay latest"})
			}
		}
	} else if n := l.inputs["environment"]; n != nil && n.text == "latest" {
		l.add(promotion.Fault{Where: n.where, What: "an environment named latest would share its path with the endpoint of the newest code", Hint: "give it another name; its alias may stay latest"})
	}
	return e
}

// distinctPaths refuses two functions below the same path.
func (l *loader) distinctPaths(functions []function) {
	taken := map[string]string{}
	for _, f := range functions {
		path, where := f.key, f.where
		if f.path != nil {
			path, where = strings.Trim(f.path.text, "/"), f.path.where
		}
		if other, twice := taken[path]; twice {
			shown := "/" + path
			l.add(promotion.Fault{Where: where, What: fmt.Sprintf("functions.%s and functions.%s have the same path, %s", other, f.key, shown), Hint: "give one of them a path of its own"})
			continue
		}
		taken[path] = f.key
	}
}
