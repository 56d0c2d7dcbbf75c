package vcs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mozilla-releng/cot/trace/tree"
)

// advertisement is what a git server begins with. Of protocol 2 it is what the
// server can do; older ones list all refs at once.
type advertisement struct {
	version2     bool
	lsRefs       bool   // version 2: refs can be asked for
	objectFormat string // version 2: "" is sha1
	named        named  // older: the ref that was looked for
}

// named is the commit of one ref; a zero one is of no ref.
type named struct {
	tip    tree.Revision // what the ref holds
	peeled tree.Revision // what an annotated tag there stands for
}

func (n named) commit() (tree.Revision, bool) {
	if !n.peeled.IsZero() {
		return n.peeled, true
	}
	return n.tip, !n.tip.IsZero()
}

func (n named) unless(err error) (named, error) {
	if err != nil {
		return named{}, err
	}
	return n, nil
}

// parseAdvertisement reads the answer to GET info/refs, and looks for the ref
// if it lists any.
func parseAdvertisement(data, ref string) (advertisement, error) {
	r := &pktReader{data}
	p, err := r.next()
	if err != nil {
		return advertisement{}, err
	}
	if p.line == "# service=git-upload-pack" {
		if p, err = r.next(); err == nil && p.mark != flushPkt {
			err = errors.New("no flush packet after the service's name")
		}
		if err == nil {
			p, err = r.next()
		}
		if err != nil {
			return advertisement{}, err
		}
	}
	switch {
	case p.line == "version 2":
		return parseCapabilities(r)
	case p.line == "version 1":
		if p, err = r.next(); err != nil {
			return advertisement{}, err
		}
	}
	a := advertisement{}
	a.named, err = parseListing(r, p, ref)
	return a, err
}

func parseCapabilities(r *pktReader) (advertisement, error) {
	a := advertisement{version2: true}
	for {
		p, err := r.next()
		switch {
		case err != nil:
			return a, err
		case p.mark == flushPkt:
			return a, r.end()
		case p.mark != dataPkt:
			return a, errors.New("an unexpected delimiter packet")
		}
		name, value, _ := strings.Cut(p.line, "=")
		switch name {
		case "ls-refs":
			a.lsRefs = true
		case "object-format":
			if value != "sha1" && value != "sha256" {
				return a, fmt.Errorf("object format %s is unknown", quoted(value))
			}
			a.objectFormat = value
		}
	}
}

// parseListing reads the refs of protocols 0 and 1: "ID NAME" each, the first
// with capabilities after a NUL, "NAME^{}" after an annotated tag.
func parseListing(r *pktReader, p pkt, ref string) (named, error) {
	var found named
	last := ""
	for first := true; ; first = false {
		if p.mark == flushPkt {
			return found.unless(r.end())
		}
		text := p.line
		if first {
			text, _, _ = strings.Cut(text, "\x00")
		}
		if p.mark != dataPkt || !first && strings.HasPrefix(text, "shallow ") {
			return named{}, errors.New("the list of refs holds something else")
		}
		id, name, _ := strings.Cut(text, " ")
		rev, err := parseID(id)
		switch tag, peeled := strings.CutSuffix(name, "^{}"); {
		case first && name == "capabilities^{}": // there are no refs
		case err != nil:
			return named{}, fmt.Errorf("ref %s: %w", quoted(name), err)
		case peeled && (tag != last || tag == ""):
			return named{}, fmt.Errorf("ref %s does not follow its tag", quoted(name))
		case peeled && tag == ref && !found.peeled.IsZero(), !peeled && name == ref && !found.tip.IsZero():
			return named{}, fmt.Errorf("ref %s is listed twice", quoted(name))
		case peeled && tag == ref:
			found.peeled = rev
		case name == ref:
			found.tip = rev
		}
		last = name
		if p, err = r.next(); err != nil {
			return named{}, err
		}
	}
}

// parseLsRefs reads the answer to ls-refs: "ID NAME", then attributes.
func parseLsRefs(data, ref string) (named, error) {
	r := &pktReader{data}
	var found named
	for {
		p, err := r.next()
		switch {
		case err != nil:
			return named{}, err
		case p.mark == flushPkt:
			return found.unless(r.end())
		case p.mark != dataPkt:
			return named{}, errors.New("an unexpected delimiter packet")
		}
		fields := strings.Split(p.line, " ")
		if len(fields) < 2 || fields[1] == "" {
			return named{}, fmt.Errorf("%s is no ref", quoted(p.line))
		}
		var n named
		if n.tip, err = parseID(fields[0]); err != nil {
			return named{}, fmt.Errorf("ref %s: %w", quoted(fields[1]), err)
		}
		for _, attribute := range fields[2:] {
			id, ok := strings.CutPrefix(attribute, "peeled:")
			if !ok {
				continue
			}
			if !n.peeled.IsZero() {
				return named{}, fmt.Errorf("ref %s is peeled twice", quoted(fields[1]))
			}
			if n.peeled, err = parseID(id); err != nil {
				return named{}, fmt.Errorf("ref %s: %w", quoted(fields[1]), err)
			}
		}
		if fields[1] != ref {
			continue // a prefix is asked for, so longer names come too
		}
		if !found.tip.IsZero() {
			return named{}, fmt.Errorf("ref %s is listed twice", quoted(ref))
		}
		found = n
	}
}

func parseID(s string) (tree.Revision, error) {
	if strings.Trim(s, "0") == "" {
		return tree.Revision{}, errors.New("the id is zero")
	}
	return tree.ParseRevision(s)
}
