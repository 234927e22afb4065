package promotion

import (
	"fmt"
	"regexp"
	"strconv"
)

// Lambda's own rules for names: https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html and
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html.
var (
	aliasPattern    = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)
	functionPattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	keyPattern      = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-_]{0,63}$`)
	digitsPattern   = regexp.MustCompile(`^[0-9]+$`)
)

// CheckAlias tells what is wrong with an alias's name; "" means nothing is.
func CheckAlias(name string) string {
	switch {
	case name == "$LATEST":
		return "$LATEST is not an alias: it is the unpublished code itself"
	case digitsPattern.MatchString(name):
		return fmt.Sprintf("alias %q consists of digits only, which Lambda keeps for version numbers", name)
	case !aliasPattern.MatchString(name):
		return fmt.Sprintf("alias %q is not a name that Lambda takes", name)
	}
	return ""
}

// AcceptedAlias says which alias names are accepted.
const AcceptedAlias = "1 to 128 letters, digits, - and _, not digits only"

// CheckFunctionName tells what is wrong with a Lambda function's name; "" means nothing is.
func CheckFunctionName(name string) string {
	if !functionPattern.MatchString(name) {
		return fmt.Sprintf("function name %q is not a name that Lambda takes", name)
	}
	return ""
}

// AcceptedFunctionName says which function names are accepted.
const AcceptedFunctionName = "1 to 64 letters, digits, - and _ (the name alone, without ARN and qualifier)"

// CheckKey tells what is wrong with a name of our own: an app, an environment, a function's key.
// They become parts of URLs, so they are narrower than what Lambda takes. "" means nothing is wrong.
func CheckKey(name string) string {
	if !keyPattern.MatchString(name) {
		return fmt.Sprintf("%q is not a usable name", name)
	}
	return ""
}

// AcceptedKey says which names of our own are accepted.
const AcceptedKey = "1 to 64 letters, digits, - and _, beginning with a letter or digit"

// A Version is the number of a published, immutable version of a function. 0 stands for no version.
type Version uint64

// ParseVersion reads a version's number. It refuses "$LATEST", which is not a version.
func ParseVersion(s string) (Version, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a version's number", s)
	}
	return Version(n), nil
}

func (v Version) String() string {
	if v == 0 {
		return "none"
	}
	return strconv.FormatUint(uint64(v), 10)
}

// A Digest is Lambda's CodeSha256 of deployed code, spelled as Lambda spells it: base64 of the SHA-256 of a
// zip archive, hexadecimal for a container image. Equal digests mean equal code.
type Digest string

// Short is enough of the digest for a person to tell two apart.
func (d Digest) Short() string {
	if len(d) > 12 {
		return string(d[:12])
	}
	return string(d)
}

// A Revision is Lambda's RevisionId of $LATEST, of a version or of an alias: a write that carries it is
// refused when the thing has changed since. The three have separate chains.
type Revision string
