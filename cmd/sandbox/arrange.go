package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
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

// createFunctions makes functions as an infrastructure tool does: with some first code, and without alias or
// version.
func createFunctions(ctx context.Context, box *sandbox.Server, code map[string][]byte) error {
	api, names := client(box), slices.Sorted(maps.Keys(code))
	for _, name := range names {
		if _, err := api.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: aws.String(name), Role: aws.String("arn:aws:iam::" + sandbox.DefaultAccount + ":role/shop"),
			Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(10),
			Description: aws.String("made before its first release"), Code: &types.FunctionCode{ZipFile: code[name]},
		}); err != nil {
			return fmt.Errorf("create function %s: %w", name, err)
		}
	}
	for _, name := range names {
		waiter := lambda.NewFunctionActiveV2Waiter(api, func(o *lambda.FunctionActiveV2WaiterOptions) {
			o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
		})
		if err := waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(name)}, waitAtMost); err != nil {
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

// withFile is an archive with one more file. What is in it is not compressed anew: that is most of the work.
func withFile(archive []byte, name string, content []byte) ([]byte, error) {
	old, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range old.File {
		if err := z.Copy(f); err != nil {
			return nil, err
		}
	}
	header := &zip.FileHeader{Name: name}
	header.SetMode(0o644)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
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
