// Package function is the ports of package promotion on AWS Lambda: artifacts are measured (Packages), code is
// uploaded and published (Functions), and aliases are read, created and moved (Aliases).
//
// It promises that every write carries the revision that was read, and every published version the digest that
// was wanted; that an artifact is pinned when it is measured, and compared when it is uploaded; that nothing is
// sent which was not given; and that a write whose answer was lost is called so and nothing else.
//
// It decides nothing: what is a change, what is refused and in which order aliases move is package promotion's.
// Credentials, rates and the SDK's retries are those of the clients that it is given.
package function

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Options are what an [Account] may be told. The zero value is usable.
type Options struct {
	// Workspace is the directory that artifacts' paths are relative to, and that they cannot leave; "" is the
	// current one.
	Workspace string
	// TempDir is where the archive of a directory is made for its upload; "" is the system's.
	TempDir string
	// ArtifactBucket takes local archives that are too large for Lambda's direct upload; "" if there is none.
	ArtifactBucket string
	// Parallel is how many archives are measured or sent at once. Default 4.
	Parallel int
	// PollRate is how many GetFunction calls a second all waits together may make. Default 50; Lambda's quota is 100.
	PollRate float64
	// UpdateTimeout is how long an update, or a version's activation, may take. Default [promotion.DefaultLimits].
	UpdateTimeout time.Duration
	// CallTimeout is how long one attempt of a call without a large body may take, once it is sent. Default 5s.
	CallTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.Workspace == "" {
		o.Workspace = "."
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.PollRate <= 0 {
		o.PollRate = 50
	}
	if o.UpdateTimeout <= 0 {
		o.UpdateTimeout = promotion.DefaultLimits.Update
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 5 * time.Second
	}
	return o
}

// An Account is the Lambda functions of one account and region, with their artifacts and aliases.
// Its methods may be called concurrently.
type Account struct {
	lambda  *lambda.Client
	s3      *s3.Client
	ecr     *ecr.Client
	options Options
	region  string
	slots   chan struct{} // one for each archive that is being measured or sent
	pace    pace
	secret  [32]byte // keys the fingerprints of environment variables, so that they tell nothing to anybody else
}

var (
	_ promotion.Packages  = (*Account)(nil)
	_ promotion.Functions = (*Account)(nil)
	_ promotion.Aliases   = (*Account)(nil)
)

// New makes an account of clients for one region. s3 and ecr are used for artifacts there only.
func New(l *lambda.Client, s *s3.Client, e *ecr.Client, o Options) *Account {
	o = o.withDefaults()
	a := &Account{
		lambda: l, s3: s, ecr: e, options: o,
		region: l.Options().Region,
		slots:  make(chan struct{}, o.Parallel),
		pace:   pace{rate: o.PollRate},
	}
	rand.Read(a.secret[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return a
}

func fault(hint, format string, args ...any) error {
	return promotion.Fault{What: fmt.Sprintf(format, args...), Hint: hint}
}

// kinded is an error that the story branches on. It reads like the error that it came from.
type kinded struct {
	error
	kind error
}

func (k kinded) Is(target error) bool { return target == k.kind }
func (k kinded) Unwrap() error        { return k.error }
