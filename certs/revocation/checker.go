package revocation

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mozilla-releng/cot/certs/pkix"
	"github.com/mozilla-releng/cot/graph"
)

// Sources fetch what is not given. Errors are *graph.UnavailableError where they
// say whether another try is worth it.
type Sources interface {
	CRL(ctx context.Context, url string) ([]byte, error)
	OCSP(ctx context.Context, url string, request []byte) ([]byte, error)
}

// Keeper is a Sources that stores lists for later runs. Keep is told that all
// lists of the URL were found to be signed by whom they must be.
type Keeper interface {
	Sources
	Keep(url string)
}

// Config is what a Checker judges by.
type Config struct {
	CRLs    []*CRL     // given, of any issuer
	URLs    []string   // of CRLs that are fetched when first needed, once
	Sources Sources    // nil: nothing is fetched
	Pool    *pkix.Pool // signers of CRLs and OCSP answers have a path in it
	Now     time.Time  // freshness is judged at this time
	Grace   time.Duration
	// KeepsExpired: a CRL that does not list an expired certificate says that it
	// was not revoked, whether or not it has expiredCertsOnCRL.
	KeepsExpired bool
	// DistributionPoints and OCSP fetch from where a certificate points to.
	DistributionPoints, OCSP bool
}

// Checker answers for certificates. It is safe for concurrent use; answers,
// fetched lists and checked signatures are kept.
type Checker struct {
	config Config

	mu      sync.Mutex
	answers map[chainID]Answer
	signers map[signerID]signerVerdict
	held    map[*CRL]bool // fetched, and signed by whom they must be

	flights    once[chainID, Answer]
	lists      once[string, []*CRL]
	responses  once[string, []byte]
	signatures once[signatureID, struct{}]
}

// NewChecker refuses a configuration that could not tell anything.
func NewChecker(c Config) (*Checker, error) {
	switch {
	case c.Pool == nil:
		return nil, errors.New("revocation: no pool to validate signers with")
	case c.Now.IsZero():
		return nil, errors.New("revocation: no time to judge freshness at")
	case c.Grace < 0:
		return nil, errors.New("revocation: the grace is negative")
	case c.Sources == nil && (len(c.URLs) > 0 || c.DistributionPoints || c.OCSP):
		return nil, errors.New("revocation: something is to be fetched, but there is nothing to fetch it with")
	}
	return &Checker{config: c, answers: map[chainID]Answer{}, signers: map[signerID]signerVerdict{}, held: map[*CRL]bool{}}, nil
}

// chainID tells apart certificates with what an answer depends on: the issuers
// up to the root.
type chainID [sha256.Size]byte

func idOf(chain []*x509.Certificate) chainID {
	h := sha256.New()
	for _, c := range chain {
		h.Write(c.Raw) // DER says where it ends
	}
	return chainID(h.Sum(nil))
}

// Check gives the answer for certificate i of the path, whose issuer is i+1.
// The root needs none and gets none. The answer does not depend on time but for
// Config.Now; whether a revocation counts for a signing time is for the caller.
//
// Only certificate i is judged. Good for a certificate whose issuer is revoked
// is no contradiction: the caller asks for every one.
func (c *Checker) Check(ctx context.Context, p pkix.Path, i int) Answer {
	chain := p.Certificates()
	if i < 0 || i >= len(chain)-1 {
		return Answer{Why: fmt.Sprintf("certificate %d of a path of %d has no issuer to answer for it", i, len(chain))}
	}
	chain = chain[i:]
	id := idOf(chain)
	if a, ok := c.known(id); ok {
		return a
	}
	a, err := c.flights.do(ctx, id, func() (Answer, error) {
		w := &walk{checker: c, ctx: ctx, left: maxChecks}
		return w.check(chain), ctx.Err()
	})
	if err != nil && a.Status != Revoked {
		return Answer{Why: "the check was ended: " + err.Error(), Heals: true}
	}
	return a
}

func (c *Checker) known(id chainID) (Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers[id]
	return a, ok
}

