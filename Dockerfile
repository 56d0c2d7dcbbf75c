# The commands alone, for tasks and for `docker run`. Static binaries need no
# distribution below them; TLS needs the certificates of the web's authorities.
#
# How this file is checked: `make dockerfile-check` parses it with BuildKit's
# own parser and holds it to the rules stated there. `bash .ci/image` does by
# hand what the stages do, from what .dockerignore lets through, and runs the
# result as USER in an otherwise empty root. No Docker engine was available
# where it was written: `docker build` itself has not been run on it.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/...

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/cot-* /usr/local/bin/
ENV PATH=/usr/local/bin
USER 65532:65532
CMD ["cot-download", "--help"]
