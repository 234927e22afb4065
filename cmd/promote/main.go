// Promote releases AWS Lambda functions by promotion on success: it deploys an immutable candidate version, verifies
// exactly that version, and only then moves the environment's alias to it.
//
// The same program is a GitHub Action (without arguments, under GITHUB_ACTIONS=true) and a command-line tool. This package
// ties adapters to the story of package promotion and maps its outcome to an exit code; it decides nothing itself.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/promote-on-success/promote/internal/actions"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	// As the first process of a container we would not even be stopped by a signal that nobody asked for. The first one
	// ends the context and so takes the way back; further ones change nothing.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "promote: internal error: %v\nthis is a defect of promote; please report it with the log\n", p)
			code = 1
		}
	}()
	if len(args) == 0 && actions.New(getenv, io.Discard).Inside() {
		return runAction(ctx, getenv, stdout, nil)
	}
	return runCommand(ctx, args, getenv, stdout, stderr)
}
