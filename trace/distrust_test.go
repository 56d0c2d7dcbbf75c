package trace_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mozilla-releng/cot/certs"
	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/fixtures/ca"
	"github.com/mozilla-releng/cot/trace"
)

func keyOf(k ed25519.PrivateKey) string {
	public, _ := k.Public().(ed25519.PublicKey)
	return string(certs.Ed25519KeyID(public))
}

func certificateOf(h *ca.Holder) string {
	return string(certs.CertificateKeyID(h.Issuer.Certificate)) + ":" + h.Certificate.SerialNumber.Text(16)
}

func keyIDOf(c *x509.Certificate) string { return string(certs.CertificateKeyID(c)) }

// wantDistrusted compares what would not verify.
func (w *served) wantDistrusted(r *trace.Report, ids []string, want ...*fixtures.Task) {
	w.t.Helper()
	verdict := r.Verdict
	r.Distrust(ids)
	wantValid(w.t, r)
	var got, names []string
	runs := map[string]bool{}
	for _, task := range r.Distrusted.Tasks {
		got = append(got, task.TaskID)
		runs[fmt.Sprintf("%s/%d", task.TaskID, *task.RunID)] = true
	}
	for _, task := range want {
		names = append(names, task.ID)
	}
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		w.t.Errorf("%s: %q, want %q", ids, got, names)
	}
	for _, task := range r.Distrusted.Tasks {
		if task.Through != "" && !runs[task.Through] || (task.Through == "") == (len(task.IDs) == 0) {
			w.t.Errorf("%+v", task)
		}
	}
	if r.Verdict != verdict {
		w.t.Errorf("the verdict became %s", r.Verdict)
	}
}

func TestDistrustKeys(t *testing.T) {
	w := serve(t)
	r := w.verify(w.Signing.ID, w.GenericBuild.ID)
	wantVerdict(t, r, trace.Verified)
	all := []*fixtures.Task{w.Signing, w.GenericBuild, w.Build, w.Toolchain, w.Fetch, w.Image, w.Decision}

	w.wantDistrusted(r, []string{keyOf(w.Keys.Scriptworker)}, w.Signing)
	if r.Distrusted.Unused != nil {
		t.Errorf("unused %q", r.Distrusted.Unused)
	}
	decision := r.Tasks[slices.IndexFunc(r.Tasks, func(t trace.Task) bool { return t.TaskID == w.Decision.ID })].Signer.KeyID
	w.wantDistrusted(r, []string{decision}, all...) // everything rests on the decision task
	for _, task := range r.Distrusted.Tasks {
		if task.TaskID == w.Decision.ID && !slices.Equal(task.IDs, []string{decision}) {
			t.Errorf("%+v", task)
		}
	}
	foreign := keyOf(w.Keys.Foreign)
	w.wantDistrusted(r, []string{foreign})
	if !slices.Equal(r.Distrusted.Unused, []string{foreign}) {
		t.Errorf("unused %q", r.Distrusted.Unused)
	}
	w.wantDistrusted(r, []string{foreign, keyOf(w.Keys.Scriptworker)}, w.Signing)
	if !slices.Equal(r.Distrusted.Unused, []string{foreign}) {
		t.Errorf("unused %q", r.Distrusted.Unused)
	}
	// Part of an id is another id.
	w.wantDistrusted(r, []string{strings.Repeat("0", 64)})
}

// What does not verify has no signer, but what it rests on has.
func TestDistrustWhatDoesNotVerify(t *testing.T) {
	w := serve(t)
	w.Edit(func() { w.Signing.Last().Document.Key = w.Keys.Foreign })
	r := w.verify(w.Signing.ID)
	wantVerdict(t, r, trace.Untrusted)
	w.wantDistrusted(r, []string{keyOf(w.Keys.Foreign)})
	w.wantDistrusted(r, []string{keyOf(w.Keys.Scriptworker)})
	w.wantDistrusted(r, []string{keyOf(w.Keys.DockerWorker)}, w.Signing, w.Build, w.Toolchain, w.Fetch, w.Image)
}

func TestDistrustCertificates(t *testing.T) {
	w, c := certified(t)
	w.Edit(func() { c.Stamp(w.World) })
	r := w.verify(w.Signing.ID)
	wantVerdict(t, r, trace.Verified)
	all := []*fixtures.Task{w.Signing, w.Build, w.Toolchain, w.Fetch, w.Image, w.Decision}
	signing := c.Holder(w.Signing.Pool())
	for name, id := range map[string]string{
		"leaf": certificateOf(signing), "key": keyIDOf(signing.Certificate), "identity": c.PoolID(w.Signing.Pool()),
	} {
		t.Run(name, func(t *testing.T) { w.within(t).wantDistrusted(r, []string{id}, w.Signing) })
	}
	builds := c.Holder(w.Build.Pool())
	for name, id := range map[string]string{
		"leaf": certificateOf(builds), "key": keyIDOf(builds.Certificate), "identity": c.PoolID(w.Build.Pool()),
	} {
		t.Run("builds by "+name, func(t *testing.T) {
			w.within(t).wantDistrusted(r, []string{id}, w.Build, w.Toolchain, w.Fetch, w.Signing)
		})
	}
	for name, id := range map[string]string{
		"intermediate": certificateOf(c.Issuer), "intermediate's key": keyIDOf(c.Issuer.Certificate), "root's key": keyIDOf(c.Root.Certificate),
		"time-stamping key": keyIDOf(c.TSA.Certificate), "time-stamping root": keyIDOf(c.TSA.Root),
	} {
		t.Run(name, func(t *testing.T) { w.within(t).wantDistrusted(r, []string{id}, all...) })
	}
	for name, id := range map[string]string{
		"another serial":    string(certs.CertificateKeyID(c.Issuer.Certificate)) + ":1",
		"another issuer":    keyIDOf(c.Root.Certificate) + ":" + signing.Certificate.SerialNumber.Text(16),
		"another identity":  c.PoolID("gecko-3/other"),
		"the longer":        c.PoolID(w.Signing.Pool()) + "/worker/a/b",
		"the root's serial": keyIDOf(c.Root.Certificate) + ":" + c.Root.Certificate.SerialNumber.Text(16),
	} {
		t.Run(name, func(t *testing.T) { w.within(t).wantDistrusted(r, []string{id}) })
	}
	w.options.Scope = trace.ScopeSignature
	r = w.verify(w.Signing.ID, w.Build.ID)
	wantVerdict(t, r, trace.Signed)
	w.wantDistrusted(r, []string{certificateOf(builds)}, w.Build) // nothing was said of inputs
}
