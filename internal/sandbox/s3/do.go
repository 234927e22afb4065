package s3

import (
	"context"
	"encoding/xml"
	"net/http"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// Do carries the call out.
func (s *Service) Do(_ context.Context, call cloud.Call) cloud.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, key := address(call.Request)
	if call.Operation == "CreateBucket" {
		return s.reply(call)(s.createBucket(call, name))
	}
	b, e := s.bucket(call.Account, call.Region, name)
	if e != nil {
		return s.Fail(call, e)
	}
	query := call.Request.URL.Query()
	answer := s.reply(call)
	switch call.Operation {
	case "HeadBucket":
		return cloud.Reply{Status: http.StatusOK, Header: http.Header{"X-Amz-Bucket-Region": {b.region}}}
	case "DeleteBucket":
		return answer(s.deleteBucket(b))
	case "GetBucketLocation":
		return answer(location(b), nil)
	case "GetBucketVersioning":
		return answer(versioning(b), nil)
	case "PutBucketVersioning":
		return answer(setVersioning(b, call.Body))
	case "ListObjectsV2":
		return answer(list(b, query.Get("prefix")), nil)
	case "PutObject":
		return answer(s.putObject(call, b, key))
	case "GetObject", "HeadObject":
		return answer(getObject(call, b, key))
	case "GetObjectAttributes":
		return answer(attributes(call, b, key))
	case "DeleteObject":
		return answer(s.deleteObject(b, key, query.Get("versionId")))
	case "CreateMultipartUpload":
		return answer(s.createUpload(call, b, key))
	case "UploadPart":
		return answer(uploadPart(call, b))
	case "CompleteMultipartUpload":
		return answer(s.completeUpload(call, b, key))
	}
	// Identify lets only one further operation through: AbortMultipartUpload.
	return answer(abortUpload(call, b))
}

// reply makes one answer out of a reply and an error.
func (s *Service) reply(call cloud.Call) func(cloud.Reply, *cloud.Error) cloud.Reply {
	return func(r cloud.Reply, e *cloud.Error) cloud.Reply {
		if e != nil {
			return s.Fail(call, e)
		}
		return r
	}
}

var bucketNames = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (s *Service) createBucket(call cloud.Call, name string) (cloud.Reply, *cloud.Error) {
	var wanted struct {
		LocationConstraint string
	}
	if len(call.Body) > 0 && xml.Unmarshal(call.Body, &wanted) != nil {
		return cloud.Reply{}, refuse(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	region := wanted.LocationConstraint
	if region == "" {
		region = "us-east-1"
	}
	switch {
	case !bucketNames.MatchString(name):
		return cloud.Reply{}, refuse(400, "InvalidBucketName", "The specified bucket is not valid.", "BucketName", name)
	case region != call.Region:
		return cloud.Reply{}, refuse(400, "IllegalLocationConstraintException", "The "+orUnspecified(wanted.LocationConstraint)+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	switch b := s.buckets[name]; {
	case b == nil:
	case b.account != call.Account:
		return cloud.Reply{}, refuse(409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.", "BucketName", name)
	default:
		return cloud.Reply{}, refuse(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", "BucketName", name)
	}
	s.buckets[name] = &bucket{
		name: name, account: call.Account, region: region, created: time.Now(),
		objects: map[string][]*version{}, uploads: map[string]*upload{},
	}
	return cloud.Reply{Status: http.StatusOK, Header: http.Header{"Location": {"/" + name}}}, nil
}

func orUnspecified(s string) string {
	if s == "" {
		return "unspecified"
	}
	return s
}

func (s *Service) deleteBucket(b *bucket) (cloud.Reply, *cloud.Error) {
	if len(b.objects) > 0 {
		return cloud.Reply{}, refuse(409, "BucketNotEmpty", "The bucket you tried to delete is not empty", "BucketName", b.name)
	}
	delete(s.buckets, b.name)
	return cloud.Reply{Status: http.StatusNoContent}, nil
}

func location(b *bucket) cloud.Reply {
	region := b.region
	if region == "us-east-1" {
		region = "" // S3 leaves its first region out
	}
	return xmlReply(http.StatusOK, "LocationConstraint", text(region))
}

func versioning(b *bucket) cloud.Reply {
	status := "Enabled"
	if b.suspended {
		status = "Suspended"
	}
	return xmlReply(http.StatusOK, "VersioningConfiguration", element("Status", status))
}

func setVersioning(b *bucket, body []byte) (cloud.Reply, *cloud.Error) {
	var wanted struct{ Status string }
	if xml.Unmarshal(body, &wanted) != nil || (wanted.Status != "Enabled" && wanted.Status != "Suspended") {
		return cloud.Reply{}, refuse(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	b.suspended = wanted.Status == "Suspended"
	return cloud.Reply{Status: http.StatusOK}, nil
}

func list(b *bucket, prefix string) cloud.Reply {
	var keys []string
	for key := range b.objects {
		if strings.HasPrefix(key, prefix) && b.latest(key) != nil {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	members := []string{element("Name", b.name), element("Prefix", prefix), element("KeyCount", number(len(keys))),
		element("MaxKeys", number(max(1000, len(keys)))), element("IsTruncated", "false")}
	for _, key := range keys {
		v := b.latest(key)
		members = append(members, "<Contents>"+element("Key", key)+element("LastModified", v.modified.UTC().Format(time.RFC3339))+
			element("ETag", v.etag)+element("Size", number(len(v.data)))+element("StorageClass", "STANDARD")+"</Contents>")
	}
	return xmlReply(http.StatusOK, "ListBucketResult", members...)
}
