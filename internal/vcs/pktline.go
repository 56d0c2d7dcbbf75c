package vcs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// pkt is one packet of git's protocol: a line, or one of the marks between
// lines.
type pkt struct {
	mark pktMark
	line string // without its newline
}

type pktMark int

const (
	dataPkt  pktMark = iota
	flushPkt         // ends a message
	delimPkt         // parts the sections of one
)

const maxPktBytes = 65520 // with its length

// pktReader takes packets from a whole answer.
type pktReader struct{ left string }

func (r *pktReader) next() (pkt, error) {
	if len(r.left) < 4 {
		return pkt{}, errors.New("git's answer ends where a packet is due")
	}
	head := r.left[:4]
	n, err := strconv.ParseUint(head, 16, 16)
	if err != nil || strings.ToLower(head) != head {
		return pkt{}, fmt.Errorf("packet length %q: want four hex digits", head)
	}
	switch {
	case n == 0:
		r.left = r.left[4:]
		return pkt{mark: flushPkt}, nil
	case n == 1:
		r.left = r.left[4:]
		return pkt{mark: delimPkt}, nil
	case n <= 4 || n > maxPktBytes:
		return pkt{}, fmt.Errorf("packet length %q is none", head)
	case int(n) > len(r.left):
		return pkt{}, fmt.Errorf("git's answer ends within a packet, %d bytes too early", int(n)-len(r.left))
	}
	line := strings.TrimSuffix(r.left[4:n], "\n")
	r.left = r.left[n:]
	if message, ok := strings.CutPrefix(line, "ERR "); ok {
		return pkt{}, fmt.Errorf("git's server says %s", quoted(message))
	}
	return pkt{line: line}, nil
}

// end wants that nothing follows.
func (r *pktReader) end() error {
	if r.left != "" {
		return fmt.Errorf("%d bytes after the end of git's answer", len(r.left))
	}
	return nil
}

// line writes a packet.
func line(s string) string { return fmt.Sprintf("%04x%s\n", len(s)+5, s) }

const (
	flush = "0000"
	delim = "0001"
)

// quoted shows a server's words, in part if they are many.
func quoted(s string) string {
	if len(s) > 200 {
		s = s[:200] + "..."
	}
	return strconv.Quote(s)
}
