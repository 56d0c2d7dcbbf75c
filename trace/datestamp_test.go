package trace

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRelative(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[string]time.Duration{
		"": 0, "0 seconds": 0, "1 day": day, "14 days": 14 * day, "1 year": 365 * day, "3 months": 90 * day,
		"2 weeks": 14 * day, "1 day 2 hours": 26 * time.Hour, "1d2h3m4s": day + 2*time.Hour + 3*time.Minute + 4*time.Second,
		"90 min": 90 * time.Minute, " 1 hour ": time.Hour, "+1 hour": time.Hour, "-5 minutes": -5 * time.Minute,
		"1y": 365 * day, "1 mo": 30 * day, "1w": 7 * day,
	} {
		if got, err := parseRelative(in); err != nil || got != want {
			t.Errorf("parseRelative(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"day", "1", "1 fortnight", "1 day and 2 hours", "1.5 days", "1 day -2 hours", "--1 day", "1 ms",
		"999999 years", "9999999 seconds", "١ day", "2026-01-01T00:00:00Z",
	} {
		if got, err := parseRelative(in); err == nil {
			t.Errorf("parseRelative(%q) = %v", in, got)
		}
	}
}

func TestStampsAreResolvedAnywhere(t *testing.T) {
	created := time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	rel := func(s string) any { return map[string]any{"relative-datestamp": s} }
	got, err := resolveStamps(map[string]any{
		"deadline": rel("1 day"), "same": rel("1 day"), "other": rel("1 day"),
		"list":       []any{rel("1 hour"), "text"},
		"with more":  map[string]any{"relative-datestamp": "1 day", "x": true},
		"not a text": map[string]any{"relative-datestamp": 1.0},
	}, map[string]any{
		"same":  "2026-03-02T13:00:00.123+01:00", // the same instant keeps its spelling
		"other": "2026-03-02T12:00:00.124Z",
	}, created)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"deadline": "2026-03-02T12:00:00.123Z", "same": "2026-03-02T13:00:00.123+01:00", "other": "2026-03-02T12:00:00.123Z",
		"list":       []any{"2026-03-01T13:00:00.123Z", "text"},
		"with more":  map[string]any{"relative-datestamp": "1 day", "x": true},
		"not a text": map[string]any{"relative-datestamp": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := resolveStamps([]any{rel("soon")}, nil, created); err == nil {
		t.Error("a stamp that can't be read was resolved")
	}
}
