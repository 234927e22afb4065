package workflow

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// GitHub's own bounds are lower, or near: 10 workflows below each other, 50 in a run.
// https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations
const (
	mostFiles   = 50
	deepestCall = 10
	mostEffort  = 200_000 // entries looked at, in all files together
)

// A search looks for the running job in the workflow and in those that it calls.
type search struct {
	job     Job
	read    func(string) ([]byte, error)
	files   map[string]*file // nil for one that cannot be read
	effort  int              // that is left
	unclear bool             // something stood in the way of an answer

	routes []route
}

// A route is a way from the workflow, through the workflows that it calls, to a job that may be the running one.
type route struct {
	job       job
	groups    []group // that the job stands in, from the outside to the inside
	calls     []job   // that lead to the job's file
	ours      bool    // the job has a step of this action
	elsewhere bool    // job is a call of a workflow that is not to be read here; what it holds is not known
}

// A job is one of a file.
type job struct {
	id   string
	file *file
	at   position // of its id
	body ast.Node
}

// A call is where a file is reached from.
type call struct {
	groups []group
	calls  []job
}

// entry finds a mapping's entry. It is nil if there is none.
func (s *search) entry(f *file, n ast.Node, key string) *ast.MappingValueNode {
	values, _ := f.entries(n)
	for _, v := range values {
		if !s.spend() {
			return nil
		}
		if name, plain := v.Key.(*ast.StringNode); plain && name.Value == key {
			return v
		}
	}
	return nil
}

// text is the scalar below a mapping's key.
func (s *search) text(f *file, n ast.Node, key string) (string, bool) {
	v := s.entry(f, n, key)
	if v == nil {
		return "", false
	}
	return f.scalar(v.Value)
}

// spend is false when enough has been looked at.
func (s *search) spend() bool {
	s.effort--
	if s.effort < 0 {
		s.unclear = true
	}
	return !s.unclear
}

// open reads a file once.
func (s *search) open(path string) *file {
	if f, known := s.files[path]; known {
		return f
	}
	if len(s.files) >= mostFiles {
		s.unclear = true
		return nil
	}
	s.files[path] = nil
	data, err := s.read(path)
	if err != nil {
		return nil
	}
	if f, err := parse(path, data); err == nil {
		s.files[path] = f
	}
	return s.files[path]
}

// jobs are those of a file, in its order.
func (s *search) jobs(f *file) []job {
	v := s.entry(f, f.root, "jobs")
	if v == nil {
		return nil
	}
	values, _ := f.entries(v.Value)
	var list []job
	for _, v := range values {
		if !s.spend() {
			return nil
		}
		name, plain := v.Key.(*ast.StringNode)
		if _, mapping := f.entries(v.Value); plain && mapping && jobID.MatchString(name.Value) {
			list = append(list, job{id: name.Value, file: f, at: f.at(v.Key), body: v.Value})
		}
	}
	return list
}

// called is the workflow that a job calls: a path in this repository, or one elsewhere ("").
func (s *search) called(j job) (path string, calls bool) {
	uses, calls := s.text(j.file, j.body, "uses")
	if !calls {
		return "", false
	}
	if path, local := strings.CutPrefix(uses, "./"); local && workflowPath.MatchString(path) {
		return path, true
	}
	return "", true
}

// follow gathers the routes through a file.
func (s *search) follow(path string, through *job, from call) {
	f := s.open(path)
	if f == nil {
		if through != nil {
			s.routes = append(s.routes, route{job: *through, groups: from.groups, elsewhere: true})
		}
		return
	}
	groups := from.groups
	if g, has := s.group(f, f.root, ""); has {
		groups = with(groups, g)
	}
	for _, j := range s.jobs(f) {
		if !s.spend() {
			return
		}
		path, calls := s.called(j)
		if !calls && j.id != s.job.ID {
			continue
		}
		own := groups
		if g, has := s.group(f, j.body, j.id); has {
			own = with(groups, g)
		}
		switch {
		case !calls:
			s.routes = append(s.routes, route{job: j, groups: own, calls: from.calls, ours: len(s.steps(j)) > 0})
		case path == "" || len(from.calls) >= deepestCall:
			s.routes = append(s.routes, route{job: j, groups: own, elsewhere: true})
		default:
			s.follow(path, &j, call{groups: own, calls: with(from.calls, j)})
		}
	}
}

// with gives a longer list, and leaves the one that others hold as it is.
func with[T any](list []T, one T) []T { return append(list[:len(list):len(list)], one) }

// likely are the routes that may be the running one's: those with a step of this action; else those whose job has the
// id, since an action of the user's own may hold ours; else the calls of workflows that are not here.
func (s *search) likely() []route {
	var ours, named, elsewhere []route
	for _, r := range s.routes {
		switch {
		case r.elsewhere:
			elsewhere = append(elsewhere, r)
		case r.ours:
			ours = append(ours, r)
		default:
			named = append(named, r)
		}
	}
	for _, list := range [][]route{ours, named} {
		if len(list) > 0 {
			return list
		}
	}
	return elsewhere
}
