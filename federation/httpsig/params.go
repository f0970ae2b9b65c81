package httpsig

import (
	"fmt"
	"strings"
)

const (
	maxHeader  = 8 << 10
	maxParams  = 16
	maxKeyID   = 2048
	maxCovered = 32
)

// params are the parameters of one Signature header, each with its exact text.
type params struct {
	keyID     string
	algorithm string
	headers   string
	signature string
	created   string
	expires   string
}

// parseParams reads `name="value", name=value, …`. It is our own, because the
// library splits at every comma, quoted or not, does not mind repeated names
// (the last wins, where others take the first) and stumbles over spaces after
// commas. Unknown names are passed over; known ones must be unique whatever
// their case.
func parseParams(text string) (params, error) {
	var p params
	if len(text) > maxHeader {
		return p, fmt.Errorf("%w: header is too long", ErrMalformed)
	}
	seen := make(map[string]bool, 6)
	for rest, more := text, true; more; {
		name, value, tail, err := nextParam(rest)
		if err != nil {
			return p, err
		}
		name = strings.ToLower(name)
		if seen[name] {
			return p, fmt.Errorf("%w: repeated parameter", ErrMalformed)
		}
		if seen[name] = true; len(seen) > maxParams {
			return p, fmt.Errorf("%w: too many parameters", ErrMalformed)
		}
		p.set(name, value)
		rest, more = strings.CutPrefix(tail, ",")
	}
	if p.keyID == "" || p.signature == "" || len(p.keyID) > maxKeyID {
		return p, fmt.Errorf("%w: key id or signature is missing or too long", ErrMalformed)
	}
	return p, nil
}

func (p *params) set(name, value string) {
	switch name {
	case "keyid":
		p.keyID = value
	case "algorithm":
		p.algorithm = strings.ToLower(value)
	case "headers":
		p.headers = value
	case "signature":
		p.signature = value
	case "created":
		p.created = value
	case "expires":
		p.expires = value
	}
}

// nextParam cuts one parameter off the front; what is left is empty or starts
// with the comma that announces another.
func nextParam(text string) (name, value, rest string, err error) {
	text = strings.TrimLeft(text, " \t")
	n := 0
	for n < len(text) && isTokenByte(text[n]) {
		n++
	}
	name, text = text[:n], strings.TrimLeft(text[n:], " \t")
	if name == "" || !strings.HasPrefix(text, "=") {
		return "", "", "", fmt.Errorf("%w: parameter without a name or a value", ErrMalformed)
	}
	text = strings.TrimLeft(text[1:], " \t")
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		// Escapes are refused: readers disagree about them, and none of the
		// values has any use for one.
		end := strings.IndexFunc(quoted, unquotable)
		if end < 0 || quoted[end] != '"' {
			return "", "", "", fmt.Errorf("%w: bad quoted value", ErrMalformed)
		}
		value, rest = quoted[:end], quoted[end+1:]
	} else {
		n = 0
		for n < len(text) && (isTokenByte(text[n]) || text[n] == '/' || text[n] == '=' || text[n] == ':') {
			n++
		}
		value, rest = text[:n], text[n:]
		if value == "" {
			return "", "", "", fmt.Errorf("%w: parameter without a value", ErrMalformed)
		}
	}
	rest = strings.TrimLeft(rest, " \t")
	if rest != "" && rest[0] != ',' {
		return "", "", "", fmt.Errorf("%w: text after a value", ErrMalformed)
	}
	return name, value, rest, nil
}

// isTokenByte is the token character of HTTP.
func isTokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// coveredNames splits the list of signed headers, in lower case. Repeats and
// pseudo headers we do not know are refused.
func coveredNames(text string) ([]string, error) {
	names := strings.Fields(strings.ToLower(text))
	if len(names) == 0 || len(names) > maxCovered {
		return nil, fmt.Errorf("%w: covers nothing, or too much", ErrMalformed)
	}
	for i, name := range names {
		switch name {
		case "(request-target)", "(created)", "(expires)":
		default:
			for k := 0; k < len(name); k++ {
				if !isTokenByte(name[k]) {
					return nil, fmt.Errorf("%w: bad name among the covered headers", ErrMalformed)
				}
			}
		}
		for _, earlier := range names[:i] {
			if earlier == name {
				return nil, fmt.Errorf("%w: header covered twice", ErrMalformed)
			}
		}
	}
	return names, nil
}
