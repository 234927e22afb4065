package check

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// networkReason says in a sentence why a request had no answer. limit is how long the request was given.
func networkReason(err error, target *url.URL, timedOut bool, limit string) (reason, hint string) {
	host := clean(target.Host)
	var dns *net.DNSError
	var dial *net.OpError
	var timeout interface{ Timeout() bool }
	dialling := errors.As(err, &dial) && dial.Op == "dial"
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no host named %s", clean(dns.Name)), "is the name spelled right, and does the runner see the network that it belongs to?"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s could not be resolved", clean(dns.Name)), ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing accepts connections at %s (connection refused)", host), ""
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("there is no route to %s", host), "private endpoints can be checked with via: invoke"
	case timedOut && !dialling:
		return fmt.Sprintf("there was no answer within %s", limit), ""
	case dialling && errors.As(err, &timeout) && timeout.Timeout(), timedOut:
		return fmt.Sprintf("no connection to %s came about in time", host), "private endpoints can be checked with via: invoke"
	}
	if reason, hint := tlsReason(err, host); reason != "" {
		return reason, hint
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("%s closed the connection before the answer was complete", host), ""
	case errors.As(err, &timeout) && timeout.Timeout():
		return "there was no answer in time", ""
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, whose query may not be shown
	}
	return "the request failed: " + secrets(nil).quote(err.Error()), ""
}

// tlsReason explains a failed handshake, "" if it was none.
func tlsReason(err error, host string) (reason, hint string) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the TLS certificate of %s is for other names", host), "API Gateway's own host name has a certificate; a custom domain needs one of its own"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the TLS certificate of %s has expired, or is not valid yet", host), "is the runner's clock right?"
	case errors.As(err, &authority), errors.As(err, &invalid):
		return fmt.Sprintf("the TLS certificate of %s is not trusted", host), "it is signed by an authority that the runner does not know"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS", host), "should the URL begin with http:// ?"
	case errors.As(err, &alert), strings.Contains(err.Error(), "TLS handshake timeout"):
		return fmt.Sprintf("no TLS connection to %s came about", host), ""
	}
	return "", ""
}

// responseHint is advice for responses that are API Gateway's, not the function's.
func responseHint(r response, target *url.URL, signed bool) string {
	gateway := r.header.Get("Apigw-Requestid") != "" || strings.Contains(target.Hostname(), ".execute-api.") || strings.Contains(target.Hostname(), ".lambda-url.")
	switch {
	case r.status >= 300 && r.status < 400 && r.header.Get("Location") != "":
		return "redirects are not followed: name the final URL"
	case !gateway:
		return ""
	case r.status == http.StatusForbidden && signed && strings.Contains(string(r.body), `orbidden"`):
		return "the role needs execute-api:Invoke on the API (a function URL: lambda:InvokeFunctionUrl and lambda:InvokeFunction)"
	case r.status == http.StatusForbidden && strings.Contains(string(r.body), `orbidden"`):
		return "the endpoint asks for a signature: auth: aws-iam"
	case r.status == http.StatusNotFound && strings.Contains(string(r.body), `"Not Found"`):
		return "the API has no such route: promote setup makes the latest routes, a first promotion those of the environment"
	case r.status == http.StatusInternalServerError && strings.Contains(string(r.body), `"Internal Server Error"`):
		return "API Gateway could not use the function's answer, or may not invoke it: the function's log tells"
	}
	return ""
}
