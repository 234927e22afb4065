package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// response turns what a function returned into a response: as it says if there is a statusCode, else
// status 200 with the answer as the body. It says false for an answer that API Gateway cannot use.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func response(payload []byte) (cloud.Reply, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil || members["statusCode"] == nil {
		return inferred(payload)
	}
	status, ok := statusCode(members["statusCode"])
	if !ok {
		return cloud.Reply{}, false
	}
	r := cloud.Reply{Status: status, Header: http.Header{}}
	var fields map[string]any
	if !optionalMember(members["headers"], &fields) {
		return cloud.Reply{}, false
	}
	for name, value := range fields {
		if text, ok := scalar(value); ok {
			r.Header.Set(name, text)
		} else {
			return cloud.Reply{}, false
		}
	}
	var cookies []string
	var body string
	var encoded bool
	if !optionalMember(members["cookies"], &cookies) || !optionalMember(members["body"], &body) || !optionalMember(members["isBase64Encoded"], &encoded) {
		return cloud.Reply{}, false
	}
	for _, cookie := range cookies {
		r.Header.Add("Set-Cookie", cookie)
	}
	r.Body = []byte(body)
	if encoded {
		var err error
		if r.Body, err = base64.StdEncoding.DecodeString(body); err != nil {
			return cloud.Reply{}, false
		}
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	// The length of what is sent is known here better than to the function.
	r.Header.Del("Content-Length")
	return r, true
}

// inferred is the response to an answer without a statusCode. A JSON string is the body itself.
func inferred(payload []byte) (cloud.Reply, bool) {
	if !json.Valid(payload) {
		return cloud.Reply{}, false
	}
	body := payload
	var text string
	if json.Unmarshal(payload, &text) == nil && !bytes.Equal(bytes.TrimSpace(payload), []byte("null")) {
		body = []byte(text)
	}
	return cloud.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, true
}

func statusCode(raw json.RawMessage) (int, bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	status, err := strconv.Atoi(text)
	return status, err == nil && status >= 200 && status <= 599
}

// optionalMember decodes a member that may be absent or null.
func optionalMember(raw json.RawMessage, v any) bool {
	return raw == nil || json.Unmarshal(raw, v) == nil
}

// scalar is a header's value: a string, a number or a boolean.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}
