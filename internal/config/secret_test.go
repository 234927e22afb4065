package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/config"
)

func TestSecretHeaderReachesTheCheckAndTheMaskAndNoText(t *testing.T) {
	const secret = "s3cr3t-value"
	result, faults := config.Load(config.Source{
		File: config.File{Name: config.DefaultFile, Data: []byte("functions: {a: {artifact: none}}\nenvironments: {prod: {region: eu-west-1}}\n" +
			"verify: [{http: {url: \"https://example.com\", headers: {x-api-key: {env: API_KEY}}}}]\n")},
		Getenv:     func(name string) string { return map[string]string{"API_KEY": secret}[name] },
		Repository: "acme/shop",
	})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if got := result.Request.Checks[0].HTTP.Headers[0].Secret.Reveal(); got != secret {
		t.Errorf("the check sends %q", got)
	}
	if len(result.Settings.Secrets) != 1 || result.Settings.Secrets[0].Reveal() != secret {
		t.Errorf("%d secrets would be masked", len(result.Settings.Secrets))
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %q", result, result.Settings, result.Settings.Secrets, result.Settings.Secrets), show(t, result.Targets)} {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is shown: %s", text)
		}
	}
}

func TestFileThatCannotBeReadIsOneFault(t *testing.T) {
	_, faults := config.Load(config.Source{File: config.File{Name: config.DefaultFile, Err: &fs.PathError{Op: "read", Path: config.DefaultFile, Err: errors.New("is a directory")}}})
	if len(faults) != 1 || faults[0].Where.File != config.DefaultFile || !strings.Contains(faults[0].Error(), "is a directory") {
		t.Errorf("the faults are %v", faults)
	}
}

func TestWholeFileOfManyFunctionsIsReadInTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("app: shop\nenvironments: {prod: {region: eu-west-1}}\nfunctions:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  f%d: {artifact: dist/f%d/, name: \"{{.App}}-f%d-{{.Environment}}\"}\n", i, i, i)
	}
	b.WriteString("verify:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  - http: {function: f%d, path: /health, via: invoke, expect: {status: 200, json: '.version == \"{{.Commit}}\"'}}\n", i)
	}
	result, faults := config.Load(config.Source{File: config.File{Name: config.DefaultFile, Data: []byte(b.String())}, Commit: testCommit})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if len(result.Request.Functions) != 500 || len(result.Request.Checks) != 500 {
		t.Errorf("%d functions and %d checks", len(result.Request.Functions), len(result.Request.Checks))
	}
}
