package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/promote-on-success/promote/internal/sandbox"
)

func demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Release a small shop four times: first, good, broken, unchanged",
		Long: `Start the sandbox, build the example shop (three small functions behind an HTTP API) and promote itself,
and let it release the shop four times. The third release is broken and must not reach anybody.
It exits with 1 if anything went otherwise than it should.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the sandbox running, with the commands to try")
	return cmd
}

// demo shows the whole story on an embedded AWS, and fails when any of it did not happen.
func demo(ctx context.Context, out io.Writer, keep bool) (err error) {
	began := time.Now()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	box, err := sandbox.New(sandbox.Options{
		BaseURL: "http://" + l.Addr().String(), UpdateTime: time.Second, Latency: 20 * time.Millisecond, RateLimit: 15, Seed: 1,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	web := &http.Server{Handler: box, ReadHeaderTimeout: 10 * time.Second}
	go web.Serve(l) // ends with web.Close below
	defer func() { err = errors.Join(err, box.Close(), web.Close()) }()

	folder, err := os.MkdirTemp("", "promote-demo-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	d := &show{out: out, folder: folder, box: box}
	if err := d.play(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nAll of it happened as it should, in %.1f s.\n", time.Since(began).Seconds())
	if keep {
		return d.stay(ctx)
	}
	return nil
}

// A show is one performance of the demo.
type show struct {
	out    io.Writer
	folder string // the workspace: promote.yaml, dist/, the built binary
	box    *sandbox.Server
	source string // the module's folder
}

var shopFunctions = []string{"catalog", "checkout", "payments"}

func (d *show) play(ctx context.Context) error {
	d.title("The sandbox", "An AWS on "+d.box.BaseURL()+", with three functions as an infrastructure tool would have made them.")
	if err := d.build(ctx); err != nil {
		return err
	}
	if err := createFunctions(ctx, d.box, shopFunctions, filepath.Join(d.folder, "dist")); err != nil {
		return err
	}

	d.title("Set up", "The shop's two addresses: one shows the newest code, one shows what was promoted. Made once.")
	if err := d.promote(ctx, 0, "setup", "--environment", "prod"); err != nil {
		return err
	}

	d.title("First release", "There is no alias yet. It is made only when its version has passed.")
	if err := d.promote(ctx, 0, "run", "--environment", "prod", "--commit", commit(1)); err != nil {
		return err
	}
	if err := d.expectAliases(ctx, "1", "1", "1"); err != nil {
		return err
	}

	live, err := d.endpoint(ctx, "prod")
	if err != nil {
		return err
	}
	traffic := watch(ctx, live+"/health", live+"/checkout/total?product=tea&count=2", live+"/payments/health")
	defer traffic.stop()
	fmt.Fprintf(d.out, "\nFrom here on, requests to %s are made all the time.\n", live)

	d.title("Second release", "Checkout and payments have new code. Catalog has not, and is left alone.")
	if err := d.release(ctx, "2", "", "checkout", "payments"); err != nil {
		return err
	}
	if err := d.promote(ctx, 0, "run", "--environment", "prod", "--commit", commit(2)); err != nil {
		return err
	}
	if err := d.expectAliases(ctx, "1", "2", "2"); err != nil {
		return err
	}

	d.title("Third release", "Payments is broken. Its candidate fails verification, so no alias moves, not even checkout's.")
	if err := d.release(ctx, "3", "payments", "checkout", "payments"); err != nil {
		return err
	}
	if err := d.promote(ctx, 3, "run", "--environment", "prod", "--commit", commit(3)); err != nil {
		return err
	}
	if err := d.expectAliases(ctx, "1", "2", "2"); err != nil {
		return err
	}

	d.title("Fourth release", "The code that is live already, once more: nothing is written.")
	if err := d.release(ctx, "2", "", "checkout", "payments"); err != nil {
		return err
	}
	if err := d.promote(ctx, 0, "run", "--environment", "prod", "--commit", commit(4)); err != nil {
		return err
	}
	if err := d.expectAliases(ctx, "1", "2", "2"); err != nil {
		return err
	}

	requests, failures := traffic.stop()
	d.title("What callers saw", fmt.Sprintf("%d requests to the environment's endpoint during all of this, %d failed.", requests, len(failures)))
	if len(failures) > 0 {
		return fmt.Errorf("the environment's endpoint failed: %s", failures[0])
	}
	if requests < 20 {
		return fmt.Errorf("only %d requests were made to the environment's endpoint", requests)
	}

	d.title("Promoted versions", "")
	return d.promote(ctx, 0, "status", "--environment", "prod")
}

// commit makes up a commit's name for a release.
func commit(release int) string { return strings.Repeat(fmt.Sprintf("%x%x", release, 10+release), 20) }

// build compiles promote and the first release of the shop, and puts its configuration into the workspace.
func (d *show) build(ctx context.Context) error {
	source, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the source (run this in the project's folder): %w", err)
	}
	d.source = strings.TrimSpace(string(source))
	configuration, err := os.ReadFile(filepath.Join(d.source, "examples", "shop", "promote.yaml"))
	if err != nil {
		return fmt.Errorf("read the example's configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.folder, "promote.yaml"), configuration, 0o644); err != nil {
		return err
	}
	if err := d.compile(ctx, "./cmd/promote", filepath.Join(d.folder, "promote")); err != nil {
		return err
	}
	return d.release(ctx, "1", "", shopFunctions...)
}

// release puts a release of some functions of the shop into dist/. One that was built before is taken as it is.
func (d *show) release(ctx context.Context, number, fault string, functions ...string) error {
	const serve = "github.com/promote-on-success/promote/examples/shop/internal/serve"
	flags := fmt.Sprintf("-s -w -buildid= -X %s.Release=%s -X %s.Fault=%s", serve, number, serve, fault)
	verb := "took"
	for _, f := range functions {
		built := filepath.Join(d.folder, "releases", number, f, "bootstrap")
		if _, err := os.Stat(built); err != nil {
			verb = "built"
			if err := d.compile(ctx, "./examples/shop/"+f, built, "-tags", "lambda.norpc", "-ldflags", flags); err != nil {
				return err
			}
		}
		dist := filepath.Join(d.folder, "dist", f)
		if err := os.RemoveAll(dist); err != nil {
			return err
		}
		if err := os.CopyFS(dist, os.DirFS(filepath.Dir(built))); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.out, "%s release %s of %s\n", verb, number, strings.Join(functions, ", "))
	return nil
}

func (d *show) compile(ctx context.Context, pkg, to string, flags ...string) error {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-trimpath", "-buildvcs=false"}, flags, []string{"-o", to, pkg})...)
	cmd.Dir = d.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// promote runs the built binary as a user would, and holds it to an exit code.
func (d *show) promote(ctx context.Context, expected int, args ...string) error {
	fmt.Fprintf(d.out, "\n$ promote %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, filepath.Join(d.folder, "promote"), args...)
	cmd.Dir = d.folder
	cmd.Env = d.environment()
	cmd.Stdout, cmd.Stderr = d.out, d.out
	err := cmd.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		return fmt.Errorf("run promote: %w", err)
	}
	if code := cmd.ProcessState.ExitCode(); code != expected {
		return fmt.Errorf("promote %s ended with exit code %d, and %d was expected", args[0], code, expected)
	}
	return nil
}

// environment points any AWS client at the sandbox, and keeps this machine's own AWS settings out of it.
func (d *show) environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "GITHUB_") && !strings.HasPrefix(v, "ACTIONS_") {
			env = append(env, v)
		}
	}
	for name, value := range d.box.Env() {
		if strings.HasPrefix(name, "AWS_") {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// endpoint asks promote for an environment's address.
func (d *show) endpoint(ctx context.Context, environment string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(d.folder, "promote"), "setup", "--quiet", "--json", "--environment", environment)
	cmd.Dir, cmd.Env = d.folder, d.environment()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask promote for the endpoint: %w", err)
	}
	return environmentURL(out)
}

// expectAliases holds the environment to the versions of catalog, checkout and payments.
func (d *show) expectAliases(ctx context.Context, versions ...string) error {
	for i, f := range shopFunctions {
		held, err := aliasVersion(ctx, d.box, f, "live")
		if err != nil {
			return err
		}
		if held != versions[i] {
			return fmt.Errorf("the alias of %s holds version %s, and %s was expected", f, held, versions[i])
		}
	}
	return nil
}

func (d *show) title(title, text string) {
	fmt.Fprintf(d.out, "\n\n== %s %s\n", title, strings.Repeat("=", max(0, 76-len(title))))
	if text != "" {
		fmt.Fprintln(d.out, text)
	}
}

// stay keeps the sandbox until it is interrupted.
func (d *show) stay(ctx context.Context) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\nThe sandbox stays until you press Ctrl-C. In another terminal:\n\n  cd %s\n", d.folder)
	for _, v := range d.environment() {
		if strings.HasPrefix(v, "AWS_") {
			fmt.Fprintf(&b, "  export %s\n", v)
		}
	}
	b.WriteString(`
  ./promote status                                  # what is live
  ./promote plan --environment preprod              # what a first release to preprod would do
  ./promote run --environment preprod               # do it
  aws lambda list-aliases --function-name checkout  # any AWS client works
`)
	if _, err := d.out.Write(b.Bytes()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
