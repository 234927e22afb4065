package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func TestFaultsOverHTTP(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	shop(t, c)
	t.Run("are armed, listed, released and cleared", func(t *testing.T) {
		var armed struct{ ID string }
		control(t, c, "POST", "faults", `{"kind":"hold","service":"lambda","operation":"UpdateAlias","resource":"orders"}`, 201, &armed)
		late := make(chan error)
		go func() { late <- move(t.Context(), c, "prod", "2") }()
		if err := c.Server().Held(t.Context(), armed.ID); err != nil {
			t.Fatal(err)
		}
		control(t, c, "POST", "faults/"+armed.ID+"/release", "", 204, nil)
		if err := <-late; err != nil {
			t.Error(err)
		}
		control(t, c, "POST", "faults", `{"kind":"delay","delay":"1ms","nth":2,"count":-1}`, 201, nil)
		var list []map[string]any
		control(t, c, "GET", "faults", "", 200, &list)
		if len(list) != 2 || list[0]["fired"] != 1.0 || list[0]["released"] != true || list[1]["delay"] != "1ms" || list[1]["kind"] != "delay" {
			t.Errorf("list %v", list)
		}
		control(t, c, "DELETE", "faults", "", 204, nil)
		control(t, c, "GET", "faults", "", 200, &list)
		if len(list) != 0 {
			t.Errorf("list %v", list)
		}
		control(t, c, "POST", "faults/"+armed.ID+"/release", "", 404, nil)
	})
	for body, want := range map[string]string{
		`{"kind":"explode"}`:                                           `kind "explode": one of fail-before, fail-after,`,
		`{}`:                                                           `kind ""`,
		`{"kind":"hold","operations":"X"}`:                             `unknown field "operations"`,
		`{"kind":"hold","status":500}`:                                 "status: does not go with kind hold",
		`{"kind":"fail-before","status":200}`:                          "status 200: a status from 400 to 599 is needed",
		`{"kind":"fail-before","nth":-1}`:                              "nth -1",
		`{"kind":"fail-before","count":-2}`:                            "count -2",
		`{"kind":"delay"}`:                                             "delay: a duration",
		`{"kind":"delay","delay":"soon"}`:                              `delay "soon": a duration`,
		`{"kind":"foreign-write"}`:                                     "write: an operation with its parameters is needed",
		`{"kind":"end-failed","service":"s3"}`:                         `service "s3": kind end-failed is for calls of lambda`,
		`{"kind":"hold"} {"kind":"hold"}`:                              "something after the JSON document",
		`nonsense`:                                                     "invalid character",
		`{"kind":"foreign-write","write":{"operation":"Explode"}}`:     `write.operation "Explode": another writer can use`,
		`{"kind":"foreign-write","write":{"operation":"UpdateAlias"}}`: "UpdateAlias needs FunctionName",
		`{"kind":"foreign-write","write":{"operation":"UpdateAlias","when":"never"}}`:   `write.when "never"`,
		`{"kind":"foreign-write","write":{"service":"s3","operation":"PutObject"}}`:     `write.service "s3"`,
		`{"kind":"foreign-write","write":{"operation":"UpdateAlias","principal":"me"}}`: `unknown field "principal"`,
	} {
		t.Run("refused: "+body, func(t *testing.T) {
			var answer struct{ Message string }
			control(t, c, "POST", "faults", body, 400, &answer)
			if !strings.Contains(answer.Message, want) {
				t.Errorf("said %q, want %q in it", answer.Message, want)
			}
		})
	}
}

// control calls the sandbox's own API.
func control(t *testing.T, c *sandboxtest.Cloud, method, path, body string, status int, v any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.URL()+"/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got.StatusCode != status {
		t.Errorf("%s %s answered %d: %s", method, path, got.StatusCode, text)
	}
	if v != nil {
		if err := json.Unmarshal(text, v); err != nil {
			t.Errorf("%s %s answered %s: %v", method, path, text, err)
		}
	}
}
