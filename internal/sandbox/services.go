package sandbox

import (
	"fmt"
	"io"
	"strings"

	"github.com/promote-on-success/promote/internal/sandbox/apigateway"
	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/dynamodb"
	"github.com/promote-on-success/promote/internal/sandbox/ecr"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/lambda"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/s3"
	"github.com/promote-on-success/promote/internal/sandbox/sns"
	"github.com/promote-on-success/promote/internal/sandbox/sts"
)

// addServices makes the services and lets those that need each other meet.
func (s *Server) addServices() {
	o := s.options
	objects, images := s3.New(s.random.Bytes), ecr.New()
	s.sts = sts.New(sts.Options{Tokens: s.issuer, Add: s.ids.add, Random: s.random.Bytes})
	for _, account := range o.Accounts {
		for _, role := range account.Roles {
			s.sts.SetRole(role)
		}
	}
	run := o.Runner
	if run == nil {
		processes := runner.NewProcess()
		processes.Env = map[string]string{
			"AWS_ENDPOINT_URL":      o.BaseURL,
			"AWS_ACCESS_KEY_ID":     o.Accounts[0].AccessKeyID,
			"AWS_SECRET_ACCESS_KEY": o.Accounts[0].SecretAccessKey,
		}
		run = processes
		s.closers = append(s.closers, processes)
	}
	s.lambda = lambda.New(lambda.Options{
		UpdateTime: o.UpdateTime, Seed: o.Seed, Runner: run, BaseURL: o.BaseURL, Objects: objects, Images: images,
	})
	// Processes end after what runs on them.
	s.closers = append([]io.Closer{s.lambda}, s.closers...)
	gateway := apigateway.New(apigateway.Options{BaseURL: o.BaseURL, Invoker: s.lambda, Random: s.random.Bytes})
	tables := dynamodb.New(dynamodb.Options{CreateTime: o.UpdateTime, DeleteTime: o.UpdateTime})
	s.topics = sns.New(s.random.Bytes)
	s.services = map[string]cloud.Service{}
	for _, service := range []cloud.Service{s.lambda, s.lambda.URLs(), gateway.Control(), gateway.Data(), tables, objects, images, s.topics, s.sts} {
		s.services[service.Name()] = service
	}
}

// githubPrefix is where GitHub is served, laid out as on a GitHub Enterprise Server.
const githubPrefix = "/_github"

// addGitHub makes a GitHub with one repository and the token of a job in it.
func (s *Server) addGitHub() error {
	owner, name, ok := strings.Cut(s.options.Repository, "/")
	if !ok || owner == "" || name == "" {
		return fmt.Errorf("repository %q: owner/name is needed", s.options.Repository)
	}
	base := s.options.BaseURL + githubPrefix
	s.github = github.New(github.Options{Prefix: githubPrefix, URL: base})
	if err := s.github.AddRepository(github.Repository{Owner: owner, Name: name}); err != nil {
		return err
	}
	token := fmt.Sprintf("ghs_%x", s.random.Bytes(18))
	if err := s.github.AddToken(github.Token{Value: token, Permissions: github.ReadWrite(), Repositories: []string{s.options.Repository}}); err != nil {
		return err
	}
	s.githubEnv = map[string]string{
		"GITHUB_API_URL":     base + "/api/v3",
		"GITHUB_GRAPHQL_URL": base + "/api/graphql",
		"GITHUB_SERVER_URL":  base,
		"GITHUB_TOKEN":       token,
	}
	return nil
}

// GitHub is the sandbox's GitHub, to fill it with commits, pull requests and tokens.
func (s *Server) GitHub() *github.Service { return s.github }

// SNS is the sandbox's notification service, to read what was published.
func (s *Server) SNS() *sns.Service { return s.topics }

// Lambda is the sandbox's Lambda, to ask for the history of an alias.
func (s *Server) Lambda() *lambda.Service { return s.lambda }
