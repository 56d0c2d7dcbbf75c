package report

import (
	"bytes"
	"strings"
	"testing"
)

// However the bytes come, and wherever a character is cut, what is written is
// the same.
func TestCleanerWritesWhatCleanJSONGives(t *testing.T) {
	text := []byte(strings.Repeat("\"a\u202e\u00e9\U000e0041\xff\x1b日本\",\n", 20_000))
	want := append(CleanJSON(text), '\n')
	for _, step := range []int{1, 7, 1000, cleanerBytes - 1, cleanerBytes + 1, len(text)} {
		var got bytes.Buffer
		c := cleaner{w: &got}
		for rest := text; len(rest) > 0; rest = rest[min(step, len(rest)):] {
			if _, err := c.Write(rest[:min(step, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.end(); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("in steps of %d: %d bytes, %v; want %d", step, got.Len(), err, len(want))
		}
	}
}
