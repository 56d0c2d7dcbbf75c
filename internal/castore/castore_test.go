package castore

import (
	"context"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func create(t testing.TB) *Dir {
	t.Helper()
	d, err := Create(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.CreateIndex(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIndexIsReadAsWritten(t *testing.T) {
	d := create(t)
	at := time.Date(2026, 7, 1, 2, 3, 4, 0, time.UTC)
	want := []Entry{
		{Serial: big.NewInt(1), Issuer: "intermediate", NotBefore: at, NotAfter: at.Add(time.Hour), Identity: "spiffe://a/b"},
		{Serial: new(big.Int).Lsh(big.NewInt(1), 158), Issuer: Root, NotBefore: at, NotAfter: at, Identity: "CA x", Revoked: at, Reason: "superseded"},
		{Serial: big.NewInt(3), Issuer: "i", NotBefore: at, NotAfter: at, Identity: "x", Revoked: at, Reason: "keyCompromise", InvalidSince: at},
	}
	if err := d.SetIndex(want); err != nil {
		t.Fatal(err)
	}
	d, err := Open(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Index()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBrokenIndexIsRefused(t *testing.T) {
	good := "good\t01\ti\t2026-07-01T00:00:00Z\t2026-07-01T00:00:00Z\tx\t-\t-\t-\n"
	for name, text := range map[string]string{
		"cut off":             strings.TrimSuffix(good, "\n"),
		"a column short":      "good\t01\ti\n",
		"no serial number":    strings.Replace(good, "01", "xyz", 1),
		"no status":           strings.Replace(good, "good", "fine", 1),
		"good and revoked":    strings.Replace(good, "-\t-\t-", "2026-07-01T00:00:00Z\tsuperseded\t-", 1),
		"revoked, no time":    strings.Replace(good, "good", "revoked", 1),
		"revoked, no reason":  strings.Replace(strings.Replace(good, "good", "revoked", 1), "-\t-\t-", "2026-07-01T00:00:00Z\t-\t-", 1),
		"a time that is none": strings.Replace(good, "2026-07", "2026-77", 1),
	} {
		d := create(t)
		if err := os.WriteFile(d.Path("index"), []byte(good+text), 0o600); err != nil {
			t.Fatal(err)
		}
		if e, err := d.Index(); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	d := create(t)
	unlock, err := d.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second writer: %v", err)
	}
	unlock()
	unlock, err = d.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestCRLNumbersOnlyGrow(t *testing.T) {
	d := create(t)
	for _, c := range []struct{ atLeast, want int64 }{{0, 1}, {0, 2}, {40, 41}, {3, 42}} {
		got, err := d.NextCRLNumber(big.NewInt(c.atLeast))
		if err != nil || got.Int64() != c.want {
			t.Errorf("above %d: %v, %v, want %d", c.atLeast, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "x", "-1", "01", "1 2"} {
		if err := os.WriteFile(d.Path("crlnumber"), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := d.NextCRLNumber(nil); err == nil {
			t.Errorf("after %q comes %v", bad, n)
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	d := create(t)
	if err := d.CreateFile([]byte("a"), "keys", "x.key"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{d.CreateFile([]byte("b"), "keys", "x.key"), d.CreateIndex()} {
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("want %v, found %v", fs.ErrExist, err)
		}
	}
	if _, err := Create(d.Path()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second CA in the same place: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("an empty directory is a CA")
	}
}

func TestSerials(t *testing.T) {
	for _, s := range []string{"ff", "0xFF", "00:ff", "FF"} {
		if n, ok := ParseSerial(s); !ok || n.Int64() != 255 {
			t.Errorf("%q: %v", s, n)
		}
	}
	for _, s := range []string{"", "0x", ":", "-1", "+1", "1_0", " 1", strings.Repeat("1", 41)} {
		if n, ok := ParseSerial(s); ok {
			t.Errorf("%q: %v", s, n)
		}
	}
	for _, bad := range []string{"", Root, "A", "a/b", "..", "a.b", strings.Repeat("a", 41)} {
		if CheckName(bad) == nil {
			t.Errorf("%q names an intermediate", bad)
		}
	}
}

func FuzzIndexLine(f *testing.F) {
	f.Add("good\t01\ti\t2026-07-01T00:00:00Z\t2026-07-01T00:00:00Z\tx\t-\t-\t-")
	f.Add("revoked\t01\ti\t2026-07-01T00:00:00Z\t2026-07-01T00:00:00Z\tx\t2026-07-01T00:00:00Z\tsuperseded\t-")
	f.Fuzz(func(t *testing.T, line string) {
		e, err := parseEntry(line)
		if err != nil {
			return
		}
		again, err := parseEntry(strings.TrimSuffix(e.line(), "\n"))
		if err != nil || again.line() != e.line() {
			t.Errorf("%q is written as %q: %v", line, e.line(), err)
		}
	})
}
