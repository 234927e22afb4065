package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// DefaultRegion is the region that Env names.
const DefaultRegion = "eu-west-1"

// Env returns the variables that point an AWS client, and a GitHub workflow's tools, at the sandbox as
// its first account.
func (s *Server) Env() map[string]string {
	base, account := s.options.BaseURL, s.options.Accounts[0]
	env := map[string]string{
		"AWS_ENDPOINT_URL":               base,
		"AWS_ACCESS_KEY_ID":              account.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":          account.SecretAccessKey,
		"AWS_REGION":                     DefaultRegion,
		"AWS_DEFAULT_REGION":             DefaultRegion,
		"ACTIONS_ID_TOKEN_REQUEST_URL":   s.issuer.requestURL(base),
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": s.issuer.bearer,
		"GITHUB_REPOSITORY":              s.options.Repository,
	}
	maps.Copy(env, s.githubEnv)
	return env
}

// EnvFile returns the variables of Env as lines of NAME=value, in order of name.
func (s *Server) EnvFile() []byte {
	env := s.Env()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		b.WriteString(name + "=" + env[name] + "\n")
	}
	return []byte(b.String())
}

// Accounts returns the accounts with their access keys and roles.
func (s *Server) Accounts() []Account { return slices.Clone(s.options.Accounts) }

// BaseURL is where the sandbox is reached.
func (s *Server) BaseURL() string { return s.options.BaseURL }
