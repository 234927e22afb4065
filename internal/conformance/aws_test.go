//go:build aws

package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/promote-on-success/promote/internal/conformance"
)

// session is one on the account that the default credentials reach. It ends with the first signal, tidily; a second
// one kills.
func session(t *testing.T) (context.Context, conformance.Session) {
	t.Helper()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	quiet := context.AfterFunc(ctx, func() {
		stop()
		fmt.Println("ending: what was made is being removed; a second signal kills, and leaves it to `make conformance-sweep`")
	})
	t.Cleanup(func() {
		quiet()
		stop()
	})
	client := awshttp.NewBuildableClient().WithTimeout(30 * time.Second).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64 // fifty writers want a connection each, and none of them a handshake
	})
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(aws.HTTPClient(client)))
	if err != nil {
		t.Fatal(err)
	}
	return ctx, conformance.Session{AWS: cfg, Getenv: os.Getenv, Out: os.Stdout}
}

// TestRealAccount is `make conformance`.
func TestRealAccount(t *testing.T) {
	ctx, s := session(t)
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestRealSweep is `make conformance-sweep`.
func TestRealSweep(t *testing.T) {
	ctx, s := session(t)
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
}
