# `make test` is all a new checkout needs. CI=true turns missing parts, which
# tests otherwise skip over by name, into failures.

COMMANDS  := $(notdir $(wildcard cmd/*))
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64
GO        ?= go

# Where tests find run-task and fetch-content.
export COT_TASKGRAPH_VENV ?= $(CURDIR)/.tools/venv

.PHONY: test fuzz deps build cot-certs-pkcs11 lint tools bench parity image dockerfile-check clean

test: deps
	$(GO) test -race ./...
	CGO_ENABLED=1 $(GO) test -tags pkcs11 -run Token ./cmd/cot-certs

# Every fuzz target for that long each, one after the other.
FUZZTIME ?= 3s
fuzz:
	@GO='$(GO)' bash .ci/fuzz $(FUZZTIME)

# Installs on Debian the programs that tests run against, where one is missing,
# and the Python environment. Elsewhere it names what to install.
deps:
	@bash .ci/deps

# Static binaries in dist/<os>-<arch>/: no libc, no paths of this machine.
build: $(PLATFORMS)

.PHONY: $(PLATFORMS)
$(PLATFORMS):
	@mkdir -p dist/$(subst /,-,$@)
	CGO_ENABLED=0 GOOS=$(@D) GOARCH=$(@F) $(GO) build -trimpath -ldflags='-s -w' \
		-o dist/$(subst /,-,$@)/ $(addprefix ./cmd/,$(COMMANDS))

# cot-certs for keys in tokens and HSMs. It needs a C compiler, and links libc.
cot-certs-pkcs11:
	@mkdir -p dist
	CGO_ENABLED=1 $(GO) build -trimpath -ldflags='-s -w' -tags pkcs11 -o dist/$@ ./cmd/cot-certs

tools:
	@bash .ci/tools

lint: tools
	.tools/bin/gofumpt -l $$(git ls-files -co --exclude-standard '*.go')
	.tools/bin/golangci-lint run ./...

# Pairs against the programs named in bench/README.md, several minutes.
bench:
	@bash .ci/deps bench
	$(GO) run ./bench

# Our verifier and scriptworker's on the same chains: some minutes.
parity:
	@bash .ci/deps parity
	$(GO) run ./bench/parity -o docs/parity.md

# Needs a Docker engine.
image:
	docker build -t cot .

# Parses the Dockerfile with BuildKit's own parser and holds it to our rules;
# needs no engine.
dockerfile-check:
	cd .ci/dockerfile && $(GO) run . ../../Dockerfile

clean:
	rm -rf dist .tools
