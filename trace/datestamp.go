package trace

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// queueTime is how Taskcluster writes times: RFC 3339 in UTC with milliseconds.
const queueTime = "2006-01-02T15:04:05.000Z"

var relativePart = regexp.MustCompile(`^\s*(\d{1,6})\s*(years?|yr?|months?|mo|weeks?|w|days?|d|hours?|h|minutes?|min|m|seconds?|s)`)

// parseRelative reads taskgraph's relative times, such as "1 day 2 hours": a
// year has 365 days and a month 30.
func parseRelative(s string) (time.Duration, error) {
	rest, sign := strings.TrimSpace(s), time.Duration(1)
	if r, ok := strings.CutPrefix(rest, "-"); ok {
		rest, sign = r, -1
	} else {
		rest = strings.TrimPrefix(rest, "+")
	}
	if rest == "" {
		return 0, nil
	}
	var sum time.Duration
	for rest != "" {
		m := relativePart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("%q is not a relative time", clipText(s))
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		d, ok := unit(m[2])
		if !ok || time.Duration(n) > (200*365*24*time.Hour)/d {
			return 0, fmt.Errorf("%q is out of range", clipText(s))
		}
		sum += time.Duration(n) * d
		rest = strings.TrimSpace(rest[len(m[0]):])
	}
	return sign * sum, nil
}

func unit(s string) (time.Duration, bool) {
	const day = 24 * time.Hour
	switch {
	case strings.HasPrefix(s, "y"):
		return 365 * day, true
	case strings.HasPrefix(s, "mo"):
		return 30 * day, true
	case strings.HasPrefix(s, "w"):
		return 7 * day, true
	case strings.HasPrefix(s, "d"):
		return day, true
	case strings.HasPrefix(s, "h"):
		return time.Hour, true
	case strings.HasPrefix(s, "m"):
		return time.Minute, true
	case strings.HasPrefix(s, "s"):
		return time.Second, true
	}
	return 0, false
}

// resolveStamps copies a task graph's value with every {"relative-datestamp":
// "…"} resolved against created. Where got has the same instant in another
// spelling, that spelling is taken, so that only instants are compared.
func resolveStamps(v, got any, created time.Time) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if rel, ok := v["relative-datestamp"].(string); ok && len(v) == 1 {
			d, err := parseRelative(rel)
			if err != nil {
				return nil, err
			}
			at := created.Add(d)
			if s, ok := got.(string); ok {
				if t, err := time.Parse(time.RFC3339, s); err == nil && t.Truncate(time.Millisecond).Equal(at.Truncate(time.Millisecond)) {
					return s, nil
				}
			}
			return at.UTC().Format(queueTime), nil
		}
		m := make(map[string]any, len(v))
		g, _ := got.(map[string]any)
		for k, e := range v {
			r, err := resolveStamps(e, g[k], created)
			if err != nil {
				return nil, err
			}
			m[k] = r
		}
		return m, nil
	case []any:
		l := make([]any, len(v))
		g, _ := got.([]any)
		for i, e := range v {
			var other any
			if i < len(g) {
				other = g[i]
			}
			r, err := resolveStamps(e, other, created)
			if err != nil {
				return nil, err
			}
			l[i] = r
		}
		return l, nil
	}
	return v, nil
}

func clipText(s string) string {
	if len(s) > 100 {
		return s[:97] + "..."
	}
	return s
}
