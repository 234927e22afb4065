package conformance_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// withIAM puts an IAM before the sandbox, which has none: roles with paths, tags and inline policies, in IAM's own
// protocol (https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html).
type withIAM struct {
	next http.RoundTripper

	mu    sync.Mutex
	roles map[string]*role
	made  int
}

type role struct {
	path, trust string
	tags        map[string]string
	policies    map[string]bool
}

func (w *withIAM) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return w.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Version") != "2010-05-08" {
		return w.next.RoundTrip(r)
	}
	status, result := w.answer(form)
	action := form.Get("Action")
	text := fmt.Sprintf(`<%[1]sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
	if status != http.StatusOK {
		text = fmt.Sprintf(`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>%s</Code><Message>refused</Message></Error></ErrorResponse>`, result)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func (w *withIAM) answer(form url.Values) (int, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := form.Get("RoleName")
	known := w.roles[name]
	switch form.Get("Action") {
	case "CreateRole":
		if known != nil {
			return http.StatusConflict, "EntityAlreadyExists"
		}
		made := &role{path: form.Get("Path"), trust: form.Get("AssumeRolePolicyDocument"), tags: map[string]string{}, policies: map[string]bool{}}
		for i := 1; form.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
			made.tags[form.Get(fmt.Sprintf("Tags.member.%d.Key", i))] = form.Get(fmt.Sprintf("Tags.member.%d.Value", i))
		}
		w.roles[name] = made
		w.made++
		return http.StatusOK, "<Role>" + made.xml(name) + "</Role>"
	case "ListRoles":
		list := ""
		for _, name := range slices.Sorted(maps.Keys(w.roles)) {
			if strings.HasPrefix(w.roles[name].path, form.Get("PathPrefix")) {
				list += "<member>" + w.roles[name].xml(name) + "</member>"
			}
		}
		return http.StatusOK, "<Roles>" + list + "</Roles><IsTruncated>false</IsTruncated>"
	}
	if known == nil {
		return http.StatusNotFound, "NoSuchEntity"
	}
	switch form.Get("Action") {
	case "PutRolePolicy":
		known.policies[form.Get("PolicyName")] = true
	case "DeleteRolePolicy":
		if !known.policies[form.Get("PolicyName")] {
			return http.StatusNotFound, "NoSuchEntity"
		}
		delete(known.policies, form.Get("PolicyName"))
	case "DeleteRole":
		if len(known.policies) > 0 {
			return http.StatusConflict, "DeleteConflict"
		}
		delete(w.roles, name)
	case "ListRoleTags":
		list := ""
		for key, value := range known.tags {
			list += "<member><Key>" + escaped(key) + "</Key><Value>" + escaped(value) + "</Value></member>"
		}
		return http.StatusOK, "<Tags>" + list + "</Tags><IsTruncated>false</IsTruncated>"
	default:
		return http.StatusNotImplemented, "NotImplemented"
	}
	return http.StatusOK, ""
}

func (r *role) xml(name string) string {
	return fmt.Sprintf("<RoleName>%s</RoleName><Path>%s</Path><Arn>arn:aws:iam::123456789012:role%s%s</Arn>", escaped(name), escaped(r.path), escaped(r.path), escaped(name))
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}
