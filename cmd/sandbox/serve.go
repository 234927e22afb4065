package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/promote-on-success/promote/internal/sandbox"
)

// serving is what `sandbox serve` can be told.
type serving struct {
	listen   string
	envFile  string
	accounts []string
	options  sandbox.Options
}

func serveCommand() *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve AWS and GitHub on loopback until interrupted",
		Example: `  sandbox serve --env-file sandbox.env
  env $(cat sandbox.env) aws lambda list-functions`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.serve(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:4566", "loopback address and `port` to listen on; port 0 takes a free one")
	f.StringVar(&s.envFile, "env-file", "", "write the variables that point AWS and GitHub clients here to this `file`, one NAME=value a line")
	f.DurationVar(&s.options.UpdateTime, "update-time", 2*time.Second, "how long an update, a creation and a version's activation take")
	f.DurationVar(&s.options.Latency, "latency", 40*time.Millisecond, "added to each control-plane call")
	f.IntVar(&s.options.RateLimit, "rate-limit", 15, "calls a second that Lambda's control plane takes, for each account and region; 0 is no limit")
	f.Int64Var(&s.options.Seed, "seed", 1, "decides revision ids, keys and the chance of routing weights")
	f.StringSliceVar(&s.accounts, "account", []string{sandbox.DefaultAccount}, "the `ids` of the AWS accounts; the variables are for the first")
	f.StringVar(&s.options.Repository, "repository", "octo-org/shop", "the GitHub repository, `owner/name`")
	return cmd
}

// serve runs the sandbox until ctx ends.
func (s *serving) serve(ctx context.Context, stdout io.Writer) error {
	address, err := loopback(s.listen)
	if err != nil {
		return err
	}
	switch {
	case s.options.UpdateTime < 0:
		return fmt.Errorf("--update-time %v: a time of 0 or more is needed", s.options.UpdateTime)
	case s.options.Latency < 0:
		return fmt.Errorf("--latency %v: a time of 0 or more is needed", s.options.Latency)
	case s.options.RateLimit < 0:
		return fmt.Errorf("--rate-limit %d: 0 (off) or more is needed", s.options.RateLimit)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.options.BaseURL = "http://" + l.Addr().String()
	for _, id := range s.accounts {
		s.options.Accounts = append(s.options.Accounts, sandbox.Account{ID: id})
	}
	box, err := sandbox.New(s.options)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	web := &http.Server{Handler: box, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }() // ends with web.Close below
	err = s.ready(box, stdout)
	if err == nil {
		select {
		case err = <-served:
		case <-ctx.Done():
		}
	}
	// The sandbox first: it ends calls that a fault holds, and the processes that run functions.
	return errors.Join(err, box.Close(), web.Close())
}

// ready writes the variables, and then says that everything is there.
func (s *serving) ready(box *sandbox.Server, stdout io.Writer) error {
	line := fmt.Sprintf("sandbox ready on %s (account %s, region %s", box.BaseURL(), box.Accounts()[0].ID, sandbox.DefaultRegion)
	if s.envFile != "" {
		if err := writeFile(s.envFile, box.EnvFile()); err != nil {
			return fmt.Errorf("write the env file: %w", err)
		}
		line += ", variables in " + s.envFile
	}
	_, err := fmt.Fprintln(stdout, line+")")
	return err
}

// loopback returns the address to listen on, or an error for one that other machines could reach.
func loopback(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("--listen %q: an address such as 127.0.0.1:4566 is needed", listen)
	}
	if host == "" || host == "localhost" {
		return net.JoinHostPort("127.0.0.1", port), nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return "", fmt.Errorf("--listen %q: the sandbox runs functions without isolation, so it listens on loopback only (127.0.0.1, ::1)", listen)
	}
	return listen, nil
}

// writeFile replaces a file as a whole: who reads it finds all of it or nothing. It holds keys, so only
// its owner may read it.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".sandbox-env-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
