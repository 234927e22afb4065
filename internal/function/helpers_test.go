package function_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
)

// account makes an account of SDK clients, with the SDK's own retries, over a configuration.
func account(cfg aws.Config, o function.Options) *function.Account {
	return function.New(
		lambda.NewFromConfig(cfg),
		s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		ecr.NewFromConfig(cfg), o)
}

// offline is an account that cannot reach anything: whoever calls AWS there fails the test.
func offline(t *testing.T, o function.Options) *function.Account {
	return account(wired(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s %s was sent", r.Method, r.URL.Path)
		return nil, errors.New("offline")
	}), o)
}

// wired is a configuration whose requests go to a function.
func wired(wire func(*http.Request) (*http.Response, error)) aws.Config {
	return aws.Config{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
		HTTPClient:  &http.Client{Transport: transport(wire)},
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// answer is an HTTP response with a body and header fields.
func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d", status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// said collects what a person was told.
type said struct {
	mu    sync.Mutex
	words []string
}

func (s *said) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words = append(s.words, fmt.Sprintf(format, args...))
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.words, "\n")
}

func quiet(string, ...any) {}

// files writes a tree below dir: names that end with "*" are executable.
func files(t testing.TB, dir string, contents map[string]string) {
	t.Helper()
	for name, text := range contents {
		mode := os.FileMode(0o644)
		if trimmed, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = trimmed, 0o755
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// archived is a zip archive of names and texts, as most tools make them.
func archived(t testing.TB, contents map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range contents {
		h := &zip.FileHeader{Name: strings.TrimSuffix(name, "*"), Method: zip.Deflate}
		h.SetMode(0o644)
		if strings.HasSuffix(name, "*") {
			h.SetMode(0o755)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stored is an archive of one program that is not compressed.
func stored(t testing.TB, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Store}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// digest is what Lambda would call the archive's CodeSha256.
func digest(content []byte) promotion.Digest {
	sum := sha256.Sum256(content)
	return promotion.Digest(base64.StdEncoding.EncodeToString(sum[:]))
}

func zipArtifact(path string) promotion.Function {
	return promotion.Function{Key: "fn", Name: "shop-fn", Artifact: promotion.Artifact{Kind: promotion.ArtifactZip, Path: path}}
}

func dirArtifact(path string) promotion.Function {
	return promotion.Function{Key: "fn", Name: "shop-fn", Artifact: promotion.Artifact{Kind: promotion.ArtifactDir, Path: path}}
}

// faultText is what a person sees of a fault: the fact and the advice. Anything else fails the test.
func faultText(t *testing.T, err error) string {
	t.Helper()
	var f promotion.Fault
	if err == nil || !errors.As(err, &f) {
		t.Fatalf("got %v (%T), want a fault", err, err)
	}
	return f.Error() + " | " + f.Hint
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
}
