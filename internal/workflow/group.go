package workflow

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A group is a concurrency group that is said at a workflow or at a job.
type group struct {
	name      string // as it is written: a text or an expression
	job       string // whose it is; "" for the workflow's
	at        position
	last      int // its last line
	cancels   bool
	cancelsAt position
}

// group finds the group of a workflow or job. One that GitHub would not take is not the one that runs: the search is
// unclear.
func (s *search) group(f *file, holder ast.Node, job string) (group, bool) {
	v := s.entry(f, holder, "concurrency")
	if v == nil {
		return group{}, false
	}
	g := group{job: job, at: f.at(v.Key), last: lastLine(v)}
	if name, is := f.scalar(v.Value); is {
		g.name = name
	} else {
		g.name, _ = s.text(f, v.Value, "group")
	}
	if c := s.entry(f, v.Value, "cancel-in-progress"); c != nil {
		value, _ := f.scalar(c.Value)
		g.cancels, g.cancelsAt = isTrue(value), f.at(c.Key)
	}
	s.unclear = s.unclear || g.name == ""
	return g, g.name != ""
}

// isTrue is for what is true whatever the run: true, and an expression of nothing else.
func isTrue(value string) bool {
	if inner, is := strings.CutPrefix(value, "${{"); is {
		value = strings.TrimSuffix(inner, "}}")
	}
	return strings.EqualFold(strings.TrimSpace(value), "true")
}

func lastLine(v *ast.MappingValueNode) int {
	last := 0
	ast.Walk(visitor(func(n ast.Node) {
		if t := n.GetToken(); t != nil && t.Position != nil && t.Type != token.MappingValueType {
			last = max(last, t.Position.Line)
		}
	}), v)
	return last
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// A step is one of this action.
type step struct {
	file *file
	with ast.Node
}

// steps are a job's steps of this action.
func (s *search) steps(j job) []step {
	v := s.entry(j.file, j.body, "steps")
	if v == nil {
		return nil
	}
	list, is := j.file.is(v.Value).(*ast.SequenceNode)
	if !is {
		return nil
	}
	var ours []step
	for _, item := range list.Values {
		if !s.spend() {
			return nil
		}
		if uses, _ := s.text(j.file, item, "uses"); s.isOurs(uses) {
			one := step{file: j.file}
			if w := s.entry(j.file, item, "with"); w != nil {
				one.with = w.Value
			}
			ours = append(ours, one)
		}
	}
	return ours
}

const (
	published = "promote-on-success/promote"
	image     = "docker://ghcr.io/promote-on-success/promote"
	reusable  = published + "/.github/workflows/promote.yml"
)

// isOurs tells this action by its name, a copy's name, or, where it runs from the workspace, any path there.
func (s *search) isOurs(uses string) bool {
	if s.job.Action == "" && strings.HasPrefix(uses, "./") {
		return true
	}
	name, _, _ := strings.Cut(uses, "@")
	if strings.EqualFold(name, published) || s.job.Action != "" && strings.EqualFold(name, s.job.Action) {
		return true
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(name, image), ":")
	return strings.HasPrefix(uses, image) && name == ""
}

// promotes tells whether inputs may ask for a promotion, and whether another input chooses what they ask for.
func (s *search) promotes(f *file, inputs ast.Node) (may, chosen bool) {
	mode, _ := s.text(f, inputs, "mode")
	chosen = strings.Contains(mode, "${{")
	return chosen || slices.Contains([]string{"", "run", "promote"}, mode), chosen
}

// promoting tells whether a job, or one of the workflow that it calls, may promote.
func (s *search) promoting(j job, depth int) bool {
	path, calls := s.called(j)
	if !calls {
		return slices.ContainsFunc(s.steps(j), func(one step) bool {
			may, _ := s.promotes(one.file, one.with)
			return may
		})
	}
	if path == "" {
		uses, _ := s.text(j.file, j.body, "uses")
		name, _, _ := strings.Cut(uses, "@")
		var inputs ast.Node
		if w := s.entry(j.file, j.body, "with"); w != nil {
			inputs = w.Value
		}
		may, _ := s.promotes(j.file, inputs)
		return may && strings.EqualFold(name, reusable)
	}
	f := s.open(path)
	if f == nil || depth >= deepestCall {
		return false
	}
	return slices.ContainsFunc(s.jobs(f), func(inner job) bool { return s.promoting(inner, depth+1) })
}

// sharedWith names a job that promotes and that the route's job has to wait for in a group.
//
// A job that needs others comes after the promotion in the same run, which holds the workflow's group already. And a step
// after a promotion, in the same job, waits for nothing.
func (s *search) sharedWith(r route, g group) (string, bool) {
	for _, one := range s.steps(r.job) {
		if _, chosen := s.promotes(one.file, one.with); chosen {
			return r.job.id, true
		}
	}
	below := false // the group of a call, or of a calling workflow, covers all that is called
	for _, mine := range with(r.calls, r.job) {
		here := mine.at.path == g.at.path
		if !here && !below {
			continue
		}
		if g.job == "" && s.entry(mine.file, mine.body, "needs") != nil {
			return "", false
		}
		for _, other := range s.jobs(mine.file) {
			if other.id == mine.id || !s.promoting(other, 0) {
				continue
			}
			if !here || g.job == "" {
				return other.id, true
			}
			if theirs, has := s.group(mine.file, other.body, other.id); has && strings.EqualFold(theirs.name, g.name) {
				return other.id, true
			}
		}
		below = below || here && (g.job == "" || g.job == mine.id)
	}
	return "", false
}
