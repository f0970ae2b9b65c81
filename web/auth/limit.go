package auth

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/social"
)

// ClientIP is the address a request comes from. What proxies say counts only when it is a trusted proxy
// that says it: then the last address in X-Forwarded-For that is not one of those.
func (a *Auth) ClientIP(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := peer.Addr().Unmap()
	if !a.trusted(addr) {
		return addr.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
		if !a.trusted(addr) {
			break
		}
	}
	return addr.String()
}

func (a *Auth) trusted(addr netip.Addr) bool {
	for _, p := range a.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// limitKey is whose limit a request spends: an account's, or an address's (a /64 of IPv6, which is one
// household).
func (a *Auth) limitKey(c echo.Context) string {
	if w := From(c); w.Account != nil {
		return "account " + w.Account.ID.String()
	}
	return a.addressKey(c.Request())
}

func (a *Auth) addressKey(r *http.Request) string {
	ip := a.ClientIP(r)
	if addr, err := netip.ParseAddr(ip); err == nil && addr.Is6() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			return "address " + p.String()
		}
	}
	return "address " + ip
}

// Limit counts a request against l and tells the client how much is left, as clients expect it.
func (a *Auth) Limit(l social.Limit) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			u, ok := a.s.Limits.Take(l, a.limitKey(c))
			tell(c, u)
			if !ok {
				c.Response().Header().Set("Retry-After", strconv.Itoa(int(u.Wait.Seconds())+1))
				return social.ErrLimited
			}
			return next(c)
		}
	}
}

func tell(c echo.Context, u social.Usage) {
	h := c.Response().Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(u.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(u.Remaining))
	h.Set("X-RateLimit-Reset", u.Reset.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// Spend counts one attempt at something guessable, by the asker's address and, where one is named, by
// what is attacked: an account or a mailbox. social.ErrLimited when either is used up.
func (a *Auth) Spend(c echo.Context, l social.Limit, target string) error {
	keys := []string{a.addressKey(c.Request())}
	if target != "" {
		keys = append(keys, "target "+strings.ToLower(target))
	}
	for _, k := range keys {
		if u, ok := a.s.Limits.Take(l, k); !ok {
			c.Response().Header().Set("Retry-After", strconv.Itoa(int(u.Wait/time.Second)+1))
			return social.ErrLimited
		}
	}
	return nil
}
