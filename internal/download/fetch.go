package download

import (
	"context"
	"errors"
)

// Fetch puts every item at its place and returns one result per item, in order.
// The error joins what failed; an item that fails does not stop the others.
// Colliding or unsafe paths fail before anything is fetched. When ctx ends,
// what is under way is given up and leaves nothing behind.
func (d *Downloader) Fetch(ctx context.Context, items []Item) ([]Result, error) {
	return nil, errors.ErrUnsupported
}

// Check fetches nothing: it hashes what lies at the items' paths. Items that
// are unpacked can't be checked, and fail.
func (d *Downloader) Check(ctx context.Context, items []Item) ([]Result, error) {
	return nil, errors.ErrUnsupported
}
