// Package s3 is the sandbox's object store: buckets with versioning, objects with checksums, and the
// calls that deployment packages need.
//
// Buckets are created with versioning on, since everything that pins an object relies on it. A bucket's
// name is one for all accounts and regions, as on AWS; a call from another account is denied, one that
// was signed for another region is redirected. Access lists, policies, encryption and lifecycle are not
// modelled.
package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Service is the service "s3".
type Service struct {
	random func(n int) []byte

	mu      sync.Mutex
	buckets map[string]*bucket
}

// New returns a store without buckets. random is where version ids come from.
func New(random func(n int) []byte) *Service {
	return &Service{random: random, buckets: map[string]*bucket{}}
}

type bucket struct {
	name, account, region string
	created               time.Time
	suspended             bool
	objects               map[string][]*version // oldest first
	uploads               map[string]*upload
}

// A version is one version of an object, or the marker that hides the ones before it.
type version struct {
	id       string
	data     []byte
	etag     string
	modified time.Time
	deleted  bool // a delete marker
	header   http.Header
	sum      checksum
	parts    int // of a multipart upload
}

// latest returns the newest version, nil if there is none or it is deleted.
func (b *bucket) latest(key string) *version {
	list := b.objects[key]
	if len(list) == 0 || list[len(list)-1].deleted {
		return nil
	}
	return list[len(list)-1]
}

// put adds a version. Without versioning there is one, "null".
func (s *Service) put(b *bucket, key string, v *version) {
	v.id = "null"
	if !b.suspended {
		v.id = s.token()
		b.objects[key] = append(b.objects[key], v)
		return
	}
	var kept []*version
	for _, old := range b.objects[key] {
		if old.id != "null" {
			kept = append(kept, old)
		}
	}
	b.objects[key] = append(kept, v)
}

// token is a name of the kind that S3 gives to versions and uploads.
func (s *Service) token() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
	b := s.random(32)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

// Object returns the bytes of an object for services that take code from S3.
func (s *Service) Object(account, region, bucketName, key, versionID string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, e := s.bucket(account, region, bucketName)
	if e != nil {
		return nil, e
	}
	v, e := b.find(key, versionID)
	if e != nil {
		return nil, e
	}
	return v.data, nil
}

// bucket finds a bucket that the account may use from the region. The caller has the lock.
func (s *Service) bucket(account, region, name string) (*bucket, *cloud.Error) {
	b := s.buckets[name]
	switch {
	case b == nil:
		return nil, refuse(404, "NoSuchBucket", "The specified bucket does not exist", "BucketName", name)
	case b.account != account:
		return nil, refuse(403, "AccessDenied", "Access Denied")
	case b.region != region:
		return nil, refuse(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
			"Bucket", name, "Endpoint", name+".s3."+b.region+".amazonaws.com", "Region", b.region)
	}
	return b, nil
}

