package s3

import (
	"crypto/md5" //nolint:gosec // S3's ETag
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// An upload is an object that arrives in parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
type upload struct {
	key       string
	header    http.Header
	algorithm string
	composite bool
	parts     map[int]part
}

type part struct {
	data []byte
	etag string
	sum  checksum
}

// smallestPart is the least that a part may hold, unless it is the last one.
const smallestPart = 5 << 20

func (s *Service) createUpload(call cloud.Call, b *bucket, key string) (cloud.Reply, *cloud.Error) {
	h := call.Request.Header
	u := &upload{key: key, header: kept(h), algorithm: strings.ToUpper(h.Get("X-Amz-Checksum-Algorithm")), parts: map[int]part{}}
	if u.algorithm == "" {
		u.algorithm = "CRC64NVME"
	}
	if algorithms[u.algorithm] == nil {
		return cloud.Reply{}, refuse(501, "NotImplemented", "the sandbox does not implement the checksum "+u.algorithm)
	}
	kind := h.Get("X-Amz-Checksum-Type")
	sha := strings.HasPrefix(u.algorithm, "SHA")
	switch {
	case kind == "":
		u.composite = u.algorithm != "CRC64NVME"
	case kind == "FULL_OBJECT" && sha, kind == "COMPOSITE" && u.algorithm == "CRC64NVME":
		return cloud.Reply{}, refuse(400, "InvalidRequest", "The "+kind+" checksum type cannot be used with the "+strings.ToLower(u.algorithm)+" checksum algorithm.")
	default:
		u.composite = kind == "COMPOSITE"
	}
	id := s.token()
	b.uploads[id] = u
	reply := xmlReply(http.StatusOK, "InitiateMultipartUploadResult", element("Bucket", b.name), element("Key", key), element("UploadId", id))
	reply.Header.Set("X-Amz-Checksum-Algorithm", u.algorithm)
	return reply, nil
}

func (b *bucket) upload(call cloud.Call) (*upload, string, *cloud.Error) {
	id := call.Request.URL.Query().Get("uploadId")
	u := b.uploads[id]
	if u == nil {
		return nil, id, refuse(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", "UploadId", id)
	}
	return u, id, nil
}

func uploadPart(call cloud.Call, b *bucket) (cloud.Reply, *cloud.Error) {
	u, _, e := b.upload(call)
	if e != nil {
		return cloud.Reply{}, e
	}
	n, err := strconv.Atoi(call.Request.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > 10000 {
		return cloud.Reply{}, refuse(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	data, sum, e := payload(call)
	if e != nil {
		return cloud.Reply{}, e
	}
	p := part{data: data, etag: etag(data), sum: sum}
	u.parts[n] = p
	reply := cloud.Reply{Status: http.StatusOK, Header: http.Header{"Etag": {p.etag}}}
	reply.Header.Set(sum.header(), sum.value)
	return reply, nil
}

func (s *Service) completeUpload(call cloud.Call, b *bucket, key string) (cloud.Reply, *cloud.Error) {
	u, id, e := b.upload(call)
	if e != nil {
		return cloud.Reply{}, e
	}
	var wanted struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if xml.Unmarshal(call.Body, &wanted) != nil || len(wanted.Part) == 0 {
		return cloud.Reply{}, refuse(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	v := &version{modified: time.Now(), header: u.header, parts: len(wanted.Part)}
	var etags, sums []byte
	for i, w := range wanted.Part {
		p, ok := u.parts[w.PartNumber]
		switch {
		case !ok || strings.Trim(p.etag, `"`) != strings.Trim(w.ETag, `"`):
			return cloud.Reply{}, refuse(400, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i > 0 && w.PartNumber <= wanted.Part[i-1].PartNumber:
			return cloud.Reply{}, refuse(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		case i < len(wanted.Part)-1 && len(p.data) < smallestPart:
			return cloud.Reply{}, refuse(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		v.data = append(v.data, p.data...)
		sum := md5.Sum(p.data) //nolint:gosec // see the import
		etags = append(etags, sum[:]...)
		sums = append(sums, sumOf(u.algorithm, p.data)...)
	}
	sum := md5.Sum(etags) //nolint:gosec // see the import
	v.etag = fmt.Sprintf("\"%s-%d\"", hex.EncodeToString(sum[:]), v.parts)
	v.sum = checksum{algorithm: u.algorithm, composite: u.composite, value: base64.StdEncoding.EncodeToString(sumOf(u.algorithm, v.data))}
	if u.composite {
		v.sum.value = fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(sumOf(u.algorithm, sums)), v.parts)
	}
	delete(b.uploads, id)
	s.put(b, key, v)
	reply := xmlReply(http.StatusOK, "CompleteMultipartUploadResult",
		element("Location", "/"+b.name+"/"+key), element("Bucket", b.name), element("Key", key), element("ETag", v.etag),
		element("Checksum"+v.sum.algorithm, v.sum.value), element("ChecksumType", v.sum.kind()))
	b.nameVersion(reply.Header, v)
	return reply, nil
}

func abortUpload(call cloud.Call, b *bucket) (cloud.Reply, *cloud.Error) {
	_, id, e := b.upload(call)
	if e != nil {
		return cloud.Reply{}, e
	}
	delete(b.uploads, id)
	return cloud.Reply{Status: http.StatusNoContent}, nil
}
