package workflow

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/promote-on-success/promote/internal/promotion"
)

const rollbackExample = "https://github.com/promote-on-success/promote/blob/main/examples/workflows/rollback.yml"

// fault puts findings into one, at the place of the first.
func (s *search) fault(r route, found []finding, mode promotion.Mode) promotion.Fault {
	first := found[0]
	f := promotion.Fault{Where: promotion.Where{File: first.at.path, Line: first.at.line, Column: first.at.column}}
	switch first.kind {
	case missing:
		f.What = fmt.Sprintf("neither the job %s nor its workflow has a concurrency group", r.job.id)
		f.Hint = s.addition(r.job, mode) + "; runs of this job then wait for each other before they take a runner"
	case cancels:
		var lines []string
		for _, one := range found {
			lines = append(lines, fmt.Sprintf("%s:%d", one.at.path, one.at.line))
		}
		f.What = fmt.Sprintf("cancel-in-progress is true: the next run cuts the job %s off in the middle of its work", r.job.id)
		f.Hint = "write in " + strings.Join(lines, " and ") + ": `cancel-in-progress: false`; a release that waits in the group is replaced by a newer one all the same"
	case shared:
		g := r.groups[slices.IndexFunc(r.groups, func(g group) bool { return g.at == first.at })]
		f.Detail = clip(g.name)
		lines := fmt.Sprintf("line %d", g.at.line)
		if g.last > g.at.line {
			lines = fmt.Sprintf("lines %d to %d", g.at.line, g.last)
		}
		f.What = fmt.Sprintf("mode %s waits in a concurrency group for the promotion that it is to stop, that of the job %s", mode, first.job)
		switch {
		case first.job == r.job.id:
			f.Hint = fmt.Sprintf("give mode %s a job of its own that has no concurrency group, as in %s", mode, rollbackExample)
		case g.job == r.job.id:
			f.Hint = fmt.Sprintf("take %s out: the job %s has to start at once, and is safe without a group", lines, r.job.id)
		default:
			f.Hint = fmt.Sprintf("move %s into the job %s, or the job %s into a workflow that has no concurrency group, as in %s", lines, first.job, r.job.id, rollbackExample)
		}
	}
	return f
}

// addition is the line that gives a job a group, and where it goes: before the job's first key. One line, since not every
// place that shows a hint keeps several.
func (s *search) addition(j job, mode promotion.Mode) string {
	line := "concurrency: {group: " + quoted(s.name(j, mode)) + ", cancel-in-progress: false}"
	values, _ := j.file.entries(j.body)
	if len(values) == 0 {
		return "add to the job: `" + line + "`"
	}
	at := j.file.at(values[0].Key)
	if m, is := j.file.is(j.body).(*ast.MappingNode); is && m.IsFlowStyle {
		return fmt.Sprintf("add to the job, in its braces in line %d: `%s`", at.line, line)
	}
	return fmt.Sprintf("add to the job, as line %d, from column %d: `%s`", at.line, at.column, line)
}

// name is a group's for the job's target. What the step says by an expression differs between runs, or between the jobs
// of a matrix, and so the group does.
func (s *search) name(j job, mode promotion.Mode) string {
	said := map[string]string{}
	if steps := s.steps(j); len(steps) == 1 {
		for _, input := range []string{"app", "function", "only", "config", "environment"} {
			if text, _ := s.text(steps[0].file, steps[0].with, input); allowed(text) {
				said[input] = text
			}
		}
	}
	parts := []string{"promote"}
	if mode == promotion.ModeDeploy || mode == promotion.ModeLock {
		parts[0] = "deploy" // what deploys need not wait for what promotes
	}
	add := func(input, otherwise string) {
		if text := said[input]; text != "" {
			parts = append(parts, text)
		} else if otherwise != "" {
			parts = append(parts, otherwise)
		}
	}
	add("app", s.job.App)
	for _, input := range []string{"config", "function", "only"} {
		add(input, "")
	}
	add("environment", s.job.Environment)
	name := strings.Join(parts, "-")
	if strategy := s.entry(j.file, j.body, "strategy"); strategy != nil && !strings.Contains(name, "matrix.") {
		if s.entry(j.file, strategy.Value, "matrix") != nil {
			name += "-${{ strategy.job-index }}" // else the jobs of the matrix would replace each other
		}
	}
	return name
}

var (
	expression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)
	literal    = regexp.MustCompile(`'[^']*'`)
	context    = regexp.MustCompile(`(?:^|[^.\w-])([A-Za-z_][\w-]*)\s*[.\[(]`)
	plain      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
)

// allowed tells an expression that can stand in a group's name as well.
// https://docs.github.com/actions/reference/workflows-and-actions/contexts#context-availability
func allowed(text string) bool {
	const longest = 100
	found := expression.FindAllStringSubmatch(text, -1)
	if len(found) == 0 || len(text) > longest || strings.ContainsAny(text, "`\n\r") {
		return false
	}
	for _, e := range found {
		for _, c := range context.FindAllStringSubmatch(literal.ReplaceAllString(e[1], "''"), -1) {
			if !slices.Contains([]string{"github", "inputs", "vars", "needs", "strategy", "matrix", "format", "fromjson", "tojson"}, strings.ToLower(c[1])) {
				return false
			}
		}
	}
	return true
}

// quoted is text as it can stand in a mapping in braces.
func quoted(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func clip(text string) string {
	const longest = 80
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return text
}
