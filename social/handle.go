package social

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxHandle       = 30  // letters of a name here
	maxRemoteHandle = 100 // letters of a name elsewhere
	maxHost         = 253 // bytes of a host name without its port
)

// ValidHandle tells whether name can be the handle of a person here:
// [a-z0-9_]{1,30}.
func ValidHandle(name string) bool {
	if name == "" || len(name) > maxHandle {
		return false
	}
	for i := 0; i < len(name); i++ {
		if !isHandleByte(name[i]) {
			return false
		}
	}
	return true
}

// ValidSlug tells whether name can be the name of a circle: like a handle, and
// single hyphens may stand inside it (2012-3).
func ValidSlug(name string) bool {
	if name == "" || len(name) > maxHandle {
		return false
	}
	for i := 0; i < len(name); i++ {
		if name[i] == '-' {
			if i == 0 || i == len(name)-1 || name[i-1] == '-' {
				return false
			}
		} else if !isHandleByte(name[i]) {
			return false
		}
	}
	return true
}

func isHandleByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
}

// ReservedHandle tells whether nobody may sign up under this name, because it
// would pass for the instance, for someone in office, or for a path of ours.
// The operator's own commands may still use these names.
func ReservedHandle(name string) bool {
	_, reserved := reservedHandles[strings.ReplaceAll(strings.ToLower(name), "-", "_")]
	return reserved
}

var reservedHandles = func() map[string]struct{} {
	const words = `abuse account accounts activities actor admin administrator admins alerts all announcements
		anonymous api auth backup billing bot c circle circles cohort contact direct everybody everyone explore
		feedback federation followers following healthz help here home hostmaster inbox info instance invite
		invites legal local login logout mail mailer mailer_daemon me media metrics mod moderation moderator
		moderators mods myself no_reply nodeinfo nobody noreply notifications ns null oauth official operator
		outbox password policy postmaster posts privacy public readyz register registration root rules
		school search security seat seats self server settings share signin signout signup staff start static
		status steward stewards streaming support sysadmin system tags team terms undefined user users
		verification verifier verifiers verify webfinger webmaster well_known www`
	set := make(map[string]struct{})
	for word := range strings.FieldsSeq(words) {
		set[word] = struct{}{}
	}
	return set
}()

// ParseAddress reads what people type or paste as the address of an account:
// "user", "@user", "user@host", "@user@host:port", "acct:user@host". The handle
// comes back in lower case; host is empty for an account here, else it is as
// NormalizeHost gives it. Anything else is an *Invalid on the field "address".
func ParseAddress(s string) (handle, host string, err error) {
	invalid := &Invalid{Field: "address", Key: "invalid.address"}
	if len(s) > 4*(maxRemoteHandle+maxHost) {
		return "", "", invalid
	}
	s = strings.TrimSpace(strings.ReplaceAll(s, "＠", "@"))
	if len(s) > 5 && strings.EqualFold(s[:5], "acct:") {
		s = s[5:]
	}
	s = strings.TrimPrefix(s, "@")
	handle, host, remote := strings.Cut(s, "@")
	if !validRemoteHandle(handle) {
		return "", "", invalid
	}
	if remote {
		var ok bool
		if host, ok = NormalizeHost(host); !ok {
			return "", "", invalid
		}
	}
	return strings.ToLower(handle), host, nil
}

// validRemoteHandle is what a name may look like on any server: ASCII letters,
// digits and '_', with '.' and '-' inside.
func validRemoteHandle(name string) bool {
	if name == "" || len(name) > maxRemoteHandle {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case isWordByte(c):
		case (c == '.' || c == '-') && i > 0 && i < len(name)-1:
		default:
			return false
		}
	}
	return true
}

func isWordByte(c byte) bool {
	return isHandleByte(c) || c >= 'A' && c <= 'Z'
}

// NormalizeHost gives the one form of a host[:port] that addresses and
// authorities are compared in: lower case, IDNA A-labels, no trailing dot, a
// port kept as written if it is a plain number from 1 to 65535. It reports
// false for everything that is no host name; IPv6 literals are none.
func NormalizeHost(s string) (string, bool) {
	if s == "" || len(s) > 4*maxHost || !utf8.ValidString(s) {
		return "", false
	}
	name, port, hasPort := strings.Cut(s, ":")
	if hasPort && !validPort(port) {
		return "", false
	}
	name = strings.TrimSuffix(name, ".")
	if isPlainHost(name) {
		name = strings.ToLower(name)
	} else {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil || !isPlainHost(ascii) {
			return "", false
		}
		name = ascii
	}
	if lastLabelIsNumber(name) {
		if addr, err := netip.ParseAddr(name); err != nil || addr.String() != name {
			return "", false // 127.1, 0x7f.1 and their like mean an address to some resolvers
		}
	}
	if hasPort {
		name += ":" + port
	}
	return name, true
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}

// isPlainHost tells whether name is an ASCII host name that needs no IDNA work:
// labels of letters, digits and inner hyphens. Labels that claim to be encoded
// are decoded and checked like any other.
func isPlainHost(name string) bool {
	if name == "" || len(name) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if !isWordByte(label[i]) && label[i] != '-' || label[i] == '_' {
				return false
			}
		}
		if len(label) >= 4 && strings.EqualFold(label[:4], "xn--") {
			if decoded, err := idna.Lookup.ToUnicode(strings.ToLower(label)); err != nil || decoded == "" {
				return false
			}
		}
	}
	return true
}

func lastLabelIsNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if strings.HasPrefix(last, "0x") {
		last = strings.Trim(last[2:], "abcdef")
	}
	return strings.Trim(last, "0123456789") == ""
}
