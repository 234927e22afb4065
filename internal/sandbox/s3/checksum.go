package s3

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A checksum is what S3 keeps of an object's integrity. A COMPOSITE one is taken over the checksums of
// the parts and tells nothing about the whole's own digest.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
type checksum struct {
	algorithm string // "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"
	value     string
	composite bool
}

// crc64NVME is the table of the polynomial that NVMe uses, in reversed form.
var crc64NVME = crc64.MakeTable(0x9a6c9329ac4bc9b5)

var algorithms = map[string]func() hash.Hash{
	"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"CRC64NVME": func() hash.Hash { return crc64.New(crc64NVME) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
}

func sumOf(algorithm string, data []byte) []byte {
	h := algorithms[algorithm]()
	h.Write(data)
	return h.Sum(nil)
}

func (c checksum) header() string { return "X-Amz-Checksum-" + strings.ToLower(c.algorithm) }

func (c checksum) kind() string {
	if c.composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

func (c checksum) set(h http.Header) {
	if c.value == "" {
		return
	}
	h.Set(c.header(), c.value)
	h.Set("X-Amz-Checksum-Type", c.kind())
}

// payload returns the object's bytes out of a request, and their checksum: the one that the caller
// chose, which has to be right, else CRC64NVME, which S3 takes by itself.
func payload(call cloud.Call) ([]byte, checksum, *cloud.Error) {
	data, trailer, e := unchunk(call)
	if e != nil {
		return nil, checksum{}, e
	}
	header := call.Request.Header
	if md5 := header.Get("Content-Md5"); md5 != "" && md5 != md5Sum(data) {
		return nil, checksum{}, refuse(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	chosen := checksum{algorithm: strings.ToUpper(header.Get("X-Amz-Sdk-Checksum-Algorithm"))}
	for _, from := range []http.Header{header, trailer} {
		for name := range from {
			algorithm, ok := strings.CutPrefix(name, "X-Amz-Checksum-")
			if ok && algorithm != "Type" && algorithm != "Mode" && algorithm != "Algorithm" {
				chosen = checksum{algorithm: strings.ToUpper(algorithm), value: from.Get(name)}
			}
		}
	}
	if chosen.algorithm == "" {
		chosen.algorithm = "CRC64NVME"
	}
	if algorithms[chosen.algorithm] == nil {
		return nil, checksum{}, refuse(501, "NotImplemented", "the sandbox does not implement the checksum "+chosen.algorithm)
	}
	sum := base64.StdEncoding.EncodeToString(sumOf(chosen.algorithm, data))
	if chosen.value != "" && chosen.value != sum {
		return nil, checksum{}, refuse(400, "BadDigest", "The "+chosen.algorithm+" you specified did not match the calculated checksum.")
	}
	chosen.value = sum
	return data, chosen, nil
}

// unchunk undoes the aws-chunked encoding, in which today's SDKs send a checksum after the data.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unchunk(call cloud.Call) (data []byte, trailer http.Header, e *cloud.Error) {
	header := call.Request.Header
	if !strings.HasPrefix(header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return call.Body, nil, nil
	}
	incomplete := refuse(400, "IncompleteBody", "The request body terminated unexpectedly")
	rest := call.Body
	for {
		line, after, found := bytes.Cut(rest, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
		if !found || err != nil || n < 0 || int64(len(after)) < n {
			return nil, nil, incomplete
		}
		if n == 0 {
			rest = after
			break
		}
		data = append(data, after[:n]...)
		rest, found = bytes.CutPrefix(after[n:], []byte("\r\n"))
		if !found {
			return nil, nil, incomplete
		}
	}
	if length := header.Get("X-Amz-Decoded-Content-Length"); length != strconv.Itoa(len(data)) {
		return nil, nil, incomplete
	}
	trailer = http.Header{}
	for line := range strings.SplitSeq(string(rest), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			trailer.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	for name := range strings.SplitSeq(header.Get("X-Amz-Trailer"), ",") {
		if name = strings.TrimSpace(name); name != "" && trailer.Get(name) == "" {
			return nil, nil, refuse(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	return data, trailer, nil
}

// contentEncoding is the object's own encoding, without that of the transfer.
func contentEncoding(h http.Header) string {
	var kept []string
	for part := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(slices.Compact(kept), ",")
}
