# Everything that is done with this project by command. `make` alone lists it.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS  := -s -w -X github.com/musterid/muster/internal/cli.Version=$(VERSION)
PACKAGES ?= ./...

# RACE=1 runs tests under the race detector, which needs a C compiler. VERBOSE=1 names every test.
TESTFLAGS := $(if $(RACE),-race) $(if $(VERBOSE),-v)

export CGO_ENABLED := $(if $(RACE),1,0)

.DEFAULT_GOAL := help
.PHONY: help build demo test torture bench lint generate

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Make bin/muster: one static program
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/muster ./cmd/muster

demo: build ## See it work: 537 real people, offline; the server stays open until Ctrl-C
	bin/muster demo $(ARGS)

test: ## Run every test; MUSTER_TEST_REQUIRE=1 makes a missing server a failure, RACE=1 looks for races
	$(GO) test $(TESTFLAGS) -timeout 18m $(PACKAGES)

torture: ## Run the long proofs: crashes, kills and races, over and over
	MUSTER_TORTURE=$${MUSTER_TORTURE:-50} $(GO) test -v -count=1 -run Torture -timeout 60m ./e2e

bench: ## Measure what docs/performance.md promises
	$(GO) run ./e2e/bench $(ARGS)

lint: ## Look for mistakes: formatting, vet, staticcheck
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs $(GO) tool gofumpt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted (run: go tool gofumpt -w FILE):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet $(PACKAGES)
	$(GO) tool staticcheck $(PACKAGES)

generate: ## Make generated files again
	$(GO) generate $(PACKAGES)
