package main_test

import (
	"testing"
)

func TestWithoutAJobsDeployment(t *testing.T) {
	t.Run("a promotion files one, which is active alone", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.deployed("c1 promote success")
			f.job("c2", "v2").run().ended(t, "promoted", 0)
			f.deployed("c1 promote inactive", "c2 promote success")
		})
	})
	t.Run("a commit that changes nothing becomes the environment's", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.job("c2", "v1").run().ended(t, "unchanged", 0)
			f.deployed("c1 promote inactive", "c2 promote success")
		})
	})
	t.Run("an older commit's run files none", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c2", "v2").run().ended(t, "promoted", 0)
			f.job("c1", "v1").run().ended(t, "superseded", 0)
			f.deployed("c2 promote success")
		})
	})
	t.Run("a run that is run again has the same one", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			j := f.job("c2", "v2")
			j.run().ended(t, "promoted", 0)
			j.again()
			j.run().ended(t, "unchanged", 0)
			f.deployed("c2 promote success")
		})
	})
	t.Run("a red run's is a failure, and the one before stays active", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.job("c2", "v2", "verify", "[{invoke: {function: checkout, expect: .ok}}]").run().ended(t, "verification-failed", 3)
			f.deployed("c1 promote success", "c2 promote failure")
		})
	})
	t.Run("a rollback makes the older one active again", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.job("c2", "v2").run().ended(t, "promoted", 0)
			f.job("c2", "v2", "mode", "rollback", "reason", "it is bad").run().ended(t, "rolled-back", 0)
			f.deployed("c1 promote success", "c2 promote inactive")
		})
	})
	t.Run("none where they are switched off", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1", "deployments", "off").run().ended(t, "promoted", 0)
			f.deployed()
		})
	})
}

func TestWithAJobsOwnDeployment(t *testing.T) {
	const advice = "environment: {name: prod, deployment: false}"
	for name, after := range map[string]func(*office){
		"the next run ends it": func(f *office) { f.job("c2", "v2").run().ended(f.t, "unchanged", 0) },
		"reconcile ends it":    func(f *office) { f.job("c2", "v2", "mode", "reconcile").run().ended(f.t, "unchanged", 0) },
		"the next red run ends it": func(f *office) {
			f.commit("c3", "c2")
			f.job("c3", "v3", "verify", "[{invoke: {function: checkout, expect: .ok}}]", "deployments", "auto").run().ended(f.t, "verification-failed", 3)
		},
	} {
		t.Run("a superseded run's stays active, one warning says what to write, and "+name, func(t *testing.T) {
			inOffice(t, func(t *testing.T, f *office) {
				newer := f.job("c2", "v2")
				ends := newer.environmentJob()
				newer.run().ended(t, "promoted", 0)
				ends("success")
				f.deployed("c2 deploy success")

				older := f.job("c1", "v1")
				ends = older.environmentJob()
				older.run().ended(t, "superseded", 0, advice)
				ends("success")
				f.deployed("c2 deploy inactive", "c1 deploy success") // as GitHub would have it
				after(f)
				if got := f.deployments("prod"); got[0] != "c2 deploy success" || got[1] != "c1 deploy inactive" {
					t.Errorf("prod's deployments are %q", got)
				}
			})
		})
	}
	t.Run("a promotion files no second one", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			first := f.job("c1", "v1")
			ends := first.environmentJob()
			first.run().ended(t, "promoted", 0)
			ends("success")
			second := f.job("c2", "v2")
			ends = second.environmentJob()
			second.run().ended(t, "promoted", 0)
			ends("success")
			f.deployed("c1 deploy inactive", "c2 deploy success")
		})
	})
	t.Run("a rollback by a job with an environment is warned of", func(t *testing.T) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1").run().ended(t, "promoted", 0)
			f.job("c2", "v2").run().ended(t, "promoted", 0)
			back := f.job("c2", "v2", "mode", "rollback", "reason", "it is bad")
			ends := back.environmentJob()
			back.run().ended(t, "rolled-back", 0, advice)
			ends("success")
			f.job("c2", "v2", "mode", "reconcile").run().ended(t, "unchanged", 0)
			f.deployed("c1 promote success", "c2 promote inactive", "c2 deploy inactive")
		})
	})
}
