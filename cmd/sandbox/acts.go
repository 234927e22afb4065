package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func (d *show) open(ctx context.Context) error {
	d.title("The sandbox", "An AWS and a GitHub on "+d.box.BaseURL()+", with three functions as an infrastructure tool would have made them.")
	if err := tellGitHub(d.box.GitHub()); err != nil {
		return err
	}
	if err := d.build(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "built promote, %s\n", strings.Join(shopFunctions, ", "))
	return createFunctions(ctx, d.box, d.code)
}

func (d *show) setUp(ctx context.Context) error {
	d.title("Set up", "The lock table, and the shop's addresses: one shows the newest code, one shows what was promoted. Made once.")
	return d.promote(ctx, 0, 1, "setup", "--environment", "prod")
}

func (d *show) firstRelease(ctx context.Context) error {
	d.title("First release", "There is no alias yet. It is made only when its version has passed.")
	if err := d.promote(ctx, 0, 1, "run", "--environment", "prod", "--commit", commit(1)); err != nil {
		return err
	}
	live, err := d.endpoint(ctx)
	if err != nil {
		return err
	}
	d.traffic = watch(ctx, live+"/health", live+"/checkout/total?product=tea&count=2", live+"/payments/health")
	fmt.Fprintf(d.out, "\nFrom here on, requests to %s are made all the time.\n", live)
	return d.live(ctx, 1)
}

func (d *show) goodRelease(ctx context.Context) error {
	d.title("A good release", "Checkout and payments have new code. Catalog has not, and is left alone. This one runs as a step of a workflow.")
	if err := d.step(ctx, 0, 2, "refs/heads/main"); err != nil {
		return err
	}
	return d.live(ctx, 2)
}

func (d *show) brokenRelease(ctx context.Context) error {
	d.title("A broken release", "Payments does not work. Its candidate fails verification, so no alias moves, not even checkout's.")
	if err := d.promote(ctx, 3, 3, "run", "--environment", "prod", "--commit", commit(3)); err != nil {
		return err
	}
	return d.live(ctx, 2)
}

func (d *show) revert(ctx context.Context) error {
	d.title("Its revert", "The code that is live already, once more: no function is written to.")
	if err := d.promote(ctx, 0, 4, "run", "--environment", "prod", "--commit", commit(4)); err != nil {
		return err
	}
	return d.live(ctx, 2)
}

func (d *show) tagged(ctx context.Context) error {
	d.title("A tag", "The mistake is mended by a newer commit, and that one is tagged "+tag+". It may come.")
	if err := d.step(ctx, 0, 8, "refs/tags/"+tag); err != nil {
		return err
	}
	return d.live(ctx, 8)
}

// live holds the environment, and what callers see of it, to the code of a merge. What it was held to before they have
// to have seen too, in this order, and nothing else.
func (d *show) live(ctx context.Context, n int) error {
	for i, f := range shopFunctions {
		release := strconv.Itoa(merges[n-1].holds[i])
		if all := d.expected[f]; len(all) == 0 || all[len(all)-1] != release {
			d.expected[f] = append(all, release)
		}
	}
	return d.traffic.shows(ctx, d.expected)
}

// endpoint asks promote for the environment's address.
func (d *show) endpoint(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(d.folder, "bin", "promote"), "setup", "--quiet", "--json", "--environment", "prod")
	var err error
	if cmd.Dir, err = d.checkout(1); err != nil {
		return "", err
	}
	cmd.Env = d.environment()
	document, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask promote for the endpoint: %w", err)
	}
	return environmentURL(document)
}

func (d *show) seen(ctx context.Context) error {
	requests, failures := d.traffic.stop()
	d.title("What callers saw", fmt.Sprintf("%d requests to the environment's endpoint during all of this, %d failed. They were answered by these releases:", requests, len(failures)))
	for _, f := range shopFunctions {
		fmt.Fprintf(d.out, "  %-9s %s\n", f, strings.Join(d.traffic.releases(f), " → "))
	}
	if len(failures) > 0 {
		return fmt.Errorf("the environment's endpoint failed: %s", failures[0])
	}
	if requests < 20 {
		return fmt.Errorf("only %d requests were made to the environment's endpoint", requests)
	}
	for _, never := range []string{"3", "5"} {
		for _, f := range shopFunctions {
			if slices.Contains(d.traffic.releases(f), never) {
				return fmt.Errorf("callers saw release %s of %s, which was not promoted", never, f)
			}
		}
	}
	fmt.Fprint(d.out, "\nNever release 3, which was broken, and never 5, which was older than 6.\n\n")
	return d.promote(ctx, 0, len(merges), "status", "--environment", "prod")
}
