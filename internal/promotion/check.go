package promotion

import "time"

// A Check is one question about the candidates. Exactly one of Invoke, HTTP and JUnit is set.
type Check struct {
	Name   string // unique within a request; what reports call it
	Where  Where  // where it was configured
	Invoke *InvokeCheck
	HTTP   *HTTPCheck
	JUnit  *JUnitCheck
}

// Function is the key of the function that the check is about, "" where it names none (an HTTP check by URL, a JUnit check).
func (c Check) Function() string {
	switch {
	case c.Invoke != nil:
		return c.Invoke.Function
	case c.HTTP != nil:
		return c.HTTP.Function
	}
	return ""
}

// ThroughLatest tells whether the check reaches code through $LATEST, or may do so for all that we know:
// every request to a URL. Its evidence then holds only while $LATEST stands still.
func (c Check) ThroughLatest() bool { return c.HTTP != nil && !c.HTTP.ViaInvoke }

// An InvokeCheck invokes a candidate by its number. It is asked once: an answer that needs luck is no evidence.
type InvokeCheck struct {
	Function    string
	Payload     Template // JSON; "" sends {}
	PayloadFile string   // instead of Payload: a file relative to the workspace, sent as it is
	Within      time.Duration

	JSON          Template // a jq expression that has to yield true on the payload
	FunctionError string   // "" demands success; "any" any function error; else the errorType that is expected
	Log           string   // a regular expression that has to match the log tail (the last 4 KB)
}

// An HTTPCheck sends a request: to URL, or, with ViaInvoke, as an API Gateway v2 event to the candidate of
// Function by its number. By URL it is repeated until it passes or Within has passed, since endpoints settle late.
type HTTPCheck struct {
	URL       Template
	Function  string
	ViaInvoke bool
	Path      Template

	Method  string
	Headers []Header
	Body    Template
	IAM     bool // sign the request with the run's AWS credentials
	Within  time.Duration

	Status        int // expected; 0 accepts 200 to 299
	ExpectHeaders []HeaderExpectation
	JSON          Template // a jq expression that has to yield true on the body
	Text          Template // has to occur in the body
	Match         string   // a regular expression that has to match the body
}

// A JUnitCheck reads reports of tests that ran between deploy and promote, and so is asked in mode promote only. It
// concerns every function: what the tests did is not known.
type JUnitCheck struct {
	Files    []string // patterns relative to the workspace; ** crosses folders
	MinTests int      // fewer tests than these are no evidence; at least 1
}

// A Header is one header of a request. Its value may be a secret.
type Header struct {
	Name   string
	Value  Template
	Secret Secret // instead of Value
}

// A HeaderExpectation asks that a response header be there and match the regular expression.
type HeaderExpectation struct{ Name, Match string }

// A Secret is text that must never be shown. Printing it by any verb shows that it is one.
type Secret string

func (Secret) String() string   { return "***" }
func (Secret) GoString() string { return "***" }

// MarshalText keeps secrets out of JSON; no secret stays empty.
func (s Secret) MarshalText() ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	return []byte("***"), nil
}

// Reveal gives the secret to whoever sends it.
func (s Secret) Reveal() string { return string(s) }

// A Verdict is the answer to a check. A check that could not be asked has no verdict but an error.
type Verdict string

const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// A CheckResult is what came of one check. Reason says in one sentence why it did not pass; Evidence holds what
// was seen (a status, an excerpt of a body, a log tail) and is foreign text. Err means that it could not be asked.
type CheckResult struct {
	Check    string
	Function string
	Version  Version // the version that answered; 0 for a check by URL
	Verdict  Verdict
	Reason   string
	Evidence []Evidence
	Hint     string
	Duration time.Duration
	Attempts int
	Err      error
	Where    Where
	Skipped  string      // why it was not asked, "" if it was
	Tests    *TestCounts // of a JUnit check
}

// Evidence is one thing that a check saw. Text is foreign: it is escaped before it is shown anywhere.
type Evidence struct{ Name, Text string }
