package pkix

import (
	"net/url"
	"strings"
)

// validHost tells whether s is a domain name in the preferred syntax (RFC 1034
// §3.5, RFC 1123 §2.1): no address, no empty label, no dot at the end. SPIFFE
// trust domains may have underscores.
func validHost(s string, underscore bool) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for _, c := range []byte(l) {
			if !isAlphanumeric(c) && c != '-' && (c != '_' || !underscore) {
				return false
			}
		}
	}
	// A last label of digits is an address, or is taken for one.
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// below tells whether host is one or more labels under parent. Both are lower
// case.
func below(host, parent string) bool {
	return len(host) > len(parent) && strings.HasSuffix(host, parent) && host[len(host)-len(parent)-1] == '.'
}

// uriHost gives the host of a URI's authority in lower case. It is empty where
// there is none, or an address, to which URI constraints can't be applied. ok is
// false for what is no absolute URI (RFC 5280 §4.2.1.6).
func uriHost(s string) (host string, ok bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return "", false
	}
	if h := u.Hostname(); validHost(h, true) {
		return strings.ToLower(h), true
	}
	return "", true
}

// splitMailbox splits an address (RFC 5321 §4.1.2) into its local part, which
// has cases, and its host in lower case. Address literals are no host.
func splitMailbox(s string) (local, host string, ok bool) {
	i := strings.LastIndexByte(s, '@')
	if i < 1 || i > 64 || !validHost(s[i+1:], false) {
		return "", "", false
	}
	local = s[:i]
	if local[0] == '"' {
		return local, strings.ToLower(s[i+1:]), validQuoted(local)
	}
	for _, atom := range strings.Split(local, ".") {
		if atom == "" {
			return "", "", false
		}
		for _, c := range []byte(atom) {
			if !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", rune(c)) {
				return "", "", false
			}
		}
	}
	return local, strings.ToLower(s[i+1:]), true
}

func validQuoted(s string) bool {
	if len(s) < 3 || s[len(s)-1] != '"' {
		return false
	}
	escaped := false
	for _, c := range []byte(s[1 : len(s)-1]) {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return false
		}
	}
	return !escaped
}
