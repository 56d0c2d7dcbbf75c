package castore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/internal/durable"
)

// Entry is a line of the index: a certificate, and what became of it.
type Entry struct {
	Serial    *big.Int
	Issuer    string // name of the issuer
	NotBefore time.Time
	NotAfter  time.Time
	Identity  string // SPIFFE ID, or "CA NAME" of an intermediate

	Revoked      time.Time // zero: it is not
	Reason       string
	InvalidSince time.Time // zero: not known
}

// IsRevoked tells whether the certificate is revoked.
func (e Entry) IsRevoked() bool { return !e.Revoked.IsZero() }

// SerialText is a serial number as the index and file names have it.
func SerialText(n *big.Int) string { return fmt.Sprintf("%040x", n) }

// ParseSerial reads a serial number in hex; colons, a leading 0x and upper case,
// as other programs print them, are allowed.
func ParseSerial(s string) (*big.Int, bool) {
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(s), "0x"), ":", "")
	if digits == "" || len(digits) > 40 || strings.Trim(digits, "0123456789abcdef") != "" {
		return nil, false
	}
	return new(big.Int).SetString(digits, 16)
}

const header = "# status\tserial\tissuer\tnot before\tnot after\tidentity\trevoked\treason\tinvalid since\n"

const columns = 9

// Statuses of a line.
const (
	good    = "good"
	revoked = "revoked"
)

// Index reads the index.
func (d *Dir) Index() ([]Entry, error) {
	name := d.Path("index")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		return nil, fmt.Errorf("%s: the last line is cut off", name)
	}
	var out []Entry
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		e, err := parseEntry(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// CreateIndex makes the index of a new CA, which is what makes it one.
func (d *Dir) CreateIndex(entries ...Entry) error {
	if _, err := os.Lstat(d.Path("index")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", d.Path("index"), fs.ErrExist)
	}
	return d.SetIndex(entries)
}

// SetIndex writes the index anew. The caller holds the lock since it read it.
func (d *Dir) SetIndex(entries []Entry) error {
	var b bytes.Buffer
	b.WriteString(header)
	for _, e := range entries {
		b.WriteString(e.line())
	}
	return durable.Replace(d.Path("index"), b.Bytes(), 0o600)
}

func (e Entry) line() string {
	fields := []string{
		good, SerialText(e.Serial), e.Issuer, e.NotBefore.UTC().Format(time.RFC3339), e.NotAfter.UTC().Format(time.RFC3339), e.Identity,
		"-", "-", "-",
	}
	if e.IsRevoked() {
		fields[0], fields[6], fields[7] = revoked, e.Revoked.UTC().Format(time.RFC3339), e.Reason
		if !e.InvalidSince.IsZero() {
			fields[8] = e.InvalidSince.UTC().Format(time.RFC3339)
		}
	}
	return strings.Join(fields, "\t") + "\n"
}

func parseEntry(line string) (Entry, error) {
	f := strings.Split(line, "\t")
	if len(f) != columns {
		return Entry{}, fmt.Errorf("%d columns, want %d", len(f), columns)
	}
	e := Entry{Issuer: f[2], Identity: f[5]}
	var ok bool
	if e.Serial, ok = ParseSerial(f[1]); !ok {
		return Entry{}, fmt.Errorf("%.60q is no serial number", f[1])
	}
	var err error
	at := func(s string) (t time.Time) {
		if s == "-" || err != nil {
			return time.Time{}
		}
		t, err = time.Parse(time.RFC3339, s)
		return t
	}
	e.NotBefore, e.NotAfter, e.Revoked, e.InvalidSince = at(f[3]), at(f[4]), at(f[6]), at(f[8])
	if err != nil {
		return Entry{}, err
	}
	switch {
	case f[0] == good && f[6] == "-" && f[7] == "-" && f[8] == "-":
	case f[0] == revoked && e.IsRevoked() && f[7] != "-":
		e.Reason = f[7]
	default:
		return Entry{}, fmt.Errorf("status %.20q with revocation %.30q for %.30q: want good without, or revoked with both", f[0], f[6], f[7])
	}
	return e, nil
}
