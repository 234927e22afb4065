package ecr_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// push makes the repository, if it is new, and puts an image there.
func push(t *testing.T, api *ecr.Client, tag, manifest string) (digest string) {
	t.Helper()
	_, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("shop/app")})
	if err != nil && code(err) != "RepositoryAlreadyExistsException" {
		t.Fatal(err)
	}
	out, err := api.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("shop/app"), ImageTag: aws.String(tag), ImageManifest: aws.String(manifest)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Image.ImageId.ImageDigest)
}

func TestTagsResolveToDigests(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	api := ecr.NewFromConfig(c.AWS())
	one := push(t, api, "v1", `{"schemaVersion":2}`)
	sum := sha256.Sum256([]byte(`{"schemaVersion":2}`))
	if want := "sha256:" + hex.EncodeToString(sum[:]); one != want {
		t.Errorf("digest %s, want that of the manifest, %s", one, want)
	}
	resolve := func(id types.ImageIdentifier) *ecr.BatchGetImageOutput {
		t.Helper()
		out, err := api.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("shop/app"), ImageIds: []types.ImageIdentifier{id}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := resolve(types.ImageIdentifier{ImageTag: aws.String("v1")}); len(out.Images) != 1 || *out.Images[0].ImageId.ImageDigest != one {
		t.Errorf("v1: %+v", out)
	}
	two := push(t, api, "v1", `{"schemaVersion":2,"moved":true}`)
	if out := resolve(types.ImageIdentifier{ImageTag: aws.String("v1")}); *out.Images[0].ImageId.ImageDigest != two {
		t.Errorf("v1 after it was moved: %+v", out)
	}
	if out := resolve(types.ImageIdentifier{ImageDigest: aws.String(one)}); len(out.Images) != 1 {
		t.Errorf("the old one by digest: %+v", out)
	}
	if out := resolve(types.ImageIdentifier{ImageTag: aws.String("v9")}); len(out.Failures) != 1 || out.Failures[0].FailureCode != types.ImageFailureCodeImageNotFound {
		t.Errorf("a tag that is not there: %+v", out)
	}
	out, err := api.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	if err != nil || len(out.ImageDetails) != 1 || *out.ImageDetails[0].ImageDigest != two {
		t.Errorf("described as %+v, %v", out, err)
	}
	_, err = api.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop/app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v9")}}})
	if code(err) != "ImageNotFoundException" {
		t.Errorf("a tag that is not there: %v", err)
	}
}

func TestRepositoriesBelongToAPlace(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	push(t, ecr.NewFromConfig(c.AWS()), "v1", "{}")
	ids := []types.ImageIdentifier{{ImageTag: aws.String("v1")}}
	_, err := ecr.NewFromConfig(c.AWS("us-east-1")).BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("shop/app"), ImageIds: ids})
	if code(err) != "RepositoryNotFoundException" {
		t.Errorf("in another region: %v", err)
	}
	_, err = ecr.NewFromConfig(c.AWS()).BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: aws.String("shop/app"), RegistryId: aws.String("210987654321"), ImageIds: ids})
	if code(err) != "AccessDeniedException" {
		t.Errorf("in another account: %v", err)
	}
}

func TestFunctionsTakeTheirImagesFromHere(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	digest := push(t, ecr.NewFromConfig(c.AWS()), "v1", "{}")
	const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/app"
	create := func(name, uri string) (*lambda.CreateFunctionOutput, error) {
		return c.Lambda().CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String(name), Role: aws.String(sandboxtest.Role), PackageType: lambdatypes.PackageTypeImage,
			Code: &lambdatypes.FunctionCode{ImageUri: aws.String(uri)},
		})
	}
	if _, err := create("orders", registry+":v1"); err != nil {
		t.Fatal(err)
	}
	got, err := c.Lambda().GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("orders")})
	if err != nil || !strings.HasSuffix(aws.ToString(got.Code.ResolvedImageUri), "@"+digest) {
		t.Errorf("resolved to %v, %v", got.Code, err)
	}
	for _, uri := range []string{registry + ":v9", "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/app:v1", "210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop/app:v1", "shop"} {
		if _, err := create("payments", uri); code(err) == "" {
			t.Errorf("%s was taken", uri)
		}
	}
}
