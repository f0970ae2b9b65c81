package federation

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

const (
	maxURL            = 2048
	dialTimeout       = 5 * time.Second
	maxIdle           = 256 // connections kept open in all
	maxIdlePerHost    = 16
	maxPerHost        = 64
	idleTimeout       = 60 * time.Second
	maxResponseHeader = 32 << 10
	tlsSessions       = 512
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// guard decides which addresses may be dialled. It sees the address that a name
// was resolved to, on the socket that is about to connect, so neither a redirect
// nor a name that changes its mind passes it.
type guard struct {
	allowed []netip.Prefix
	public  *ssrf.Guardian
}

func newGuard(allowed []netip.Prefix) *guard {
	g := &guard{public: ssrf.New()}
	for _, p := range allowed {
		g.allowed = append(g.allowed, p.Masked())
	}
	return g
}

// allows reports whether an address lies in a network named in the settings.
func (g *guard) allows(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range g.allowed {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// control is for https: public unicast addresses on ports 80 and 443, and the
// allowed networks on any port.
func (g *guard) control(network, address string, conn syscall.RawConn) error {
	if g.controlAllowed(network, address, conn) == nil {
		return nil
	}
	if err := g.public.Safe(network, address, conn); err != nil {
		return fmt.Errorf("%w: %w", ErrForbiddenAddress, err)
	}
	return nil
}

// controlAllowed is for plain http: the allowed networks and nothing else.
func (g *guard) controlAllowed(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(to.Addr()) {
		return fmt.Errorf("%w: outside the allowed networks", ErrForbiddenAddress)
	}
	return nil
}

// transport makes one pool of connections over the given check. There is no
// proxy, whatever the environment says: a proxy would dial in our place.
func (g *guard) transport(cfg ClientConfig, resolver *net.Resolver, control func(string, string, syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: control, Resolver: resolver}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrForbiddenAddress, err)
			}
			if isLocalhost(host) {
				if !g.allows(loopback) {
					return nil, fmt.Errorf("%w: loopback is not an allowed network", ErrForbiddenAddress)
				}
				address = net.JoinHostPort(loopback.String(), port)
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            cfg.RootCAs,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // unpacked by readAll, which counts both sides
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxConnsPerHost:        maxPerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
	return t
}

// checkURL reads an URL that a stranger may have chosen and returns it in the
// form in which we ask for it: host in lower case and ASCII, no default port, no
// fragment, a path.
func (c *Client) checkURL(raw string) (*url.URL, error) {
	u, err := plainURL(raw)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !c.cfg.AllowHTTP) {
		return nil, fmt.Errorf("%w: scheme", ErrForbiddenAddress)
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		if !c.guard.allows(addr) {
			return nil, fmt.Errorf("%w: an address in place of a name", ErrForbiddenAddress)
		}
	} else if endsInNumber(host) {
		// 127.1, 2130706433, 0x7f000001: some resolvers take them for
		// addresses, and no name ends so.
		return nil, fmt.Errorf("%w: an address in place of a name", ErrForbiddenAddress)
	}
	return u, nil
}

// plainURL normalises without judging where the URL leads.
func plainURL(raw string) (*url.URL, error) {
	refuse := func(why string) (*url.URL, error) {
		return nil, fmt.Errorf("%w: %s", ErrForbiddenAddress, why)
	}
	if len(raw) > maxURL {
		return refuse("too long")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Host == "" {
		return refuse("not an absolute URL")
	}
	if u.User != nil {
		return refuse("user name in the URL")
	}
	port := u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return refuse("empty port")
	}
	host, err := plainHost(u.Hostname())
	if err != nil {
		return nil, err
	}
	if (u.Scheme == "https" && port == "443") || (u.Scheme == "http" && port == "80") {
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Host = host; port != "" {
		u.Host += ":" + port
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// hostNames maps as browsers do, but lets underscores pass.
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.StrictDomainName(false))

// plainHost gives a host name in lower case and ASCII. A dot at the end is
// refused: the same host would have two names, of which a block list knows one.
func plainHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), nil
	}
	if !utf8.ValidString(host) {
		return "", fmt.Errorf("%w: host name", ErrForbiddenAddress)
	}
	host, err := hostNames.ToASCII(host)
	if err != nil || host == "" || len(host) > 253 || strings.HasSuffix(host, ".") {
		return "", fmt.Errorf("%w: host name", ErrForbiddenAddress)
	}
	for i := 0; i < len(host); i++ {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return "", fmt.Errorf("%w: host name", ErrForbiddenAddress)
		}
	}
	return host, nil
}

// isLocalhost recognises the names that mean this machine and no other.
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// endsInNumber reports whether the last label is a number, decimal or hex.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return true
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
