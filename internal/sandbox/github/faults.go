package github

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of [Fault].
const (
	FaultStatus         = "status"          // answer with Status, 400 to 599
	FaultValidation     = "validation"      // 422 with Errors
	FaultPrimaryLimit   = "primary-limit"   // 403 (or 429), x-ratelimit-remaining: 0, reset after RetryAfter
	FaultSecondaryLimit = "secondary-limit" // 403 (or 429) with Retry-After, if RetryAfter is given
	FaultDelay          = "delay"           // wait for Delay, then go on
	FaultTimeout        = "timeout"         // never answer; ends when the client goes
	FaultReset          = "reset"           // reset the connection
	FaultRedirect       = "redirect"        // send the client to Location
)

var faultKinds = []string{FaultStatus, FaultValidation, FaultPrimaryLimit, FaultSecondaryLimit,
	FaultDelay, FaultTimeout, FaultReset, FaultRedirect}

// A Fault spoils chosen calls: of those that match, the Nth and Count-1 after it.
type Fault struct {
	ID   int64  `json:"id,omitempty"` // given by the service
	Kind string `json:"kind"`

	// Method and Path choose the calls; empty is any. Path is below the API's root, and may hold {x} for
	// one segment and {x...} for several: "/repos/{owner}/{repo}/compare/{basehead...}", "/graphql".
	// Repositories are by name in it, however the call named them.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Contains is text that the request's body has to hold, to tell GraphQL queries apart.
	Contains string `json:"contains,omitempty"`
	// Login is whose token the call has to carry.
	Login string `json:"login,omitempty"`

	Nth   int `json:"nth,omitempty"`   // 1 when zero
	Count int `json:"count,omitempty"` // 1 when zero; -1 is for ever

	// After lets the call take effect first; only its answer is spoilt.
	After bool `json:"after,omitempty"`

	Status     int           `json:"status,omitempty"`
	Message    string        `json:"message,omitempty"`
	Errors     []FaultDetail `json:"errors,omitempty"`
	RetryAfter int           `json:"retry_after,omitempty"` // seconds
	Delay      Duration      `json:"delay,omitempty"`
	// Location may hold {path}, which is the call's own path below the API's root, with its query.
	Location string `json:"location,omitempty"`
}

// A FaultDetail is one entry of the list of errors of a 422.
type FaultDetail struct {
	Resource string `json:"resource"`
	Field    string `json:"field"`
	Code     string `json:"code"`
	Message  string `json:"message,omitempty"`
}

// A Duration is written "1.5s" in JSON.
type Duration time.Duration

// MarshalText writes the duration as [time.Duration] does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] takes.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

type fault struct {
	Fault
	path *regexp.Regexp
	seen int
}

