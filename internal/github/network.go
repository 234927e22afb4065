package github

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"syscall"

	"github.com/promote-on-success/promote/internal/promotion"
)

// connection explains what became of the way to GitHub, or of an answer that is not GitHub's.
func connection(err error) promotion.Fault {
	host := "GitHub"
	var sent *url.Error
	if !errors.As(err, &sent) {
		// Only what came back, and could not be read, is without an address.
		return promotion.Fault{What: "GitHub's answer could not be read", Detail: err.Error(),
			Hint: "check GITHUB_API_URL: it may name a server that is not GitHub"}
	}
	if u, parseErr := url.Parse(sent.URL); parseErr == nil && u.Host != "" {
		host = u.Host
	}
	err = sent.Err // its own text holds the address

	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return promotion.Fault{What: "the proxy does not let GitHub through", Hint: "check HTTPS_PROXY and NO_PROXY"}
	case errors.As(err, &dns):
		return promotion.Fault{What: "the host " + clean(dns.Name) + " is not known", Hint: "check GITHUB_API_URL and the runner's DNS"}
	case untrusted(err):
		return promotion.Fault{What: "the TLS certificate of " + host + " is not trusted", Detail: err.Error(),
			Hint: "where a proxy or a server has a CA of its own, give it with SSL_CERT_FILE"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return promotion.Fault{What: "nothing listens at " + host + " (connection refused)", Hint: "check GITHUB_API_URL, the proxy and the firewall"}
	case errors.Is(err, errSlow), timedOut(err):
		return promotion.Fault{What: host + " did not answer in time", Hint: "check the network between here and there, or run it again"}
	case errors.As(err, &op) && op.Op == "dial":
		return promotion.Fault{What: "there is no connection to " + host, Hint: "check the network, the proxy and the firewall"}
	case errors.Is(err, errTooLarge), errors.As(err, new(tls.RecordHeaderError)):
		return promotion.Fault{What: "the answer of " + host + " is not one of GitHub's", Detail: err.Error(), Hint: "check GITHUB_API_URL"}
	}
	return promotion.Fault{What: "the connection to " + host + " was lost before the answer was there", Detail: err.Error(), Hint: "run it again"}
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname)
}
