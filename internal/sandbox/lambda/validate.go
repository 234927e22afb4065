package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A checker collects what is wrong with a request's form, as AWS reports it: all at once, before
// anything is looked up. https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
type checker struct{ faults []string }

func (c *checker) fault(value, member, constraint string) {
	c.faults = append(c.faults, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

func (c *checker) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	errors := "errors"
	if len(c.faults) == 1 {
		errors = "error"
	}
	return refuse(http.StatusBadRequest, "ValidationException", "%d validation %s detected: %s", len(c.faults), errors, strings.Join(c.faults, "; "))
}

// required reports whether a member is there, and notes it when it is not.
func (c *checker) required(member string, there bool) bool {
	if !there {
		c.faults = append(c.faults, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", member))
	}
	return there
}

// A form is the shape that a string must have.
type form struct {
	min, max int
	text     string // the expression as AWS prints it
	matches  func(string) bool
}

func shape(min, max int, text string) form {
	return form{min, max, text, regexp.MustCompile(`^(?:` + text + `)$`).MatchString}
}

// The shapes of Lambda's API model.
var (
	plainName     = shape(1, 140, `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)
	spacedName    = shape(1, 256, `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`)
	anyQualifier  = shape(1, 128, `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`)
	pcQualifier   = shape(1, 128, `(|[a-zA-Z0-9$_-]+)`)
	roleForm      = shape(0, 0, `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	handlerForm   = shape(0, 128, `[^\s]+`)
	textForm      = shape(0, 256, ``)
	versionForm   = shape(1, 1024, `(\$LATEST(\.PUBLISHED)?|[0-9]+)`)
	variableForm  = shape(0, 0, `[a-zA-Z]([a-zA-Z0-9_])+`)
	arnOrNothing  = shape(0, 0, `(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()`)
	logGroupForm  = shape(1, 512, `[\.\-_/#A-Za-z0-9]+`)
	statementForm = shape(1, 100, `([a-zA-Z0-9-_]+)`)
	removedForm   = shape(1, 100, `([a-zA-Z0-9-_.]+)`)
	actionForm    = shape(0, 0, `(lambda:[*]|lambda:[a-zA-Z]+|[*])`)
	principalForm = shape(0, 0, `[^\s]+`)
	sourceForm    = shape(0, 0, `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`)
	accountForm   = shape(0, 12, `\d{12}`)
	tokenForm     = shape(0, 256, `[a-zA-Z0-9._\-]+`)
	orgForm       = shape(12, 34, `o-[a-z0-9]{10,32}`)
	bucketForm    = form{3, 63, `[0-9A-Za-z\.\-_]*(?<!\.)`, func(s string) bool { return bucketChars.MatchString(s) && !strings.HasSuffix(s, ".") }}
	keyForm       = shape(1, 1024, ``)
	taggableForm  = shape(1, 256, `arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`)
	// Go's expressions cannot look ahead, so these two are checked in steps.
	aliasForm    = form{1, 128, `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, func(s string) bool { return nameChars.MatchString(s) && !isNumber(s) }}
	urlQualifier = form{1, 128, `((?!^\d+$)^[0-9a-zA-Z-_]+$)`, func(s string) bool { return nameChars.MatchString(s) && !isNumber(s) }}

	nameChars   = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
	bucketChars = regexp.MustCompile(`^[0-9A-Za-z.\-_]*$`)
)

// text checks a string that is there.
func (c *checker) text(member string, value *string, f form) {
	if value == nil {
		return
	}
	v := *value
	if n := utf8.RuneCountInString(v); f.max > 0 && n > f.max {
		c.fault(v, member, fmt.Sprintf("Member must have length less than or equal to %d", f.max))
	} else if n < f.min {
		c.fault(v, member, fmt.Sprintf("Member must have length greater than or equal to %d", f.min))
	}
	if f.text != "" && !f.matches(v) {
		c.fault(v, member, "Member must satisfy regular expression pattern: "+f.text)
	}
}

func (c *checker) requiredText(member string, value *string, f form) {
	if c.required(member, value != nil) {
		c.text(member, value, f)
	}
}

// number checks an integer that is there; max 0 is no limit.
func (c *checker) number(member string, value *int, min, max int) {
	switch {
	case value == nil:
	case max > 0 && *value > max:
		c.fault(strconv.Itoa(*value), member, fmt.Sprintf("Member must have value less than or equal to %d", max))
	case *value < min:
		c.fault(strconv.Itoa(*value), member, fmt.Sprintf("Member must have value greater than or equal to %d", min))
	}
}

func (c *checker) oneOf(member string, value *string, allowed ...string) {
	if value != nil && !slices.Contains(allowed, *value) {
		c.fault(*value, member, fmt.Sprintf("Member must satisfy enum value set: [%s]", strings.Join(allowed, ", ")))
	}
}

// decode reads a request's document. An empty body is a request without members.
func decode(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return refuse(http.StatusBadRequest, "SerializationException", "Could not parse request body into json: %v", err)
	}
	return nil
}
