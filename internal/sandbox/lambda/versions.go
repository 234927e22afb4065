package lambda

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// snapshotVersion makes the next version out of $LATEST as it is. While $LATEST is being worked on the
// version is Pending for as long; else it is Active at once, unless a snapshot or an image has to be
// prepared.
func (s *Service) snapshotVersion(f *function, description *string, now time.Time) *release {
	v := *f.latest
	v.settings = v.settings.copied()
	set(&v.Description, description)
	v.version = strconv.Itoa(f.next)
	v.revision = s.uuid()
	v.modified = now
	v.pending = nil
	working := f.latest.pending
	own := s.takeFault(f, v.version)
	if working != nil || own != nil || v.SnapStart == "PublishedVersions" || v.PackageType == "Image" {
		v.state, v.stateReason, v.stateCode = waiting, creatingReason, creatingCode
		v.update, v.updateReason, v.updateCode = "", "", ""
		v.pending = &pending{creating: true, until: now.Add(s.options.UpdateTime), fault: own}
		if working != nil && own == nil {
			v.pending.fault = working.fault
		}
	}
	f.versions[v.version] = &v
	f.next++
	f.published, f.clean = v.version, true
	return &v
}

func (s *Service) publishVersion(_ context.Context, r *request) (cloud.Reply, error) {
	var in struct{ CodeSha256, Description, RevisionId, PublishTo *string }
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	c.text("description", in.Description, textForm)
	f, err := s.changeable(r, c, in.RevisionId)
	if err != nil {
		return cloud.Reply{}, err
	}
	if in.PublishTo != nil {
		return cloud.Reply{}, notManaged()
	}
	if in.CodeSha256 != nil && *in.CodeSha256 != f.latest.code.sha {
		return cloud.Reply{}, invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", *in.CodeSha256, f.latest.code.sha)
	}
	if f.latest.state == failed {
		return cloud.Reply{}, f.inState()
	}
	if f.latest.update == failed {
		// Which error AWS gives here is not documented; that it does not publish is.
		return cloud.Reply{}, conflict("The operation cannot be performed at this time. The last update of the function failed: %s", f.arn())
	}
	// Nothing changed since the last publish: that version again, description and all; recorded so.
	if last := f.versions[f.published]; f.clean && last != nil {
		return answer(http.StatusCreated, last.document(f, f.qualified(last.version), false)), nil
	}
	v := s.snapshotVersion(f, in.Description, r.now)
	f.latest.revision = s.uuid()
	return answer(http.StatusCreated, v.document(f, f.qualified(v.version), false)), nil
}

func (s *Service) listVersions(_ context.Context, r *request) (cloud.Reply, error) {
	c := &checker{}
	page, err := r.page(c, 50, 10000)
	if err != nil {
		return cloud.Reply{}, err
	}
	id, err := r.identify(c, spacedName, anyQualifier)
	if err != nil {
		return cloud.Reply{}, err
	}
	f, err := s.must(r, id)
	if err != nil {
		return cloud.Reply{}, err
	}
	items := []item{{fmt.Sprintf("%012d", 0), f.latest.document(f, f.qualified(latestName), true)}}
	for _, number := range f.numbers() {
		n, _ := strconv.Atoi(number) // numbers are ours
		items = append(items, item{fmt.Sprintf("%012d", n), f.versions[number].document(f, f.qualified(number), true)})
	}
	return page.answer("Versions", items)
}
