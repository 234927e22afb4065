package config

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The registries that Lambda takes images from: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html,
// with the host names of https://docs.aws.amazon.com/general/latest/gr/ecr.html.
var (
	ecrImage = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn)/` +
		`[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
	ecrHost        = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr`)
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	otherArchive   = regexp.MustCompile(`(?i)\.(tar|tgz|tar\.gz|gz|tar\.xz|7z|rar|whl)$`)
)

// artifact settles where a function's code comes from. A fault is reported where the text says nothing usable.
func (l *loader) artifact(f function, values map[string]string) promotion.Artifact {
	at := "functions." + f.key + "."
	if !l.file.has("functions") {
		at = ""
	}
	a := promotion.Artifact{Kind: promotion.ArtifactNone}
	if f.artifact != nil {
		inInput := ""
		if f.artifact.where.Input == "" {
			inInput = at
		}
		text, ok := l.expand(f.artifact.text, f.artifact.where, inInput+"artifact", place{names: []string{"App", "Environment", "Function", "Commit"}, values: values})
		if !ok {
			return promotion.Artifact{}
		}
		var fault *promotion.Fault
		if a, fault = parseArtifact(text); fault != nil {
			fault.Where = f.artifact.where
			if f.artifact.where.Input == "" {
				fault.What = at + "artifact: " + fault.What
			}
			l.add(*fault)
			return promotion.Artifact{}
		}
	}
	if f.choice == nil {
		return a
	}
	if a.Kind != promotion.ArtifactNone {
		l.add(promotion.Fault{Where: f.choice.where, What: fmt.Sprintf("candidate chooses among code that is there already, and the artifact of %s is %s", f.key, quote(f.artifact.text)),
			Hint: "set artifact to none, or take candidate out"})
		return a
	}
	switch v, err := promotion.ParseVersion(f.choice.text); {
	case err == nil:
		a.Candidate.Number = v
	case f.choice.text == "newest-version":
		a.Candidate.Newest = true
	}
	return a
}

// parseArtifact tells an artifact's kind from its text alone:
//
//	none                                        nothing is uploaded
//	s3://bucket/key, s3://bucket/key?versionId=V  a stored archive
//	ACCOUNT.dkr.ecr.REGION.amazonaws.com/repository, with :tag or @sha256:..., or both   an image
//	a path that ends in .zip or .jar            an archive
//	any other path, and every path that ends in /   a directory
func parseArtifact(text string) (promotion.Artifact, *promotion.Fault) {
	fault := func(what, hint string) (promotion.Artifact, *promotion.Fault) {
		return promotion.Artifact{}, &promotion.Fault{What: what, Accepted: artifactShape.accepted, Hint: hint}
	}
	scheme, _, hasScheme := strings.Cut(text, "://")
	last := text[strings.LastIndex(text, "/")+1:]
	switch {
	case strings.TrimSpace(text) == "":
		return fault("the text is empty", "")
	case text == "none":
		return promotion.Artifact{Kind: promotion.ArtifactNone}, nil
	case scheme == "s3" && hasScheme:
		return parseObject(text)
	case ecrImage.MatchString(text):
		return parseImage(text)
	case hasScheme:
		return fault(fmt.Sprintf("%s:// is not supported", clip(scheme)), "download it in a step before, and give its path")
	case ecrHost.MatchString(text):
		return fault(fmt.Sprintf("%s is not an image in Amazon ECR", quote(text)), "its digest is sha256: and 64 hexadecimal digits in lower case")
	case strings.Contains(text, "@sha256:") || strings.Contains(last, ":"):
		return fault(fmt.Sprintf("%s is not an image in Amazon ECR, and Lambda takes images from there only", quote(text)), "push it to ECR in the function's region")
	}
	if what := pathWrong(text); what != "" {
		return fault(what, pathHint(text))
	}
	if otherArchive.MatchString(text) {
		return fault(fmt.Sprintf("%s is not a zip archive", quote(text)), "Lambda takes zip archives; a directory is zipped for you")
	}
	a := promotion.Artifact{Kind: promotion.ArtifactDir, Path: path.Clean(text)}
	if ext := strings.ToLower(path.Ext(text)); ext == ".zip" || ext == ".jar" {
		a.Kind = promotion.ArtifactZip
	}
	return a, nil
}

func parseObject(text string) (promotion.Artifact, *promotion.Fault) {
	fault := func(what string) (promotion.Artifact, *promotion.Fault) {
		return promotion.Artifact{}, &promotion.Fault{What: what, Accepted: "s3://bucket/key, perhaps with ?versionId=..."}
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(text, "s3://"), "/")
	key, query, hasQuery := strings.Cut(key, "?")
	switch {
	case !bucketShape.pattern.MatchString(bucket):
		return fault(fmt.Sprintf("%s is not the name of a bucket", quote(bucket)))
	case key == "" || strings.HasSuffix(key, "/"):
		return fault(fmt.Sprintf("%s names no object", quote(text)))
	case len(key) > 1024:
		return fault(fmt.Sprintf("the key has %d bytes, and S3 takes 1024", len(key)))
	}
	a := promotion.Artifact{Kind: promotion.ArtifactS3, Bucket: bucket, Key: key}
	if hasQuery {
		values, err := url.ParseQuery(query)
		if a.ObjectVersion = values.Get("versionId"); err != nil || a.ObjectVersion == "" || len(values) > 1 {
			return fault(fmt.Sprintf("?%s is not understood", clip(query)))
		}
	}
	return a, nil
}

func parseImage(text string) (promotion.Artifact, *promotion.Fault) {
	if _, name, _ := strings.Cut(text, "/"); !strings.Contains(name, ":") {
		return promotion.Artifact{}, &promotion.Fault{What: fmt.Sprintf("the image %s has neither digest nor tag", quote(text)), Accepted: "an image by digest (…@sha256:...) or by tag (…:1.2.3)",
			Hint: "a digest is safest: a tag can be moved"}
	}
	return promotion.Artifact{Kind: promotion.ArtifactImage, Image: text}, nil
}
