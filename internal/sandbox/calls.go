package sandbox

import (
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A Record is one AWS call: any call to an API, also a refused one, and none to a data plane.
type Record struct {
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Resource  string    `json:"resource"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Time      time.Time `json:"time"`   // when it arrived
	Status    int       `json:"status"` // 0 while it is under way; of a dropped response, what was dropped
}

// callLog keeps the calls in the order of their arrival.
type callLog struct {
	mu      sync.Mutex
	records []*Record
}

// begin notes the call and returns what notes its end.
func (l *callLog) begin(service string, call cloud.Call) (done func(cloud.Reply)) {
	r := &Record{
		Service: service, Operation: call.Operation, Resource: call.Resource,
		Account: call.Account, Region: call.Region, Time: time.Now(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return func(reply cloud.Reply) {
		l.mu.Lock()
		defer l.mu.Unlock()
		r.Status = reply.Status
	}
}

func (l *callLog) list() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Record, 0, len(l.records))
	for _, r := range l.records {
		list = append(list, *r)
	}
	return list
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = nil
}

// Calls returns the AWS calls since the start or the last reset, in the order of their arrival.
func (s *Server) Calls() []Record { return s.log.list() }

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() { s.log.reset() }
