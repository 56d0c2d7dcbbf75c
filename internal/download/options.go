package download

import (
	"errors"
	"fmt"
	"time"

	"github.com/mozilla-releng/cot/trace"
)

// Options bound the work. Zero values mean the defaults named here.
type Options struct {
	Jobs            int           // artifacts at once: 8
	MaxArtifactSize int64         // of one artifact, decoded: 64 GiB
	MaxExpandedSize int64         // of all that one archive holds: 64 GiB
	MaxRatio        int64         // expanded to packed size, counted above 256 MiB: 1000
	MaxMembers      int           // of one archive: 1,000,000
	Attempts        int           // connections for one fetch, resumed ones included: 5
	Stall           time.Duration // a connection that brings less than 64 KiB in this time is given up: 1 min
	Timeout         time.Duration // for one artifact, all attempts: 6 h
	URLs            URLs          // reads Pinned items; without it they are refused
	Cache           trace.Cache   // nil: none
	Events          func(Event)   // called from several goroutines at once
}

const (
	minStep    = 64 << 10  // progress that Options.Stall asks for
	ratioFloor = 256 << 20 // expanded size below which Options.MaxRatio does not count
)

func (o Options) withDefaults() (Options, error) {
	if o.Jobs < 0 || o.MaxArtifactSize < 0 || o.MaxExpandedSize < 0 || o.MaxRatio < 0 ||
		o.MaxMembers < 0 || o.Attempts < 0 || o.Stall < 0 || o.Timeout < 0 {
		return o, errors.New("download limits must not be negative")
	}
	or(&o.Jobs, 8)
	or(&o.MaxArtifactSize, 64<<30)
	or(&o.MaxExpandedSize, 64<<30)
	or(&o.MaxRatio, 1000)
	or(&o.MaxMembers, 1_000_000)
	or(&o.Attempts, 5)
	or(&o.Stall, time.Minute)
	or(&o.Timeout, 6*time.Hour)
	if o.Jobs > 256 {
		return o, fmt.Errorf("%d downloads at once: at most 256 are allowed", o.Jobs)
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	return o, nil
}

func or[T int | int64 | time.Duration](v *T, fallback T) {
	if *v == 0 {
		*v = fallback
	}
}
