package federation

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var loopbackOnly = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// TestAddressesThatAreNeverDialled is the check on the socket itself, which
// every other way of writing an address ends in.
func TestAddressesThatAreNeverDialled(t *testing.T) {
	g := newGuard(nil)
	for _, address := range []string{
		"127.0.0.1:443", "127.255.255.254:443", "0.0.0.0:443", "0.1.2.3:443", "10.0.0.1:443", "172.16.0.1:443",
		"172.31.255.255:443", "192.168.1.1:443", "169.254.169.254:80", "100.64.0.1:443", "100.127.255.255:443",
		"192.0.0.1:443", "192.0.2.1:443", "198.18.0.1:443", "198.51.100.1:443", "203.0.113.1:443", "192.88.99.1:443",
		"224.0.0.1:443", "239.255.255.255:443", "240.0.0.1:443", "255.255.255.255:443",
		"[::]:443", "[::1]:443", "[::ffff:127.0.0.1]:443", "[::ffff:10.0.0.1]:443", "[::127.0.0.1]:443",
		"[64:ff9b::7f00:1]:443", "[64:ff9b:1::a00:1]:443", "[100::1]:443", "[2001::1]:443", "[2001:db8::1]:443",
		"[2002:7f00:1::]:443", "[fc00::1]:443", "[fd00:ec2::254]:80", "[fe80::1]:443", "[fe80::1%eth0]:443",
		"[fec0::1]:443", "[ff02::1]:443", "[3fff::1]:443", "[4000::1]:443",
		"93.184.216.34:25", "93.184.216.34:6379", "93.184.216.34:8080", "93.184.216.34:0", "[2606:4700::1]:22",
		"not an address", "",
	} {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		if err := g.control(network, address, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: %v", address, err)
		}
		if err := g.controlAllowed(network, address, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s by http: %v", address, err)
		}
	}
	for _, address := range []string{"93.184.216.34:443", "93.184.216.34:80", "[2606:4700::1]:443"} {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		if err := g.control(network, address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		if err := g.controlAllowed(network, address, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s by http: %v", address, err)
		}
	}
	if err := g.control("udp4", "93.184.216.34:443", nil); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("udp: %v", err)
	}
}

func TestAllowedNetworksOpenNothingElse(t *testing.T) {
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("fd00:1::/32")})
	for address, want := range map[string]bool{
		"10.1.9.9:8080": true, "[::ffff:10.1.0.1]:25": true, "[fd00:1::5]:81": true,
		"10.2.0.1:443": false, "127.0.0.1:443": false, "[fd00:2::5]:443": false, "93.184.216.34:8080": false,
	} {
		if got := g.control("tcp4", address, nil) == nil; got != want {
			t.Errorf("%s: %v", address, got)
		}
		if got := g.controlAllowed("tcp4", address, nil) == nil; got != want {
			t.Errorf("%s by http: %v", address, got)
		}
	}
}

// badURLs are refused before anything is resolved or dialled.
var badURLs = []string{
	"", "/", "peer.example", "https:", "https://", "https:///x", "https:opaque", "//peer.example/", "mailto:a@b", "file:///etc/passwd",
	"gopher://peer.example/", "ftp://peer.example/", "ws://peer.example/", "http://peer.example/", "HTTP://peer.example/", "data:,x",
	"https://user@peer.example/", "https://good.example:pw@127.0.0.1/", "https://good.example%40127.0.0.1/", "https://@peer.example/",
	"https://127.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/", "https://93.184.216.34/", "https://[2606:4700::1]/",
	"https://[fe80::1%25eth0]/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/",
	"https://0177.0.0.1/", "https://127.0.0.1./", "https://127.0.0.0x1/", "https://1/", "https://0x/", "https://a.0/",
	"https://１２７.０.０.１/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/", "https://peer.example./", "https://./", "https://peer..example./",
	"https://peer.example:/", "https://peer.example:x/", "https://peer.example:-1/", "https://peer exa.mple/", "https://peer\x00.example/",
	"https://peer%2eexample%00/", "https://peer.example\\@evil.example/", "https://a\nb/", " https://peer.example/", "https://péer\u202e.example/",
	"https://" + strings.Repeat("a", 300) + ".example/", "https://peer.example/" + strings.Repeat("a", 2048), "https://(peer)/", "https://\xae/", "https://xn--zn7c/", "https://peer!/",
}

func TestURLsThatAreNeverAskedFor(t *testing.T) {
	c := NewClient(ClientConfig{})
	for _, u := range badURLs {
		if got, err := c.checkURL(u); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%q became %v, %v", u, got, err)
		}
		if _, err := c.Fetch(t.Context(), u, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("Fetch %q: %v", u, err)
		}
		if err := c.Post(t.Context(), u, nil, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("Post %q: %v", u, err)
		}
		if _, _, err := c.FetchJSON(t.Context(), u, ""); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("FetchJSON %q: %v", u, err)
		}
		if _, _, err := c.FetchMedia(t.Context(), u, 1, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("FetchMedia %q: %v", u, err)
		}
	}
}

