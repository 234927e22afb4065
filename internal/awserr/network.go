package awserr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/promote-on-success/promote/internal/promotion"
)

// interrupted explains an end that the run itself brought about.
func interrupted(err error) (promotion.Fault, bool) {
	if errors.Is(err, context.Canceled) && !timedOut(err) {
		return promotion.Fault{What: "it was interrupted"}, true
	}
	return promotion.Fault{}, false
}

// late explains a call that had no time left before it could be made.
func late(err error) (promotion.Fault, bool) {
	var noEffect *NoEffect
	if errors.As(err, &noEffect) && timedOut(err) {
		return promotion.Fault{
			What: "there was no time left to make the call",
			Hint: "the calls a second are limited, since the account's quota is shared: work on fewer functions at once, or raise api-rate",
		}, true
	}
	return promotion.Fault{}, false
}

// connected explains what became of the connection when AWS did not answer.
func connected(err error) (promotion.Fault, bool) {
	var dns *net.DNSError
	var op *net.OpError
	service, host := serviceName(err), hostOf(err)
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect", strings.Contains(err.Error(), "proxyconnect"):
		return promotion.Fault{What: "the proxy does not let " + service + " through", Hint: "check HTTPS_PROXY and NO_PROXY", Detail: Clean(deepest(err).Error())}, true
	case errors.As(err, &dns):
		return promotion.Fault{What: "the host " + quoted(dns.Name) + " is not known", Hint: "check the region's spelling, AWS_ENDPOINT_URL, and the runner's DNS"}, true
	case untrusted(err):
		return promotion.Fault{What: "the TLS certificate of " + host + " is not trusted", Hint: "where a proxy or a gateway replaces certificates, give its CA with AWS_CA_BUNDLE", Detail: Clean(deepest(err).Error())}, true
	case errors.Is(err, syscall.ECONNREFUSED):
		return promotion.Fault{What: "nothing listens at " + host + " (connection refused)", Hint: "check AWS_ENDPOINT_URL, the proxy and the firewall"}, true
	case timedOut(err):
		return promotion.Fault{What: service + " did not answer in time", Hint: "check the network between the runner and " + host + ", or run it again"}, true
	case dialled(err):
		return promotion.Fault{What: "there is no connection to " + host, Hint: "check the runner's network, proxy and firewall", Detail: Clean(deepest(err).Error())}, true
	case lost(err):
		return promotion.Fault{What: "the connection to " + host + " was lost before the answer was there", Hint: "run it again"}, true
	case status(err) >= 200 && status(err) < 300:
		return promotion.Fault{What: service + "'s answer could not be read", Hint: "check AWS_ENDPOINT_URL: it may name a server that is not AWS", Detail: Clean(deepest(err).Error())}, true
	}
	return promotion.Fault{}, false
}

// hostOf names the other side, for a sentence.
func hostOf(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		if parsed, parseErr := url.Parse(u.URL); parseErr == nil && parsed.Host != "" {
			return Clean(parsed.Host)
		}
	}
	return serviceName(err)
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// untrusted tells whether the TLS handshake failed on the certificate.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

// dialled tells whether the connection could not be made at all.
func dialled(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// handshake tells whether TLS was never established: nothing of the request was sent.
func handshake(err error) bool {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return untrusted(err) || errors.As(err, &record) || errors.As(err, &alert) ||
		strings.Contains(err.Error(), "TLS handshake timeout") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

func lost(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) || errors.As(err, &op)
}
