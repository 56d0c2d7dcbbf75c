package revocation

// sameScope: lists of one issuer for the same certificates and reasons.
func sameScope(a, b *CRL) bool {
	return a.scope.raw == b.scope.raw && a.issuer.equal(b.issuer)
}

// updates tells whether a delta brings a complete list up to date (RFC 5280
// §5.2.4 and §6.3.3 (c)): same issuer, scope and key; what the delta builds on
// is in the list; the list is not newer than the delta.
func (l *CRL) updates(old *CRL) bool {
	return l.base != nil && old.base == nil && l.number != nil && old.number != nil &&
		sameScope(l, old) && l.keyID == old.keyID &&
		l.base.Cmp(old.number) <= 0 && old.number.Cmp(l.number) <= 0
}

// refreshed tells whether a delta that counts brings an expired list up to date:
// together they are a list with the dates of the delta (RFC 5280 §5.2.4).
func refreshed(st *statement, all []*statement) bool {
	for _, d := range all {
		if d.counts() && d.updates(st.CRL) && !d.thisUpdate.Before(st.thisUpdate) {
			return true
		}
	}
	return false
}

// lifted tells whether a hold is over: a later list of the same scope that counts
// has it no more, or a later delta takes it out. No other revocation ever ends.
func lifted(st *statement, all []*statement) bool {
	for _, later := range all {
		if !later.counts() || later.number == nil || st.number == nil || later.number.Cmp(st.number) <= 0 || !sameScope(later.CRL, st.CRL) {
			continue
		}
		if later.base == nil && len(later.revoked) == 0 {
			return true
		}
		if later.base != nil && later.removed && later.base.Cmp(st.number) <= 0 {
			return true
		}
	}
	return false
}
