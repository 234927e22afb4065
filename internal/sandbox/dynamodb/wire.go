package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

const (
	targetPrefix = "DynamoDB_20120810."
	contentType  = "application/x-amz-json-1.0"
	typePrefix   = "com.amazonaws.dynamodb.v20120810#"
	coralPrefix  = "com.amazon.coral.validate#"
)

// decode reads a request strictly: a member that this service does not know is refused by name with
// 501, because carrying the call out without it would be a silent yes.
func decode(operation string, body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return serialization("")
	}
	var refused *cloud.Error
	var shape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &shape):
		return serialization(shape.Field)
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return notImplemented("%s with %s", operation, strings.Trim(name, `"`))
	}
	return serialization("")
}

// nested passes on the error of a value inside a value.
func nested(err error, kind string) error {
	var refused *cloud.Error
	if errors.As(err, &refused) {
		return refused
	}
	return serialization(kind)
}

func reply(status int, body any) cloud.Reply {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"__type":"`+typePrefix+`InternalServerError"}`)
	}
	return cloud.Reply{Status: status, Body: b, Header: http.Header{
		"Content-Type": {contentType},
		"X-Amz-Crc32":  {strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 10)},
	}}
}

// refusal renders an error as the protocol wants it. Two errors of the API's model spell the member
// Message, all others message.
func refusal(e *cloud.Error) cloud.Reply {
	prefix, member := typePrefix, "message"
	switch e.Code {
	case "ValidationException", "SerializationException":
		prefix = coralPrefix
	case "TransactionCanceledException", "IdempotentParameterMismatchException":
		member = "Message"
	}
	body := map[string]any{"__type": prefix + e.Code, member: e.Message}
	for name, field := range e.Fields {
		body[name] = field
	}
	r := reply(e.Status, body)
	if e.RetryAfter > 0 {
		r.Header.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	return r
}

func refuse(code, format string, args ...any) *cloud.Error {
	return &cloud.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func validation(format string, args ...any) *cloud.Error {
	return refuse("ValidationException", format, args...)
}

func serialization(where string) *cloud.Error {
	if where == "" {
		return refuse("SerializationException", "The request could not be read as JSON of the operation's shape")
	}
	return refuse("SerializationException", "Unexpected type of the member %s", where)
}

func notImplemented(format string, args ...any) *cloud.Error {
	e := refuse("NotImplementedException", "the sandbox does not implement "+format, args...)
	e.Status = http.StatusNotImplemented
	return e
}

// oneOf holds an enumeration's member to its values; "" is always let through.
func oneOf(member, given string, values ...string) error {
	if given == "" {
		return nil
	}
	for _, v := range values {
		if v == given {
			return nil
		}
	}
	return constraint(member, given, "Member must satisfy enum value set: [%s]", strings.Join(values, ", "))
}

func constraint(member, given, rule string, args ...any) error {
	return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", given, member, fmt.Sprintf(rule, args...))
}

func required(member string) error {
	return validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}
