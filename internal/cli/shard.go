package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mozilla-releng/cot/trace"
)

// shardFlag is K/N; nil: all.
type shardFlag struct{ part *trace.Part }

func (f *shardFlag) String() string {
	if f.part == nil {
		return ""
	}
	return fmt.Sprintf("%d/%d", f.part.K, f.part.N)
}

// Set reads two numbers in decimal, without signs or leading zeros.
func (f *shardFlag) Set(s string) error {
	k, n, _ := strings.Cut(s, "/")
	var p trace.Part
	var err1, err2 error
	p.K, err1 = strconv.Atoi(k)
	p.N, err2 = strconv.Atoi(n)
	if err1 != nil || err2 != nil || fmt.Sprintf("%d/%d", p.K, p.N) != s {
		return errors.New("want K/N, two numbers")
	}
	if err := p.Check(); err != nil {
		return err
	}
	f.part = &p
	return nil
}

func (f *shardFlag) Type() string { return "shard" }

// checkShard refuses what a part of groups can't answer.
func (f *verifyFlags) checkShard(q *question) error {
	switch {
	case f.shard.part == nil:
	case !q.whole():
		return usagef("--shard is about task groups: name one with --group")
	case q.distrust != nil:
		return usagef("--distrust asks about all of a group: use it without --shard")
	case f.format == "vsa" || f.format == "svr":
		return usagef("--format %s: a statement is about all of a group, not about a part: merge makes it", f.format)
	}
	return nil
}
