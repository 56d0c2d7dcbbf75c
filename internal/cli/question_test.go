package cli

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A long file does not keep a signal waiting.
func TestHashingEndsWithItsContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := []byte(strings.Repeat("content", 10_000))
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	short, long := sha256.Sum256(content), sha512.Sum512(content)
	file, sum, err := hashFile(t.Context(), name)
	if err != nil || file.SHA256 != hex.EncodeToString(short[:]) || sum != hex.EncodeToString(long[:]) || file.Bytes != int64(len(content)) {
		t.Errorf("%+v, %s, %v", file, sum, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := hashFile(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
