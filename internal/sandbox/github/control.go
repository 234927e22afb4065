package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// controlPrefix is where the sandbox's own addresses begin. Below it:
//
//	POST   /repositories                        a [Repository]
//	POST   /repositories/OWNER/NAME/commits     a [Commit]; answers its sha
//	POST   /repositories/OWNER/NAME/refs        {"ref": "refs/heads/main", "sha": "..."}; no sha deletes
//	POST   /repositories/OWNER/NAME/tags        a [Tag]
//	POST   /repositories/OWNER/NAME/issues      an [Issue], created or replaced
//	POST   /repositories/OWNER/NAME/pulls       a [PullRequest], created or replaced
//	POST   /repositories/OWNER/NAME/runs        a [Run], created or replaced
//	POST   /tokens                              a [Token]
//	DELETE /tokens                              {"value": "..."}
//	POST   /limits                              {"value": "...", "remaining": 3, "reset_in": "90s"}
//	POST   /faults                              a [Fault]; answers its id
//	GET    /faults, DELETE /faults
//	GET    /calls, DELETE /calls
//
// Members that are not known are refused, with everything else that is wrong, by a 400.
const controlPrefix = "/_sandbox/github"

func (s *Service) control(w http.ResponseWriter, r *http.Request, path string) {
	send := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if body != nil {
			_ = json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
		}
	}
	body, err := readBody(r)
	if err != nil {
		send(http.StatusBadRequest, object{"error": err.Error()})
		return
	}
	repo, known := "", true
	what := strings.Trim(path, "/")
	if rest, ok := strings.CutPrefix(what, "repositories/"); ok {
		parts := strings.Split(rest, "/")
		known = len(parts) == 3
		if known {
			repo, what = parts[0]+"/"+parts[1], "repositories/"+parts[2]
		}
	}
	var result any
	if known {
		result, known, err = s.controlled(r.Method+" "+what, repo, body)
	}
	switch {
	case !known:
		send(http.StatusNotFound, object{"error": fmt.Sprintf("the sandbox has no %s %s%s", r.Method, controlPrefix, path)})
	case err != nil:
		send(http.StatusBadRequest, object{"error": err.Error()})
	case r.Method == http.MethodGet:
		send(http.StatusOK, result)
	default:
		send(http.StatusCreated, result)
	}
}

// controlled carries out one control; known is false when there is no such thing.
func (s *Service) controlled(what, repo string, body []byte) (result any, known bool, err error) {
	var (
		definition Repository
		commit     Commit
		tag        Tag
		issue      Issue
		pull       PullRequest
		run        Run
		token      Token
		f          Fault
		ref        struct{ Ref, SHA string }
		limit      struct {
			Value     string   `json:"value"`
			Remaining int      `json:"remaining"`
			ResetIn   Duration `json:"reset_in"`
		}
	)
	result = object{}
	// read decodes and, if that went well, acts.
	read := func(into any, act func() error) error {
		if err := decodeStrictly(body, into); err != nil {
			return err
		}
		return act()
	}
	switch what {
	case "POST repositories":
		err = read(&definition, func() error { return s.AddRepository(definition) })
	case "POST repositories/commits":
		err = read(&commit, func() error {
			sha, err := s.AddCommit(repo, commit)
			result = object{"sha": sha}
			return err
		})
	case "POST repositories/refs":
		err = read(&ref, func() error { return s.SetRef(repo, ref.Ref, ref.SHA) })
	case "POST repositories/tags":
		err = read(&tag, func() error { return s.AddTag(repo, tag) })
	case "POST repositories/issues":
		err = read(&issue, func() error { return s.PutIssue(repo, issue) })
	case "POST repositories/pulls":
		err = read(&pull, func() error { return s.PutPull(repo, pull) })
	case "POST repositories/runs":
		err = read(&run, func() error { return s.PutRun(repo, run) })
	case "POST tokens":
		err = read(&token, func() error { return s.AddToken(token) })
	case "DELETE tokens":
		err = read(&token, func() error { s.RemoveToken(token.Value); return nil })
	case "POST limits":
		err = read(&limit, func() error {
			return s.SetRemaining(limit.Value, limit.Remaining, time.Now().Add(time.Duration(limit.ResetIn)))
		})
	case "POST faults":
		err = read(&f, func() error {
			id, err := s.AddFault(f)
			result = object{"id": id}
			return err
		})
	case "GET faults":
		result = s.Faults()
	case "DELETE faults":
		s.ClearFaults()
	case "GET calls":
		result = s.Calls()
	case "DELETE calls":
		s.ClearCalls()
	default:
		return nil, false, nil
	}
	return result, true, err
}

// decodeStrictly reads JSON for the controls, where a misspelt member would be a fault never set.
func decodeStrictly(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	if d.More() {
		return errors.New("read JSON: something follows the value")
	}
	return nil
}
