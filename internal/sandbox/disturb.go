package sandbox

import (
	"fmt"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// disturb lets AWS itself do something to the function that the call is about.
func (s *Server) disturb(kind Kind, call cloud.Call) error {
	return fmt.Errorf("%s: %s names no function", kind, call.Operation)
}
