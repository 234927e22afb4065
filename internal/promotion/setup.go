package promotion

import (
	"context"
	"sync/atomic"
)

// Setup creates what the request needs and is not there: the lock table, and the endpoints that it names.
func (r *Runner) Setup(ctx context.Context, req Request) Outcome {
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		made := &atomic.Int64{}
		if err := s.setupTable(ctx, made); err != nil {
			s.close(ctx, err, ReasonSetupFailed, "the lock table could not be set up; running it again goes on where it stopped")
			return
		}
		if err := s.setupEndpoints(ctx, made); err != nil {
			s.close(ctx, err, ReasonSetupFailed, "the endpoints of %s could not be set up completely; running it again goes on where it stopped", req.App)
			return
		}
		switch {
		case made.Load() > 0:
			s.o.end(SetUp, ReasonCreated, "what %s needs is set up", req.App)
		case s.Table == nil && req.Endpoints == nil:
			s.o.end(Unchanged, ReasonNoChange, "the configuration names neither endpoints nor a lock table: there is nothing to set up")
		default:
			s.o.end(Unchanged, ReasonNoChange, "what %s needs is set up already", req.App)
		}
	})
}

// counting says something that was made, and counts it.
func (s *story) counting(made *atomic.Int64) Say {
	say := s.say(StageSetup, "")
	return func(format string, args ...any) {
		made.Add(1)
		say(format, args...)
	}
}

func (s *story) setupTable(ctx context.Context, made *atomic.Int64) error {
	if s.Table == nil {
		return nil
	}
	differences, err := s.Table.Setup(ctx, s.counting(made))
	for _, d := range differences {
		s.o.Warnings = append(s.o.Warnings, Fault{Where: Where{Input: "lock-table"}, What: d})
	}
	return err
}

func (s *story) setupEndpoints(ctx context.Context, made *atomic.Int64) error {
	req := s.req
	if req.Endpoints == nil {
		return nil
	}
	before, err := s.Routes.Observe(ctx, req)
	if err != nil {
		return err
	}
	if before.Exists && len(before.MissingLatest) == 0 {
		s.o.Endpoints = &before
		return nil
	}
	if fault := setupQuota(req, before); fault != nil {
		return ends(Refused, ReasonPlanRefused, []Fault{*fault}, "the endpoints of %s do not fit; nothing of them was changed", req.App)
	}
	after, err := s.Routes.Setup(ctx, req, s.say(StageSetup, ""))
	if err != nil {
		return err
	}
	made.Add(1)
	s.o.Endpoints = &after
	return nil
}

func setupQuota(req Request, st EndpointState) *Fault {
	missing := len(req.Endpoints.Functions)
	if st.Exists {
		missing = len(st.MissingLatest)
	}
	if n := st.Routes + missing*routesPerEndpoint; n > MaxRoutes {
		f := quotaFault("routes", req.Endpoints.API, n, MaxRoutes)
		return &f
	}
	return nil
}
