package s3

import (
	"crypto/md5" //nolint:gosec // S3's ETag
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

func md5Sum(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

func etag(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see the import
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// kept are the headers of a PUT that come back with each GET.
func kept(h http.Header) http.Header {
	keep := http.Header{"Content-Type": {"binary/octet-stream"}}
	for name, values := range h {
		switch {
		case name == "Content-Type", name == "Cache-Control", name == "Content-Disposition", name == "Content-Language",
			strings.HasPrefix(name, "X-Amz-Meta-"):
			keep[name] = values
		}
	}
	if encoding := contentEncoding(h); encoding != "" {
		keep.Set("Content-Encoding", encoding)
	}
	return keep
}

func (s *Service) putObject(call cloud.Call, b *bucket, key string) (cloud.Reply, *cloud.Error) {
	if e := condition(call.Request.Header, b.latest(key)); e != nil {
		return cloud.Reply{}, e
	}
	data, sum, e := payload(call)
	if e != nil {
		return cloud.Reply{}, e
	}
	v := &version{data: data, etag: etag(data), modified: time.Now(), header: kept(call.Request.Header), sum: sum}
	s.put(b, key, v)
	reply := cloud.Reply{Status: http.StatusOK, Header: http.Header{"Etag": {v.etag}}}
	b.nameVersion(reply.Header, v)
	sum.set(reply.Header)
	return reply, nil
}

// condition honours If-None-Match: * and If-Match of a write.
func condition(h http.Header, present *version) *cloud.Error {
	failed := refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	if h.Get("If-None-Match") == "*" && present != nil {
		return failed
	}
	if match := h.Get("If-Match"); match != "" && (present == nil || strings.Trim(present.etag, `"`) != strings.Trim(match, `"`)) {
		return failed
	}
	return nil
}

// nameVersion says which version an answer is about, where the bucket has versions.
func (b *bucket) nameVersion(h http.Header, v *version) {
	if !b.suspended || v.id != "null" {
		h.Set("X-Amz-Version-Id", v.id)
	}
}

func getObject(call cloud.Call, b *bucket, key string) (cloud.Reply, *cloud.Error) {
	v, e := b.find(key, call.Request.URL.Query().Get("versionId"))
	if e != nil {
		return cloud.Reply{}, e
	}
	asked := call.Request.Header
	if e := condition(http.Header{"If-Match": asked.Values("If-Match")}, v); e != nil {
		return cloud.Reply{}, e
	}
	reply := cloud.Reply{Status: http.StatusOK, Header: v.header.Clone(), Body: v.data}
	h := reply.Header
	h.Set("Etag", v.etag)
	h.Set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	b.nameVersion(h, v)
	if match := asked.Get("If-None-Match"); match != "" && strings.Trim(match, `"`) == strings.Trim(v.etag, `"`) {
		return cloud.Reply{Status: http.StatusNotModified, Header: h}, nil
	}
	if spec := asked.Get("Range"); spec != "" {
		first, last, ok := span(spec, len(v.data))
		if !ok {
			return cloud.Reply{}, refuse(416, "InvalidRange", "The requested range is not satisfiable")
		}
		reply.Status, reply.Body = http.StatusPartialContent, v.data[first:last+1]
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(v.data)))
	} else if strings.EqualFold(asked.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		v.sum.set(h)
	}
	if v.parts > 0 && call.Operation == "HeadObject" && call.Request.URL.Query().Has("partNumber") {
		h.Set("X-Amz-Mp-Parts-Count", number(v.parts))
	}
	h.Set("Content-Length", number(len(reply.Body)))
	if call.Operation == "HeadObject" {
		reply.Body = nil
	}
	return reply, nil
}

// span reads one range of bytes. A range in a form that HTTP does not know is the whole object.
func span(spec string, size int) (first, last int, ok bool) {
	from, to, found := strings.Cut(strings.TrimPrefix(spec, "bytes="), "-")
	if !found || !strings.HasPrefix(spec, "bytes=") {
		return 0, size - 1, size > 0
	}
	if from == "" {
		n, err := strconv.Atoi(to)
		return max(0, size-n), size - 1, err == nil && n > 0 && size > 0
	}
	first, err := strconv.Atoi(from)
	if err != nil || first >= size {
		return 0, 0, false
	}
	last = size - 1
	if to != "" {
		n, err := strconv.Atoi(to)
		if err != nil || n < first {
			return 0, 0, false
		}
		last = min(last, n)
	}
	return first, last, true
}

func attributes(call cloud.Call, b *bucket, key string) (cloud.Reply, *cloud.Error) {
	v, e := b.find(key, call.Request.URL.Query().Get("versionId"))
	if e != nil {
		return cloud.Reply{}, e
	}
	wanted := strings.Join(call.Request.Header.Values("X-Amz-Object-Attributes"), ",")
	if wanted == "" {
		return cloud.Reply{}, refuse(400, "InvalidArgument", "Invalid attribute name specified.")
	}
	var members []string
	for name := range strings.SplitSeq(wanted, ",") {
		switch strings.TrimSpace(name) {
		case "ETag":
			members = append(members, element("ETag", strings.Trim(v.etag, `"`)))
		case "Checksum":
			members = append(members, "<Checksum>"+element("Checksum"+v.sum.algorithm, v.sum.value)+element("ChecksumType", v.sum.kind())+"</Checksum>")
		case "ObjectParts":
			if v.parts > 0 {
				members = append(members, "<ObjectParts>"+element("PartsCount", number(v.parts))+"</ObjectParts>")
			}
		case "ObjectSize":
			members = append(members, element("ObjectSize", number(len(v.data))))
		case "StorageClass":
			members = append(members, element("StorageClass", "STANDARD"))
		default:
			return cloud.Reply{}, refuse(400, "InvalidArgument", "Invalid attribute name specified.")
		}
	}
	reply := xmlReply(http.StatusOK, "GetObjectAttributesResponse", members...)
	reply.Header.Set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	b.nameVersion(reply.Header, v)
	return reply, nil
}

// deleteObject hides the object behind a marker, or removes one version for good.
func (s *Service) deleteObject(b *bucket, key, id string) (cloud.Reply, *cloud.Error) {
	reply := cloud.Reply{Status: http.StatusNoContent, Header: http.Header{}}
	if id == "" {
		marker := &version{deleted: true, modified: time.Now()}
		s.put(b, key, marker)
		reply.Header.Set("X-Amz-Delete-Marker", "true")
		b.nameVersion(reply.Header, marker)
		return reply, nil
	}
	var left []*version
	for _, v := range b.objects[key] {
		if v.id != id {
			left = append(left, v)
		}
	}
	b.objects[key] = left
	if len(left) == 0 {
		delete(b.objects, key)
	}
	reply.Header.Set("X-Amz-Version-Id", id)
	return reply, nil
}
