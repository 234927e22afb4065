package workflow_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/workflow"
)

const root = "../../"

// shipped is a workspace that holds one of the workflows that people copy.
func shipped(t *testing.T, path string) (workflow.Job, workspace) {
	t.Helper()
	text, err := os.ReadFile(root + path)
	if err != nil {
		t.Fatal(err)
	}
	here := ".github/workflows/" + filepath.Base(path)
	j := release
	j.WorkflowRef = "acme/shop/" + here + "@refs/heads/main"
	return j, workspace{here: string(text)}
}

var groupBlock = regexp.MustCompile(`(?m)^    concurrency:.*\n(      .*\n)+`)

func TestTheWorkflowsThatPeopleCopy(t *testing.T) {
	for _, c := range []struct {
		path, job string
		mode      promotion.Mode
	}{
		{"examples/workflows/release.yml", "release", promotion.ModeRun},
		{"examples/workflows/one-function.yml", "release", promotion.ModeRun},
		{"examples/workflows/deploy-test-promote.yml", "deploy", promotion.ModeDeploy},
		{"examples/workflows/deploy-test-promote.yml", "promote", promotion.ModePromote},
		{".github/workflows/promote.yml", "promote", promotion.ModeRun},
	} {
		t.Run(c.path+" "+c.job, func(t *testing.T) {
			j, files := shipped(t, c.path)
			j.ID = c.job
			if faults := workflow.Findings(j, files.read, c.mode); len(faults) > 0 {
				t.Errorf("it has faults: %v", faults)
			}
			for path, text := range files {
				files[path] = groupBlock.ReplaceAllString(text, "")
			}
			if faults := workflow.Findings(j, files.read, c.mode); len(faults) != 1 {
				t.Errorf("without its group it has %d faults", len(faults))
			}
		})
	}
	for path, mode := range map[string]promotion.Mode{
		"examples/workflows/rollback.yml":             promotion.ModeRollback,
		"examples/workflows/reconcile.yml":            promotion.ModeReconcile,
		"examples/workflows/plan-on-pull-request.yml": promotion.ModePlan,
	} {
		t.Run(path, func(t *testing.T) {
			j, files := shipped(t, path)
			j.ID = string(mode)
			if faults := workflow.Findings(j, files.read, mode); len(faults) > 0 {
				t.Errorf("it has faults: %v", faults)
			}
		})
	}
	t.Run("rollback, once it has got the group of the promotions", func(t *testing.T) {
		j, files := shipped(t, "examples/workflows/rollback.yml")
		j.ID = "rollback"
		for path, text := range files {
			files[path] = strings.Replace(text, "    permissions:\n", "    concurrency: promote-shop-prod\n    permissions:\n", 1)
			files[path] += "  release:\n    concurrency: promote-shop-prod\n    steps:\n      - uses: promote-on-success/promote@v1\n"
		}
		if faults := workflow.Findings(j, files.read, promotion.ModeRollback); len(faults) != 1 {
			t.Errorf("it has %d faults", len(faults))
		}
	})
	t.Run("the caller of the reusable workflow", func(t *testing.T) {
		j, files := shipped(t, "examples/workflows/call-promote.yml")
		j.ID = "promote"
		if faults := workflow.Findings(j, files.read, promotion.ModeRun); len(faults) > 0 {
			t.Errorf("it has faults: %v", faults)
		}
	})
}
