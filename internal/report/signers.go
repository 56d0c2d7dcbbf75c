package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

// briefDistrusted bounds the tasks that would not verify, unless the text is
// verbose.
const briefDistrusted = 20

// Distrusted is the one line that says what would not verify if the ids that
// the caller named were trusted no more. It is empty if nothing would not.
func Distrusted(r *trace.Report) string {
	d := r.Distrusted
	if d == nil || len(d.Tasks) == 0 {
		return ""
	}
	signed := 0
	for _, task := range d.Tasks {
		if len(task.IDs) > 0 {
			signed++
		}
	}
	return fmt.Sprintf("without %s %d of %s would not verify: %d by what signed them, %d by what they rest on",
		shortIDs(d.IDs), len(d.Tasks), count(len(r.Tasks)-listed(r), "task"), signed, len(d.Tasks)-signed)
}

// distrusted lists what would not verify, and says which ids nothing rests on.
func (t *text) distrusted(r *trace.Report) {
	d := r.Distrusted
	if d == nil {
		return
	}
	if s := Distrusted(r); s != "" {
		t.printf("  %s %s\n", t.color(red, "distrusted"), s)
	}
	for i := range d.Tasks {
		if !t.o.Verbose && i == briefDistrusted {
			t.printf("      and %s (-v lists them)\n", count(len(d.Tasks)-i, "further task"))
			break
		}
		task := &d.Tasks[i]
		label := taskLabel(&trace.Task{TaskID: task.TaskID, RunID: task.RunID, Name: task.Name})
		if len(task.IDs) > 0 {
			t.printf("      %s, signed by %s\n", label, shortIDs(task.IDs))
		} else {
			t.printf("      %s, rests on %s\n", label, Clean(task.Through))
		}
	}
	for _, id := range d.Unused {
		t.printf("  note no signature that was verified here rests on %s\n", Clean(id))
	}
}

// shortIDs shows enough of ids to compare by eye.
func shortIDs(ids []string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		key, serial, isCertificate := strings.Cut(id, ":")
		switch {
		case strings.HasPrefix(id, "spiffe:"):
			out[i] = Clean(id)
		case isCertificate:
			out[i] = short(Clean(key)) + ":" + Clean(serial)
		default:
			out[i] = short(Clean(id))
		}
	}
	return strings.Join(out, ", ")
}

// signers lists who signed how much, and until when they can: what is read
// before a rotation.
func (t *text) signers(r *trace.Report) {
	now := r.VerifiedAt
	if r.At != nil {
		now = *r.At
	}
	if len(r.Signers) > 0 {
		t.printf("signers:\n")
	}
	for _, s := range r.Signers {
		t.printf("  %s signed by %s", count(s.Tasks, "task"), Clean(s.Identity))
		if s.Method != "key" && s.Method != "certificate" {
			t.printf(", %s", Clean(s.Method))
		}
		if s.Certificate != "" {
			t.printf(", certificate %s", Clean(s.Certificate))
		}
		t.printf(", key %s", Clean(s.KeyID))
		t.printf("%s\n", t.ends(s.NotAfter, now))
	}
}

// ends says when something ends, seen from now.
func (t *text) ends(end *time.Time, now time.Time) string {
	if end == nil {
		return ""
	}
	left := end.Sub(now)
	days := count(int(left.Abs()/(24*time.Hour)), "day")
	s := ", until " + end.UTC().Format(time.RFC3339)
	if left < 0 {
		return s + " (" + t.color(yellow, "expired "+days+" ago") + ")"
	}
	return s + " (expires in " + days + ")"
}
