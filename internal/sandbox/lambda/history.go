package lambda

import (
	"maps"
	"slices"
	"time"
)

type aliasKey struct {
	place
	function, alias string
}

// An AliasValue is what an alias held from Time until the next value.
type AliasValue struct {
	Version  string
	Weights  map[string]float64 // nil: all traffic goes to Version
	Revision string
	Time     time.Time
	// Principal is the ARN of the caller who wrote it; AWS itself is "lambda.amazonaws.com".
	Principal string
	// Deleted marks the end of the alias; the other members are those it had.
	Deleted bool
}

// History returns every value that an alias has had, oldest first, also after it was deleted. Values that
// AWS would have written by now are in it.
func (s *Service) History(account, region, function, alias string) []AliasValue {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := place{account, region}
	if f := s.home(p).functions[function]; f != nil {
		s.settle(f, time.Now())
	}
	values := slices.Clone(s.history[aliasKey{p, function, alias}])
	for i := range values {
		values[i].Weights = maps.Clone(values[i].Weights)
	}
	return values
}

func (s *Service) record(f *function, a *alias, principal string, now time.Time) {
	s.append(f, a, AliasValue{Time: now, Principal: principal})
}

func (s *Service) recordDeletion(f *function, name string, r *request) {
	s.append(f, f.aliases[name], AliasValue{Time: r.now, Principal: r.Principal, Deleted: true})
}

func (s *Service) append(f *function, a *alias, v AliasValue) {
	v.Version, v.Weights, v.Revision = a.version, maps.Clone(a.weights), a.revision
	key := aliasKey{f.home.place, f.name, a.name}
	s.history[key] = append(s.history[key], v)
}
