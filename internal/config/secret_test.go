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

func TestSecretsAmongTheInputsReachTheMaskAndNoText(t *testing.T) {
	secrets := map[string]string{"notify-webhook": "https://hooks.example.com/services/T0/B0/s3cr3t", "github-token": "ghs_s3cr3t"}
	inputs := map[string]config.Input{"function": {Value: "a"}, "artifact": {Value: "none"}, "environment": {Value: "prod"}, "region": {Value: "eu-west-1"}}
	for name, value := range secrets {
		inputs[name] = config.Input{Value: value}
	}
	result, faults := config.Load(config.Source{Inputs: inputs, LockOwner: "owner-s3cr3t"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	s := result.Settings
	if s.Reporting.Notify.Webhook.Reveal() != secrets["notify-webhook"] || s.GitHubToken.Reveal() != secrets["github-token"] || result.Request.LockOwner.Reveal() != "owner-s3cr3t" {
		t.Error("not every secret reaches who needs it")
	}
	if len(s.Secrets) != 3 {
		t.Errorf("%d secrets would be masked", len(s.Secrets))
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", result, s, s.Reporting), show(t, result.Targets)} {
		if strings.Contains(text, "s3cr3t") {
			t.Errorf("a secret is shown: %s", text)
		}
	}
}

func TestFaultOfASecretDoesNotShowIt(t *testing.T) {
	for name, values := range map[string][]string{
		"notify-webhook": {"http://hooks.example.com/s3cr3t", "s3cr3t", "https://s3cr3t:x/", "https://hooks.example.com/ s3cr3t", "https://%zzs3cr3t", "s3cr3t://x"},
		"github-token":   {"ghs_ s3cr3t", "ghs_s3cr3t\nx"},
	} {
		for _, value := range values {
			_, faults := config.Load(config.Source{Inputs: map[string]config.Input{
				name: {Value: value}, "function": {Value: "a"}, "artifact": {Value: "none"}, "environment": {Value: "prod"}, "region": {Value: "eu-west-1"},
			}})
			if len(faults) != 1 {
				t.Errorf("%s %q has the faults %v", name, value, faults)
			}
			for _, f := range faults {
				if strings.Contains(fmt.Sprintf("%+v", f), "s3cr3t") {
					t.Errorf("the fault shows the secret: %+v", f)
				}
			}
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