// AddFault sets a fault and returns its number. The error names everything that is wrong with it.
func (s *Service) AddFault(f Fault) (id int64, err error) {
	if f.Nth == 0 {
		f.Nth = 1
	}
	if f.Count == 0 {
		f.Count = 1
	}
	f.Method = strings.ToUpper(f.Method)
	if err := f.check(); err != nil {
		return 0, fmt.Errorf("add fault: %w", err)
	}
	added := &fault{path: compile("/{any...}")}
	if f.Path != "" {
		added.path = compile(f.Path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.ID = s.nextID()
	added.Fault = f
	s.faults = append(s.faults, added)
	return f.ID, nil
}

func (f Fault) check() error {
	var faults []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	limit := f.Kind == FaultPrimaryLimit || f.Kind == FaultSecondaryLimit
	bad(!slices.Contains(faultKinds, f.Kind), "kind %q is none of %s", f.Kind, strings.Join(faultKinds, ", "))
	bad(f.Path != "" && f.Path[0] != '/', "path %q does not begin with /", f.Path)
	bad(f.Nth < 1, "nth is %d, not at least 1", f.Nth)
	bad(f.Count < -1, "count is %d, neither positive nor -1", f.Count)
	bad(f.Kind == FaultStatus && (f.Status < 400 || f.Status > 599), "status %d is not between 400 and 599", f.Status)
	bad(limit && f.Status != 0 && f.Status != 403 && f.Status != 429, "status %d is neither 403 nor 429", f.Status)
	bad(f.Kind == FaultRedirect && !slices.Contains([]int{0, 301, 302, 307, 308}, f.Status), "status %d is none of 301, 302, 307, 308", f.Status)
	bad(f.Status != 0 && !limit && f.Kind != FaultStatus && f.Kind != FaultRedirect, "a %s has no status", f.Kind)
	bad((f.Kind == FaultRedirect) != (f.Location != ""), "a redirect, and nothing else, has a location")
	bad((f.Kind == FaultDelay) != (f.Delay > 0), "a delay, and nothing else, has a positive delay")
	bad((f.Kind == FaultValidation) != (len(f.Errors) > 0), "a validation, and nothing else, has errors")
	bad(f.RetryAfter != 0 && !limit && f.Kind != FaultStatus || f.RetryAfter < 0, "retry_after %d does not fit a %s", f.RetryAfter, f.Kind)
	bad(f.After && f.Kind == FaultRedirect, "a redirect comes before the effect")
	return errors.Join(faults...)
}

// Faults lists the faults that are set, spent ones included.
func (s *Service) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Fault{}
	for _, f := range s.faults {
		list = append(list, f.Fault)
	}
	return list
}

// ClearFaults removes all faults.
func (s *Service) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// meets counts a call that matches, and tells whether this is one to spoil.
func (f *fault) meets(q *request, login string) bool {
	if f.Method != "" && f.Method != q.r.Method || f.Login != "" && f.Login != login ||
		!f.path.MatchString(q.path) || !strings.Contains(string(q.body), f.Contains) {
		return false
	}
	f.seen++
	return f.seen >= f.Nth && (f.Count < 0 || f.seen < f.Nth+f.Count)
}

// strike does what a fault does to a call. It is false when the call is to go on.
func (s *Service) strike(w http.ResponseWriter, id int64, f *fault, q *request) (over bool) {
	switch f.Kind {
	case FaultDelay:
		wait := time.NewTimer(time.Duration(f.Delay))
		defer wait.Stop()
		select {
		case <-wait.C:
			return false
		case <-q.r.Context().Done():
			return true
		}
	case FaultTimeout:
		<-q.r.Context().Done()
		return true
	case FaultReset:
		reset(w)
		return true
	}
	a := f.reply(q)
	s.settle(id, a.status)
	a.send(w, a.status, a.encode())
	return true
}

// reset drops the connection so that the client sees a reset, not an end.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the client sees an end of file, which is a fault as well
		}
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler) // net/http's way to drop a connection that cannot be taken over
}

func (f *fault) reply(q *request) *reply {
	message := func(s string) string {
		if f.Message != "" {
			return f.Message
		}
		return s
	}
	status := func(otherwise int) int {
		if f.Status != 0 {
			return f.Status
		}
		return otherwise
	}
	var a *reply
	switch f.Kind {
	case FaultValidation:
		var details []object
		for _, d := range f.Errors {
			details = append(details, detail(d.Resource, d.Field, d.Code, d.Message))
		}
		return refuse(http.StatusUnprocessableEntity, message("Validation Failed"), details...)
	case FaultPrimaryLimit:
		a = refuse(status(http.StatusForbidden), message("API rate limit exceeded for installation ID 1000."))
		a.limits(&window{Limit: 1000, Used: 1000, Reset: time.Now().Add(time.Duration(f.RetryAfter) * time.Second)}, "core")
		return a
	case FaultSecondaryLimit:
		a = refuse(status(http.StatusForbidden), message("You have exceeded a secondary rate limit. Please wait a few minutes before you try again."))
		a.body.(object)["documentation_url"] = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	case FaultRedirect:
		path := q.path
		if q.r.URL.RawQuery != "" {
			path += "?" + q.r.URL.RawQuery
		}
		to := strings.ReplaceAll(f.Location, "{path}", path)
		a = answer(status(http.StatusTemporaryRedirect), object{"message": http.StatusText(status(307)), "url": to, "documentation_url": documentation})
		a.header.Set("Location", to)
	default:
		a = refuse(f.Status, message("Server Error"))
	}
	if f.RetryAfter > 0 {
		a.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	return a
}
