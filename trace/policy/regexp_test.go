package policy

import "testing"

func TestMayBegin(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		want    bool
	}{
		{"/acme/(app|lib)", true},
		{"/acmee/(app|lib)", false},
		{"/acm/app", false},
		{"/(x|acme)/app", true},
		{"/(x|y)/app", false},
		{"/acme(-labs)?/app", true},
		{"/acme-(labs)?/app", false},
		{".*", true},
		{"/a*c+me/.+", true},
		{"(?i)/ACME/app", true},
		{"/ACME/app", false},
		{"/[^a]+/app", false},
		{"/acme", false},
		{`/\bacme\b/app`, true},
		{"^/acme/app$", true},
		{"(", true},
	} {
		if got := mayBegin(tt.pattern, "/acme/"); got != tt.want {
			t.Errorf("%s: %v", tt.pattern, got)
		}
	}
}