// A signer of a list needs an answer itself, so checks nest.
const (
	maxDepth  = 8  // of checks within checks
	maxChecks = 64 // that one question may cause
)

// walk is the work for one question.
type walk struct {
	checker *Checker
	ctx     context.Context // of the call that the walk lives for
	above   []chainID       // what is being answered
	left    int
	cut     bool // an answer is Unknown for what is above it, and not worth keeping
}

// check answers for chain[0]. What hangs on itself is Unknown: a revoked key
// could sign a list without itself.
func (w *walk) check(chain []*x509.Certificate) Answer {
	id := idOf(chain)
	if a, ok := w.checker.known(id); ok {
		return a
	}
	switch {
	case slices.Contains(w.above, id):
		w.cut = true
		return Answer{Why: "its status hangs on itself"}
	case len(w.above) == maxDepth || w.left == 0:
		w.cut = true
		return Answer{Why: "signers hang on too many other signers"}
	}
	w.left--
	before := w.cut
	w.cut = false
	w.above = append(w.above, id)
	a := w.evaluate(chain)
	w.above = w.above[:len(w.above)-1]
	if (!w.cut || len(w.above) == 0) && w.ctx.Err() == nil {
		w.checker.mu.Lock()
		w.checker.answers[id] = a
		w.checker.mu.Unlock()
	}
	w.cut = w.cut || before
	return a
}

// subject is the certificate that an answer is for.
type subject struct {
	cert   *x509.Certificate
	chain  []*x509.Certificate // it, its issuer, to the root
	serial []byte              // content octets
	issuer distinguishedName
	ca     bool
	points []point
	fresh  []point // freshestCRL: where deltas are
}

func newSubject(chain []*x509.Certificate) (*subject, error) {
	cert := chain[0]
	s := &subject{cert: cert, chain: chain, issuer: readName(cert.RawIssuer), ca: cert.BasicConstraintsValid && cert.IsCA}
	var err error
	if s.serial, err = serialOctets(cert); err != nil {
		return nil, err
	}
	for _, e := range cert.Extensions {
		switch {
		case e.Id.Equal(oidDistributionPoints):
			s.points, err = parsePoints(e.Value)
		case e.Id.Equal(oidFreshestCRL):
			s.fresh, err = parsePoints(e.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// evaluate asks every source: one that says revoked wins over any other.
func (w *walk) evaluate(chain []*x509.Certificate) Answer {
	s, err := newSubject(chain)
	if err != nil {
		return Answer{Why: err.Error()}
	}
	var t tally
	w.askLists(s, w.gather(s, &t), &t)
	if w.checker.config.OCSP {
		w.askResponders(s, &t)
	}
	return t.answer()
}

// tally collects what sources say of one certificate.
type tally struct {
	revocations []Revocation
	good        bool // a source that counts knows of no other revocation
	why         []string
	heals       bool
}

// maxWhy bounds what an answer says of sources that don't count.
const maxWhy = 8

func (t *tally) note(source, why string) {
	if len(t.why) <= maxWhy {
		t.why = append(t.why, source+": "+why)
	}
}

func (t *tally) unavailable(source string, err error) {
	t.heals = t.heals || heals(err)
	t.note(source, err.Error())
}

// heals tells whether what failed may work later.
func heals(err error) bool {
	var u *graph.UnavailableError
	if errors.As(err, &u) {
		return u.Reason.Heals()
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func (t *tally) answer() Answer {
	var a Answer
	switch {
	case t.good:
		a.Status = Good
	case len(t.why) == 0:
		a.Why = "no CRL or OCSP answer speaks for its issuer"
	default:
		if len(t.why) > maxWhy {
			t.why[maxWhy] = "and more"
		}
		a.Why, a.Heals = strings.Join(t.why, "; "), t.heals
	}
	if len(t.revocations) > 0 {
		a.Status, a.Revocations = Revoked, t.revocations
	}
	return a
}

// expired tells whether the certificate is past its notAfter: its issuer need
// not list it any more.
func (c *Checker) expired(s *subject) bool { return c.config.Now.After(s.cert.NotAfter) }
