package sandbox

import (
	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/ecr"
	"github.com/promote-on-success/promote/internal/sandbox/s3"
	"github.com/promote-on-success/promote/internal/sandbox/sts"
)

// addServices makes the services and lets those that need each other meet.
func (s *Server) addServices() {
	objects, images := s3.New(s.random.Bytes), ecr.New()
	s.sts = sts.New(sts.Options{Tokens: s.issuer, Add: s.ids.add, Random: s.random.Bytes})
	for _, account := range s.options.Accounts {
		for _, role := range account.Roles {
			s.sts.SetRole(role)
		}
	}
	s.services = map[string]cloud.Service{}
	for _, service := range []cloud.Service{objects, images, s.sts} {
		s.services[service.Name()] = service
	}
}
