package github

import (
	"slices"
	"time"
)

// A Call is one entry of the log. The token is known by its login only.
type Call struct {
	Time      time.Time `json:"time"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // below the API's root, with its query
	Operation string    `json:"operation,omitempty"`
	Login     string    `json:"login,omitempty"`
	// Status is 0 when no answer was sent.
	Status int    `json:"status"`
	Fault  string `json:"fault,omitempty"` // the kind of the fault that it met

	id int64
}

// logLimit bounds the log; the oldest entries go first.
const logLimit = 100_000

// arrive enters a call in the log and finds the fault that it meets.
func (s *Service) arrive(q *request) (id int64, hit *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastReq++
	c := Call{id: s.lastReq, Time: time.Now().UTC(), Method: q.r.Method, Path: q.path}
	if q.r.URL.RawQuery != "" {
		c.Path += "?" + q.r.URL.RawQuery
	}
	if q.route != nil {
		c.Operation = q.route.operation
	}
	if t, _ := s.authenticate(q.r); t != nil {
		c.Login = t.Login
	}
	for _, f := range s.faults {
		if f.meets(q, c.Login) && hit == nil {
			hit = f
			c.Fault = f.Kind
		}
	}
	if len(s.calls) >= logLimit {
		s.calls = slices.Delete(s.calls, 0, logLimit/10)
	}
	s.calls = append(s.calls, c)
	return c.id, hit
}

// settle notes the status that a call was answered with.
func (s *Service) settle(id int64, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range slices.Backward(s.calls) {
		if s.calls[i].id == id {
			s.calls[i].Status = status
			return
		}
	}
}

// Calls is the log in the order of arrival.
func (s *Service) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call{}, s.calls...)
}

// ClearCalls empties the log.
func (s *Service) ClearCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}
