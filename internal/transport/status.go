package transport

import (
	"net/http"

	"github.com/mozilla-releng/cot/graph"
)

// ReasonOf names what a final status other than the one wanted means.
func ReasonOf(status int) graph.Reason {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return graph.Forbidden
	case http.StatusNotFound:
		return graph.NotFound
	case http.StatusGone:
		return graph.Expired
	case http.StatusFailedDependency:
		return graph.WorkerFailed
	}
	switch {
	case status < 300:
		return graph.Malformed
	case status < 400:
		return graph.BadRedirect
	}
	return graph.BadRequest
}