// find returns a version of an object; "" is the newest.
func (b *bucket) find(key, id string) (*version, *cloud.Error) {
	if id == "" {
		if v := b.latest(key); v != nil {
			return v, nil
		}
		return nil, refuse(404, "NoSuchKey", "The specified key does not exist.", "Key", key)
	}
	for _, v := range b.objects[key] {
		if v.id != id {
			continue
		}
		if v.deleted {
			return nil, refuse(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		}
		return v, nil
	}
	return nil, refuse(404, "NoSuchVersion", "The specified version does not exist.", "Key", key, "VersionId", id)
}

// refuse makes an error with further members, given as name and value in turn.
func refuse(status int, code, message string, members ...string) *cloud.Error {
	e := &cloud.Error{Status: status, Code: code, Message: message}
	for i := 0; i+1 < len(members); i += 2 {
		if e.Fields == nil {
			e.Fields = map[string]any{}
		}
		e.Fields[members[i]] = members[i+1]
	}
	return e
}

// Name is "s3".
func (s *Service) Name() string { return "s3" }

// address splits a request into bucket and key: from the host where that begins with a bucket's name
// ("bucket.s3.eu-west-1.amazonaws.com", "bucket.localhost"), else from the path.
func address(r *http.Request) (bucketName, key string) {
	host, _, _ := strings.Cut(r.Host, ":")
	path := strings.TrimPrefix(r.URL.Path, "/")
	for _, suffix := range []string{".localhost", ".amazonaws.com"} {
		if rest, ok := strings.CutSuffix(host, suffix); ok {
			name, _, found := strings.Cut(rest, ".s3")
			if suffix == ".localhost" || found {
				return name, path
			}
		}
	}
	bucketName, key, _ = strings.Cut(path, "/")
	return bucketName, key
}

// operations are S3's names by method, by what is addressed, and by the query member that decides.
var operations = []struct {
	method string
	object bool
	query  string
	name   string
}{
	{"GET", false, "location", "GetBucketLocation"},
	{"GET", false, "versioning", "GetBucketVersioning"},
	{"PUT", false, "versioning", "PutBucketVersioning"},
	{"GET", false, "list-type", "ListObjectsV2"},
	{"PUT", false, "", "CreateBucket"},
	{"HEAD", false, "", "HeadBucket"},
	{"DELETE", false, "", "DeleteBucket"},
	{"POST", true, "uploads", "CreateMultipartUpload"},
	{"PUT", true, "partNumber", "UploadPart"},
	{"POST", true, "uploadId", "CompleteMultipartUpload"},
	{"DELETE", true, "uploadId", "AbortMultipartUpload"},
	{"GET", true, "attributes", "GetObjectAttributes"},
	{"GET", true, "", "GetObject"},
	{"HEAD", true, "", "HeadObject"},
	{"PUT", true, "", "PutObject"},
	{"DELETE", true, "", "DeleteObject"},
}

// unsupported are members of the query that turn a request into one that is not implemented.
var unsupported = []string{"acl", "policy", "tagging", "lifecycle", "encryption", "cors", "website", "notification",
	"replication", "logging", "versions", "delete", "restore", "retention", "legal-hold", "torrent", "select"}

// Identify names the operation; the resource is "bucket/key".
func (s *Service) Identify(r *http.Request, _ []byte) (operation, resource string, ok bool) {
	name, key := address(r)
	resource = name
	if key != "" {
		resource += "/" + key
	}
	query := r.URL.Query()
	for _, member := range unsupported {
		if query.Has(member) {
			return r.Method + " ?" + member, resource, false
		}
	}
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		return "CopyObject", resource, false
	}
	if name == "" {
		return "ListBuckets", "", false
	}
	for _, op := range operations {
		if op.method == r.Method && op.object == (key != "") && (op.query == "" || query.Has(op.query)) {
			return op.name, resource, true
		}
	}
	return r.Method, resource, false
}

// Fail renders an error as XML. An answer to HEAD has no body.
func (s *Service) Fail(call cloud.Call, e *cloud.Error) cloud.Reply {
	var b strings.Builder
	b.WriteString(xml.Header + "<Error><Code>" + text(e.Code) + "</Code><Message>" + text(e.Message) + "</Message>")
	for _, name := range []string{"BucketName", "Bucket", "Key", "VersionId", "UploadId", "Endpoint", "Region"} {
		if value, ok := e.Fields[name].(string); ok {
			b.WriteString("<" + name + ">" + text(value) + "</" + name + ">")
		}
	}
	b.WriteString("<RequestId>SANDBOX</RequestId><HostId>sandbox</HostId></Error>")
	reply := cloud.Reply{Status: e.Status, Header: http.Header{"Content-Type": {"application/xml"}}, Body: []byte(b.String())}
	if region, ok := e.Fields["Region"].(string); ok {
		reply.Header.Set("X-Amz-Bucket-Region", region)
	}
	if call.Request != nil && call.Request.Method == http.MethodHead {
		reply.Body = nil
	}
	return reply
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

func xmlReply(status int, root string, members ...string) cloud.Reply {
	body := xml.Header + "<" + root + ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + strings.Join(members, "") + "</" + root + ">"
	return cloud.Reply{Status: status, Header: http.Header{"Content-Type": {"application/xml"}}, Body: []byte(body)}
}

func element(name, value string) string { return "<" + name + ">" + text(value) + "</" + name + ">" }

func number(n int) string { return strconv.Itoa(n) }
