package trace

import (
	"strings"
	"testing"
)

// TestClaimsAreShort: each bound of what is taken at a task's word, and one byte
// or one part more.
func TestClaimsAreShort(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	segments := func(n int) string { return "refs/heads" + strings.Repeat("/a", n) }
	for name, tt := range map[string]struct {
		syntax     claimSyntax
		good, evil string
	}{
		"word":             {claimedWord, a(100), a(101)},
		"empty word":       {claimedWord, a(1), ""},
		"bot's name":       {claimedWord, a(80) + "[bot]", a(81) + "[bot]"},
		"bot's host":       {claimedWord, "a[bot]@" + a(80), "a[bot]@" + a(81)},
		"bot, whole":       {claimedWord, a(80) + "[bot]@" + a(14), a(80) + "[bot]@" + a(15)},
		"segment of a ref": {claimedRef, "refs/heads/" + a(100), "refs/heads/" + a(101)},
		"inner segment":    {claimedRef, "refs/tags/" + a(100) + "/x", "refs/tags/" + a(101) + "/x"},
		"segments":         {claimedRef, segments(10), segments(11)},
		"ref, whole": {
			claimedRef,
			"refs/heads/" + a(100) + "/" + a(100) + "/" + a(42), "refs/heads/" + a(100) + "/" + a(100) + "/" + a(43),
		},
		"client": {claimedClient, a(256), a(257)},
		"commit": {claimedCommit, a(64), a(65)},
		"digits": {claimedTime, strings.Repeat("1", 16), strings.Repeat("1", 17)},
		"task":   {claimedTaskID, a(22), a(23)},
	} {
		if !tt.syntax.matches(tt.good) {
			t.Errorf("%s: %s is refused", name, tt.good)
		}
		if tt.syntax.matches(tt.evil) {
			t.Errorf("%s: %s is accepted", name, tt.evil)
		}
	}
}
