package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox"
)

// waitAtMost bounds how long a function may take to be made.
const waitAtMost = 30 * time.Second

// client is an ordinary Lambda client for the sandbox's first account.
func client(box *sandbox.Server) *lambda.Client {
	account := box.Accounts()[0]
	return lambda.New(lambda.Options{
		Region:       sandbox.DefaultRegion,
		BaseEndpoint: aws.String(box.BaseURL()),
		Credentials:  credentials.NewStaticCredentialsProvider(account.AccessKeyID, account.SecretAccessKey, ""),
	})
}

// createFunctions makes functions as an infrastructure tool does: with some first code, here a bootstrap that answers
// nothing, and without alias or version.
func createFunctions(ctx context.Context, box *sandbox.Server, names []string, dist string) error {
	api := client(box)
	for _, name := range names {
		code, err := archive(filepath.Join(dist, name, "bootstrap"))
		if err != nil {
			return err
		}
		if _, err := api.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: aws.String(name), Role: aws.String("arn:aws:iam::" + sandbox.DefaultAccount + ":role/shop"),
			Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(10),
			Description: aws.String("made before its first release"), Code: &types.FunctionCode{ZipFile: code},
		}); err != nil {
			return fmt.Errorf("create function %s: %w", name, err)
		}
	}
	for _, name := range names {
		if err := lambda.NewFunctionActiveV2Waiter(api).Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)}, waitAtMost); err != nil {
			return fmt.Errorf("wait for function %s: %w", name, err)
		}
	}
	return nil
}

// archive zips one executable.
func archive(bootstrap string) ([]byte, error) {
	content, err := os.ReadFile(bootstrap)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}

// aliasVersion is the version that an alias holds.
func aliasVersion(ctx context.Context, box *sandbox.Server, function, alias string) (string, error) {
	out, err := client(box).GetAlias(ctx, &lambda.GetAliasInput{FunctionName: aws.String(function), Name: aws.String(alias)})
	if err != nil {
		return "", fmt.Errorf("read alias %s of %s: %w", alias, function, err)
	}
	return aws.ToString(out.FunctionVersion), nil
}

// environmentURL finds the environment's address in what `promote setup --json` printed.
func environmentURL(document []byte) (string, error) {
	var outcome struct {
		Endpoints struct {
			Environment string `json:"environment"`
		} `json:"endpoints"`
	}
	if err := json.Unmarshal(document, &outcome); err != nil {
		return "", fmt.Errorf("read promote's JSON: %w", err)
	}
	if outcome.Endpoints.Environment == "" {
		return "", fmt.Errorf("promote names no endpoint of the environment")
	}
	return outcome.Endpoints.Environment, nil
}
