package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/sts"
)

// controlHandler is the sandbox's own API, under /_sandbox/: accounts, the call log, denials, faults,
// messages that were published, and roles.
func (s *Server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sandbox/accounts", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Accounts())
	})
	mux.HandleFunc("GET /_sandbox/calls", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Calls())
	})
	mux.HandleFunc("DELETE /_sandbox/calls", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetCalls()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sandbox/deny", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Denials())
	})
	mux.HandleFunc("POST /_sandbox/deny", func(w http.ResponseWriter, r *http.Request) {
		var d Denial
		if !readStrict(w, r, &d) {
			return
		}
		if err := s.Deny(d); err != nil {
			badRequest(w, err)
			return
		}
		writeJSON(w, http.StatusCreated, d)
	})
	mux.HandleFunc("DELETE /_sandbox/deny", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearDenials()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Faults())
	})
	mux.HandleFunc("POST /_sandbox/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if !readStrict(w, r, &f) {
			return
		}
		id, err := s.Fault(f)
		if err != nil {
			badRequest(w, err)
			return
		}
		writeJSON(w, http.StatusCreated, map[string]string{"id": id})
	})
	mux.HandleFunc("DELETE /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sandbox/faults/{id}/release", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Release(r.PathValue("id")); err != nil {
			writeJSON(w, http.StatusNotFound, map[string]string{"message": err.Error()})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sandbox/roles", func(w http.ResponseWriter, r *http.Request) {
		var role sts.Role
		if !readStrict(w, r, &role) {
			return
		}
		if err := s.SetRole(role); err != nil {
			badRequest(w, err)
			return
		}
		writeJSON(w, http.StatusCreated, map[string]string{"arn": role.ARN()})
	})
	mux.HandleFunc("GET /_sandbox/messages", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, s.topics.Messages(r.URL.Query().Get("topic")))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]string{"message": fmt.Sprintf(
			"the sandbox has no %s %s: it has accounts, calls, deny, faults, messages and roles", r.Method, r.URL.Path)})
	})
	return mux
}

// SetRole creates a role in one of the sandbox's accounts, or replaces it.
func (s *Server) SetRole(role sts.Role) error {
	if !slices.ContainsFunc(s.options.Accounts, func(a Account) bool { return a.ID == role.Account }) {
		return fmt.Errorf("account %q: the sandbox has no such account", role.Account)
	}
	if role.Name == "" || strings.ContainsAny(role.Name, " /:*?") {
		return fmt.Errorf("name %q: the name of a role is needed", role.Name)
	}
	s.sts.SetRole(role)
	return nil
}

// readStrict reads the request's JSON into v, or answers 400 and returns false.
func readStrict(w http.ResponseWriter, r *http.Request, v any) bool {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = strict(text, v)
	}
	if err != nil {
		badRequest(w, err)
	}
	return err == nil
}

func badRequest(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"message": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that went away is no fault of ours
}
