package lambda

import "time"

// amazon is the principal of what AWS does by itself.
const amazon = "lambda.amazonaws.com"

// A transition is AWS moving an alias with provisioned concurrency: the traffic stays at the old version
// until the new one has its environments. Publicly reported, not documented:
// https://github.com/hashicorp/terraform-provider-aws/issues/13329
type transition struct {
	from     string
	weighted bool // the transient weights are in place
	until    time.Time
	fault    *fault // nil: the alias has provisioned concurrency
}

// moveAlias starts or ends a transition for an update of an alias that is about to be made.
func (s *Service) moveAlias(f *function, a *alias, version string, routed bool, r *request) {
	old := a.transition
	if version == a.version {
		if routed { // somebody set the weights by hand
			a.transition = nil
		}
		return
	}
	from := a.version
	if old != nil {
		from = old.from
	}
	a.transition = nil
	t := &transition{from: from, until: r.now.Add(s.options.UpdateTime)}
	t.fault = s.take(func(o *fault) bool { return o.kind == weighing && o.target.matches(f, a.name) })
	p := f.provisioned[a.name]
	switch {
	case t.fault != nil:
		t.until = r.now.Add(t.fault.lasts)
	case p == nil:
		return
	default:
		p.restart(t.until, r.now)
	}
	if from != version && from != latestName && version != latestName {
		a.transition = t
	}
}

// settleAlias carries out what AWS does to an alias by now.
func (s *Service) settleAlias(f *function, a *alias, now time.Time) {
	t := a.transition
	if t == nil {
		return
	}
	if !t.weighted {
		t.weighted = true
		a.weights = map[string]float64{t.from: 1}
		a.revision = s.uuid()
		s.record(f, a, amazon, now)
	}
	held := t.fault != nil && t.fault.lasts < 0 && !t.fault.released
	if held || now.Before(t.until) {
		return
	}
	a.transition, a.weights = nil, nil
	a.revision = s.uuid()
	s.record(f, a, amazon, now)
}
