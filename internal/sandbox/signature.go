package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

const signatureAlgorithm = "AWS4-HMAC-SHA256"

// maxSkew is how far the date of a signature may be from the sandbox's clock, as on AWS.
const maxSkew = 15 * time.Minute

// A signature is what a request says about who sent it: Signature Version 4, in the Authorization
// header or, for a presigned URL, in the query.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signature struct {
	accessKey, day, region, service string

	signedHeaders []string
	value         string
	date          time.Time
	token         string
	payload       string // the payload's hash as signed
	presigned     bool
	expires       time.Duration
}

// malformed is what AWS says of a signature that cannot be read.
type malformed string

func (m malformed) Error() string { return string(m) }

// readSignature returns the request's signature, nil if it has none, and an error if it has one that
// cannot be read.
func readSignature(r *http.Request, body []byte) (*signature, error) {
	if r.URL.Query().Get("X-Amz-Algorithm") == signatureAlgorithm {
		return readPresigned(r.URL.Query(), body)
	}
	header := r.Header.Get("Authorization")
	rest, ok := strings.CutPrefix(header, signatureAlgorithm)
	if !ok {
		return nil, nil
	}
	s := &signature{token: r.Header.Get("X-Amz-Security-Token")}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			if err := s.scope(value); err != nil {
				return nil, err
			}
		case "SignedHeaders":
			s.signedHeaders = strings.Split(value, ";")
		case "Signature":
			s.value = value
		}
	}
	if s.accessKey == "" || s.value == "" || len(s.signedHeaders) == 0 {
		return nil, malformed("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.")
	}
	date, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, malformed("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	s.date = date
	s.payload = r.Header.Get("X-Amz-Content-Sha256")
	if s.payload == "" {
		s.payload = hexSHA256(body)
	}
	return s, nil
}

func readPresigned(q url.Values, body []byte) (*signature, error) {
	s := &signature{
		presigned:     true,
		value:         q.Get("X-Amz-Signature"),
		signedHeaders: strings.Split(q.Get("X-Amz-SignedHeaders"), ";"),
		token:         q.Get("X-Amz-Security-Token"),
		payload:       "UNSIGNED-PAYLOAD",
	}
	if err := s.scope(q.Get("X-Amz-Credential")); err != nil {
		return nil, err
	}
	date, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return nil, malformed("X-Amz-Date must be in the ISO8601 Long Format.")
	}
	s.date = date
	if s.service != "s3" {
		s.payload = hexSHA256(body)
	}
	if v := q.Get("X-Amz-Expires"); v != "" {
		seconds, err := time.ParseDuration(v + "s")
		if err != nil {
			return nil, malformed("X-Amz-Expires should be a number.")
		}
		s.expires = seconds
	}
	return s, nil
}

func (s *signature) scope(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return malformed("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	s.accessKey, s.day, s.region, s.service = parts[0], parts[1], parts[2], parts[3]
	return nil
}

// expired says whether the signature is too old, or from the future.
func (s *signature) expired(now time.Time) bool {
	if s.presigned && s.expires > 0 {
		return now.Before(s.date.Add(-maxSkew)) || now.After(s.date.Add(s.expires))
	}
	age := now.Sub(s.date)
	return age > maxSkew || age < -maxSkew
}

// madeWith says whether the signature was made with this secret over this request.
func (s *signature) madeWith(secret string, r *http.Request, body []byte) bool {
	if len(s.payload) == sha256.Size*2 && !strings.EqualFold(s.payload, hexSHA256(body)) {
		// The caller signed another body than the one that arrived.
		return false
	}
	canonical := strings.Join([]string{
		r.Method,
		canonicalPath(r.URL, s.service),
		canonicalQuery(r.URL.Query()),
		canonicalHeaders(r, s.signedHeaders),
		strings.Join(s.signedHeaders, ";"),
		s.payload,
	}, "\n")
	toSign := strings.Join([]string{
		signatureAlgorithm,
		s.date.Format("20060102T150405Z"),
		strings.Join([]string{s.day, s.region, s.service, "aws4_request"}, "/"),
		hexSHA256([]byte(canonical)),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.day, s.region, s.service, "aws4_request", toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hmac.Equal([]byte(hex.EncodeToString(key)), []byte(s.value))
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalPath escapes the path as it was sent once more, except for S3, which signs it as sent.
func canonicalPath(u *url.URL, service string) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if service == "s3" {
		return path
	}
	return escape(path, true)
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, escape(name, false)+"="+escape(value, false))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		switch strings.ToLower(name) {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{fmt.Sprint(r.ContentLength)}
		}
		b.WriteString(strings.ToLower(name) + ":")
		for i, value := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.Join(strings.Fields(value), " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// escape percent-encodes everything but RFC 3986's unreserved characters and, if keepSlash, "/".
func escape(s string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
