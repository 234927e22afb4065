package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A urlConfig is the function URL of a function or an alias.
type urlConfig struct {
	id                string
	function          *function
	qualifier         string // "" or an alias
	auth, mode        string // mode "" is BUFFERED, which Create and Update do not mention; recorded so
	cors              json.RawMessage
	created, modified time.Time
}

type urlInput struct {
	AuthType, InvokeMode *string
	Cors                 *json.RawMessage
}

func (in urlInput) check(c *checker) {
	c.oneOf("authType", in.AuthType, "NONE", "AWS_IAM")
	c.oneOf("invokeMode", in.InvokeMode, "RESPONSE_STREAM", "BUFFERED")
}

func (in urlInput) apply(u *urlConfig) {
	set(&u.auth, in.AuthType)
	set(&u.mode, in.InvokeMode)
	if in.Cors != nil {
		u.cors = *in.Cors
		if string(u.cors) == "{}" {
			u.cors = nil
		}
	}
}

func urlTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (s *Service) urlDocument(u *urlConfig) map[string]any {
	doc := map[string]any{
		"FunctionUrl":  s.options.BaseURL + urlPrefix + u.id + "/",
		"FunctionArn":  u.function.qualified(u.qualifier),
		"AuthType":     u.auth,
		"CreationTime": urlTime(u.created),
	}
	if u.cors != nil {
		doc["Cors"] = u.cors
	}
	if u.mode != "" {
		doc["InvokeMode"] = u.mode
	}
	return doc
}

// urlFully is the document of Get and List, which say everything.
func (s *Service) urlFully(u *urlConfig) map[string]any {
	doc := s.urlDocument(u)
	doc["LastModifiedTime"] = urlTime(u.modified)
	if u.mode == "" {
		doc["InvokeMode"] = "BUFFERED"
	}
	return doc
}

// urlTarget finds what a URL call is about: a function or one of its aliases. Which words refuse what does
// not exist differs by operation.
func (s *Service) urlTarget(r *request, c *checker, nothing error) (*function, string, error) {
	id, err := r.identify(c, plainName, urlQualifier)
	if err != nil {
		return nil, "", err
	}
	f := s.find(r, id.name)
	if f == nil || id.qualifier != "" && f.aliases[id.qualifier] == nil {
		return nil, "", nothing
	}
	return f, id.qualifier, nil
}

func (s *Service) createURL(_ context.Context, r *request) (cloud.Reply, error) {
	var in urlInput
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	c.required("authType", in.AuthType != nil)
	in.check(c)
	f, qualifier, err := s.urlTarget(r, c, noFunction())
	if err != nil {
		return cloud.Reply{}, err
	}
	if f.urls[qualifier] != nil {
		return cloud.Reply{}, conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", f.qualified(qualifier))
	}
	u := &urlConfig{id: s.urlID(), function: f, qualifier: qualifier, created: r.now, modified: r.now}
	in.apply(u)
	f.urls[qualifier] = u
	s.urls[u.id] = u
	return answer(http.StatusCreated, s.urlDocument(u)), nil
}

// urlID is 32 characters, as on AWS, where they are the first label of the host.
func (s *Service) urlID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	id := make([]byte, 32)
	for i := range id {
		id[i] = letters[s.random.IntN(len(letters))]
	}
	return string(id)
}

// url finds an existing URL.
func (s *Service) url(r *request, c *checker) (*urlConfig, error) {
	f, qualifier, err := s.urlTarget(r, c, nothingThere())
	if err != nil {
		return nil, err
	}
	if u := f.urls[qualifier]; u != nil {
		return u, nil
	}
	return nil, nothingThere()
}

func (s *Service) getURL(_ context.Context, r *request) (cloud.Reply, error) {
	u, err := s.url(r, &checker{})
	if err != nil {
		return cloud.Reply{}, err
	}
	return answer(http.StatusOK, s.urlFully(u)), nil
}

func (s *Service) updateURL(_ context.Context, r *request) (cloud.Reply, error) {
	var in urlInput
	if err := decode(r.Body, &in); err != nil {
		return cloud.Reply{}, err
	}
	c := &checker{}
	in.check(c)
	u, err := s.url(r, c)
	if err != nil {
		return cloud.Reply{}, err
	}
	in.apply(u)
	u.modified = r.now
	doc := s.urlDocument(u)
	doc["LastModifiedTime"] = urlTime(u.modified)
	return answer(http.StatusOK, doc), nil
}

func (s *Service) deleteURL(_ context.Context, r *request) (cloud.Reply, error) {
	u, err := s.url(r, &checker{})
	if err != nil {
		return cloud.Reply{}, err
	}
	delete(u.function.urls, u.qualifier)
	delete(s.urls, u.id)
	return noContent(), nil
}

func (s *Service) listURLs(_ context.Context, r *request) (cloud.Reply, error) {
	c := &checker{}
	page, err := r.page(c, 50, 50)
	if err != nil {
		return cloud.Reply{}, err
	}
	id, err := r.unqualified(c, plainName)
	if err != nil {
		return cloud.Reply{}, err
	}
	f := s.find(r, id.name)
	if f == nil {
		return cloud.Reply{}, noFunction()
	}
	var items []item
	for _, u := range sortedURLs(f.urls) {
		items = append(items, item{"q" + u.qualifier, s.urlFully(u)}) // no key is empty
	}
	return page.answer("FunctionUrlConfigs", items)
}
