package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// askViaInvoke answers an HTTP check by invoking the candidate, as API Gateway would have done.
func (k *Checks) askViaInvoke(ctx context.Context, q question, c promotion.HTTPCheck) finding {
	req, err := q.request(c)
	if err != nil {
		return finding{err: err}
	}
	expect, err := q.httpExpectation(c, req.secrets)
	if err != nil {
		return finding{err: err}
	}
	path, err := q.expand("path", c.Path)
	if err != nil {
		return finding{err: err}
	}
	payload, err := json.Marshal(newEvent(req, path, time.Now()))
	if err != nil {
		return finding{err: q.fault("the request cannot be written as JSON: "+err.Error(), "")}
	}
	if len(payload) > maxPayload {
		return finding{err: q.fault(fmt.Sprintf("the request has %d bytes as an event, Lambda takes %d", len(payload), maxPayload), "")}
	}
	a, attempts, err := k.invoke(ctx, q, payload, c.Within)
	f := finding{version: q.subject.Candidate.Version, attempts: attempts}
	var slow errTooSlow
	switch {
	case errors.As(err, &slow):
		f.verdict, f.reason = promotion.Fail, fmt.Sprintf("it had not answered after %s; it has to answer within %s", slow.after, allowed(c.Within))
		return f
	case err != nil:
		f.err = err
		return f
	}
	f.evidence = append(f.evidence, promotion.Evidence{Name: "took", Text: shownDuration(a.took)})
	f.judgeAnswer(ctx, expect, a, c.Within)
	if a.log != "" && f.verdict == promotion.Fail {
		f.evidence = append(f.evidence, req.secrets.tail("log tail", a.log))
	}
	return f
}

// judgeAnswer fills the finding from a function's answer.
func (f *finding) judgeAnswer(ctx context.Context, expect httpExpectation, a answer, within time.Duration) {
	f.verdict = promotion.Fail
	if a.functionError != "" {
		failure := a.failure()
		f.reason = fmt.Sprintf("the function failed with %s, which API Gateway answers with 500", failure.says(expect.secrets))
		f.hint = failureHint(failure.Type)
		f.evidence = append(f.evidence, expect.secrets.evidence("function error", failure.Type+": "+failure.Message))
		return
	}
	r, err := interpret(a.payload)
	if err != nil {
		f.reason = fmt.Sprintf("API Gateway would answer 500, since %s", err)
		f.hint = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html describes the form of an answer (payload format 2.0)"
		f.evidence = append(f.evidence, expect.secrets.evidence("answer", string(a.payload)))
		return
	}
	f.evidence = append(f.evidence, expect.evidence(r)...)
	f.reason, f.err = expect.judge(ctx, r)
	switch {
	case f.reason != "" || f.err != nil:
	case within > 0 && a.took > within:
		f.reason = fmt.Sprintf("it took %s; it has to answer within %s", shownDuration(a.took), within)
		f.hint = "the first invocation of a version includes its cold start"
	default:
		f.verdict = promotion.Pass
	}
}

// interpret reads a function's answer as API Gateway does with payload format 2.0. Without a statusCode it is
// the body of a 200. The error says why it would be a 500:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html.
func interpret(payload []byte) (response, error) {
	value, err := decodeJSON(payload)
	if err != nil {
		return response{}, errors.New("the answer is not JSON")
	}
	fields, object := value.(map[string]any)
	if _, formed := fields["statusCode"]; !object || !formed {
		body := payload
		if text, ok := value.(string); ok {
			body = []byte(text)
		}
		return bounded(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body), nil
	}
	status, err := statusOf(fields["statusCode"])
	if err != nil {
		return response{}, err
	}
	header, err := headerOf(fields)
	if err != nil {
		return response{}, err
	}
	body, err := bodyOf(fields)
	if err != nil {
		return response{}, err
	}
	return bounded(status, header, body), nil
}

// bounded makes a response with as much of the body as a check by URL would have read.
func bounded(status int, header http.Header, body []byte) response {
	return response{status: status, header: header, body: body[:min(len(body), maxBody)], truncated: len(body) > maxBody}
}

func statusOf(v any) (int, error) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 {
		return 0, errors.New("its statusCode is not a status")
	}
	return status, nil
}

func headerOf(fields map[string]any) (http.Header, error) {
	header := http.Header{}
	given, isObject := fields["headers"].(map[string]any)
	if fields["headers"] != nil && !isObject {
		return nil, errors.New("its headers are not an object")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch v := given[name].(type) {
		case string:
			header.Add(name, v)
		case json.Number:
			header.Add(name, v.String())
		case bool:
			header.Add(name, strconv.FormatBool(v))
		case nil:
		default:
			return nil, errors.New("one of its headers is neither text nor number")
		}
	}
	cookies, isList := fields["cookies"].([]any)
	if fields["cookies"] != nil && !isList {
		return nil, errors.New("its cookies are not a list")
	}
	for _, c := range cookies {
		text, ok := c.(string)
		if !ok {
			return nil, errors.New("one of its cookies is not text")
		}
		header.Add("Set-Cookie", text)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/plain;charset=utf-8")
	}
	return header, nil
}

func bodyOf(fields map[string]any) ([]byte, error) {
	encoded, isBool := fields["isBase64Encoded"].(bool)
	if fields["isBase64Encoded"] != nil && !isBool {
		return nil, errors.New("its isBase64Encoded is neither true nor false")
	}
	if fields["body"] == nil {
		return nil, nil
	}
	text, ok := fields["body"].(string)
	if !ok {
		return nil, errors.New("its body is not text: an object has to be written as a JSON text")
	}
	if !encoded {
		return []byte(text), nil
	}
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("its body is not base64, though isBase64Encoded is true")
	}
	return body, nil
}