func TestURLsAreMadePlain(t *testing.T) {
	c := NewClient(ClientConfig{AllowHTTP: true, AllowedNetworks: loopbackOnly})
	for raw, want := range map[string]string{
		"https://Peer.EXAMPLE":             "https://peer.example/",
		"HTTPS://peer.example:443/a#key":   "https://peer.example/a",
		"http://peer.example:80/a?b=c":     "http://peer.example/a?b=c",
		"https://peer.example:80/a":        "https://peer.example:80/a",
		"https://同窗.example/%E5%90%8C":     "https://xn--dqrw01g.example/%E5%90%8C",
		"https://faß.example/":             "https://xn--fa-hia.example/",
		"https://a_b.example/":             "https://a_b.example/",
		"http://127.0.0.1:8080/":           "http://127.0.0.1:8080/",
		"http://yizhong.localhost:8080/me": "http://yizhong.localhost:8080/me",
	} {
		u, err := c.checkURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		} else if u.String() != want {
			t.Errorf("%s became %s, want %s", raw, u, want)
		}
	}
}

// TestPrivateServersAreNotReached: a server that really listens on loopback sees
// no connection, whatever leads to it.
func TestPrivateServersAreNotReached(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			hits.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(ClientConfig{RootCAs: pool(server)}, fakeDNS(t, map[string][]string{
		"peer.example.":  {"127.0.0.1"},
		"turns.example.": {"93.184.216.34", "127.0.0.1"},
	}))
	for _, host := range []string{"127.0.0.1", "localhost", "a.localhost", "peer.example"} {
		err := c.Post(t.Context(), "https://"+host+":"+port+"/", nil, nil)
		if !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: %v", host, err)
		}
		if errors.Is(err, ErrTemporary) {
			t.Errorf("%s would be tried again", host)
		}
	}
	// A name that answers differently each time: whichever address it gives, the
	// one dialled is the one checked. The first is public, but its port is not.
	for range 2 {
		if err := c.Post(t.Context(), "https://turns.example:"+port+"/", nil, nil); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("turns.example: %v", err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d connections were made", hits.Load())
	}
}

func TestHTTPOnlyIntoAllowedNetworks(t *testing.T) {
	c := newClient(ClientConfig{AllowHTTP: true, AllowedNetworks: loopbackOnly}, fakeDNS(t, map[string][]string{"peer.example.": {"93.184.216.34"}}))
	if err := c.Post(t.Context(), "http://peer.example/", nil, nil); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("http to a public address: %v", err)
	}
	c = NewClient(ClientConfig{AllowedNetworks: loopbackOnly})
	if err := c.Post(t.Context(), "http://127.0.0.1/", nil, nil); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("http without AllowHTTP: %v", err)
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	proxy, err := url.Parse("http://127.0.0.1:9/")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTPS_PROXY", proxy.String())
	c := NewClient(ClientConfig{})
	if c.secure.Proxy != nil || c.plain.Proxy != nil {
		t.Error("the transport has a proxy")
	}
}

func TestBlockedHosts(t *testing.T) {
	asked := ""
	c := NewClient(ClientConfig{Blocked: func(_ context.Context, host string) (bool, error) { asked = host; return true, nil }})
	for raw, host := range map[string]string{"https://EVIL.example:443/x": "evil.example", "https://evil.example:8443/": "evil.example:8443"} {
		if _, err := c.Fetch(t.Context(), raw, nil); !errors.Is(err, ErrBlocked) || asked != host {
			t.Errorf("%s: asked for %q, %v", raw, asked, err)
		}
		if err := c.Post(t.Context(), raw, nil, nil); !errors.Is(err, ErrBlocked) {
			t.Errorf("%s: posting: %v", raw, err)
		}
	}
	c = NewClient(ClientConfig{Blocked: func(context.Context, string) (bool, error) { return false, errors.New("no answer") }})
	if _, err := c.Fetch(t.Context(), "https://evil.example/", nil); !errors.Is(err, ErrTemporary) {
		t.Errorf("without an answer: %v", err)
	}
}

// fakeDNS answers A queries from a table, the addresses of a name in turn.
func fakeDNS(t *testing.T, table map[string][]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		turn := map[string]int{}
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if all := table[q.Name.String()]; len(all) > 0 && q.Type == dnsmessage.TypeA {
				a := netip.MustParseAddr(all[turn[q.Name.String()]%len(all)])
				turn[q.Name.String()]++
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: a.As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: time.Second}
		return d.DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
}
