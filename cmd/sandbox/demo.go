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
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/promote-on-success/promote/internal/sandbox"
)

func demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Release a small shop: good, broken, two at once, killed half way, rolled back",
		Long: `Start the sandbox, build the example shop (three small functions behind an HTTP API) and promote itself,
and let it release the shop, again and again: a good release, a broken one that must not reach anybody, two pipelines at
once, a run that is killed in the middle, a rollback. Requests to the shop go on all the time and are watched.
It exits with 1 if anything went otherwise than it should.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the sandbox running, with the commands to try")
	return cmd
}

// demo shows the whole story on an embedded AWS and GitHub, and fails when any of it did not happen.
func demo(ctx context.Context, out io.Writer, keep bool) (err error) {
	began := time.Now()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	box, err := sandbox.New(sandbox.Options{
		BaseURL: "http://" + l.Addr().String(), UpdateTime: 500 * time.Millisecond, Latency: 20 * time.Millisecond, RateLimit: 15, Seed: 1,
		Repository: repositoryOwner + "/" + repositoryName,
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
	d := &show{out: &whole{out: out}, folder: folder, box: box, hub: box.Env()["GITHUB_API_URL"], code: map[string][]byte{}, summaries: map[int]string{}, expected: map[string][]string{}}
	defer func() { err = errors.Join(err, d.clear()) }()
	if err := d.play(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nAll of it happened as it should, in %.1f s.\n", time.Since(began).Seconds())
	if keep {
		return d.stay(ctx)
	}
	return nil
}

// A show is one performance of the demo.
type show struct {
	out    io.Writer
	folder string // bin/, a checkout for each release, and what was written for people in reports/
	box    *sandbox.Server
	hub    string            // the address of GitHub's API
	source string            // the module's folder
	code   map[string][]byte // the shop's functions as zips

	summaries map[int]string // of the jobs, by their merge
	reports   []report

	traffic  *traffic
	expected map[string][]string // what callers have to have seen so far
}

// play performs one act after the other.
func (d *show) play(ctx context.Context) error {
	defer func() {
		if d.traffic != nil {
			d.traffic.stop()
		}
	}()
	for _, act := range []func(context.Context) error{
		d.open, d.setUp, d.firstRelease, d.goodRelease, d.brokenRelease, d.revert,
		d.twoAtOnce, d.killed, d.rolledBack, d.tagged, d.written, d.seen,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *show) title(title, text string) {
	fmt.Fprintf(d.out, "\n\n== %s %s\n", title, strings.Repeat("=", max(0, 86-len(title))))
	if text != "" {
		fmt.Fprintln(d.out, text)
	}
	fmt.Fprintln(d.out)
}

// clear removes the demo's folder, but for what people may want to read.
func (d *show) clear() error {
	if len(d.reports) == 0 {
		return os.RemoveAll(d.folder)
	}
	entries, err := os.ReadDir(d.folder)
	for _, e := range entries {
		if e.Name() != reportsFolder {
			err = errors.Join(err, os.RemoveAll(filepath.Join(d.folder, e.Name())))
		}
	}
	return err
}

// stay keeps the sandbox until it is interrupted.
func (d *show) stay(ctx context.Context) error {
	last, err := d.checkout(len(merges))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\nThe sandbox stays until you press Ctrl-C. In another terminal:\n\n  cd %s\n  PATH=%s:$PATH\n", last, filepath.Join(d.folder, "bin"))
	for _, v := range d.environment() {
		if strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "GITHUB_") {
			fmt.Fprintf(&b, "  export %s\n", v)
		}
	}
	fmt.Fprintf(&b, `
  promote status                                                # what is live
  promote plan --environment preprod --commit %[1]s   # what a first release to preprod would do
  promote run --environment preprod --commit %[1]s    # do it
  promote rollback --environment prod --reason "as a trial"     # undo the last promotion
  aws lambda list-aliases --function-name checkout              # any AWS client works
`, commit(len(merges)))
	if _, err := d.out.Write(b.Bytes()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
