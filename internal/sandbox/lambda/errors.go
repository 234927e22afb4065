package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// capital lists the errors whose text is in the member Message; the others have message.
// https://docs.aws.amazon.com/lambda/latest/api/API_Reference.html
var capital = map[string]bool{
	"AccessDeniedException":              true,
	"CodeSigningConfigNotFoundException": true,
	"CodeVerificationFailedException":    true,
	"ResourceInUseException":             true,
	"ResourceNotFoundException":          true,
	"ServiceException":                   true,
	"SnapStartException":                 true,
	"SnapStartNotReadyException":         true,
	"SnapStartTimeoutException":          true,
}

// Fail renders a refusal as Lambda's REST protocol does: the code in a header, the text in the body.
func (s *Service) Fail(_ cloud.Call, e *cloud.Error) cloud.Reply {
	doc := map[string]any{}
	if capital[e.Code] {
		doc["Message"] = e.Message
	} else {
		doc["message"] = e.Message
	}
	// Faults of the request's form are found before Lambda proper sees it, and carry no Type.
	if e.Code != "ValidationException" && e.Code != "AccessDeniedException" && e.Code != "SerializationException" {
		doc["Type"] = "User"
		if e.Status >= 500 {
			doc["Type"] = "Service"
		}
	}
	for name, value := range e.Fields {
		doc[name] = value
	}
	reply := answer(e.Status, doc)
	reply.Header.Set("X-Amzn-Errortype", e.Code)
	if e.RetryAfter > 0 {
		reply.Header.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	return reply
}

// answer is a reply with a JSON document.
func answer(status int, doc any) cloud.Reply {
	body, err := json.Marshal(doc)
	if err != nil { // documents are built from strings, numbers and maps
		return cloud.Reply{Status: http.StatusInternalServerError, Header: http.Header{}, Body: []byte(`{"Message":"the sandbox could not encode its answer"}`)}
	}
	return cloud.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

func noContent() cloud.Reply { return cloud.Reply{Status: http.StatusNoContent, Header: http.Header{}} }

func refuse(status int, code, format string, args ...any) error {
	return &cloud.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return refuse(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

func conflict(format string, args ...any) error {
	return refuse(http.StatusConflict, "ResourceConflictException", format, args...)
}

func tooLarge(format string, args ...any) error {
	return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", format, args...)
}

// stale answers a RevisionId that is not the newest.
func stale(api string) error {
	return refuse(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", api)
}

const (
	functionAPIs = "GetFunction/GetAlias"
	policyAPI    = "GetPolicy"
)

func functionNotFound(arn string) error { return notFound("Function not found: %s", arn) }
func aliasNotFound(arn string) error    { return notFound("Cannot find alias arn: %s", arn) }
func noFunction() error                 { return notFound("Function does not exist") }
func nothingThere() error               { return notFound("The resource you requested does not exist.") }
