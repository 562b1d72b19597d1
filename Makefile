# Every command that anyone runs here. `make` alone tells what they are.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS   += --warn-undefined-variables --no-print-directory
.DEFAULT_GOAL := help

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 3s
export CGO_ENABLED = 1

.PHONY: help
help: ## tell what the targets are
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: tools
tools:
	@command -v $(GO) >/dev/null || { echo "make: Go is missing. On Debian: apt-get install golang-go (or https://go.dev/dl for $(shell sed -n 's/^go //p' go.mod) or later)" >&2; exit 1; }
	@command -v $$($(GO) env CC) >/dev/null || { echo "make: a C compiler is missing, SQLite is compiled with it. On Debian: apt-get install gcc libc6-dev" >&2; exit 1; }

.PHONY: build
build: tools ## build ./chatnode (the first time compiles SQLite: about a minute)
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o chatnode ./cmd/chatnode

.PHONY: run
run: build ## build and start a node on 127.0.0.1:5050, its data in ./data
	@printf '%s\n' 'A node starts on 127.0.0.1:5050; Ctrl-C stops it. In another terminal: nc 127.0.0.1 5050, then type' \
		'  REGISTER bob secret' '  LOGIN bob secret' '  CREATE go' '  JOIN go' '  SAY go hello'
	@./chatnode serve

.PHONY: federation
federation: build ## build and start three linked nodes on 127.0.0.1:5051 to 5053 (federation.example)
	@federation.example/run

.PHONY: image
image: tools ## build the image chatnode: a static binary and nothing else
	@VERSION='$(VERSION)' GO='$(GO)' packaging/image chatnode

.PHONY: cluster
cluster: image ## start the three nodes as containers, on the same ports
	@compose='docker compose'; $$compose version >/dev/null 2>&1 || compose=docker-compose; \
	$$compose -f federation.example/compose.yaml down && exec $$compose -f federation.example/compose.yaml up

.PHONY: test
test: tools ## run all tests
	@docker info >/dev/null 2>&1 || echo 'make: no Docker answers here, so tests/cluster skips what it does with real containers' >&2
	@$(GO) test -shuffle=on ./...

WALKS  ?= 100
LENGTH ?= 15s
.PHONY: faults
faults: build ## walk at random through faults of links, processes and disks between three nodes: WALKS of LENGTH
	@$(GO) test ./tests/faults -run '^TestWalk$$' -walks $(WALKS) -length $(LENGTH) -timeout 0 -v

.PHONY: race
race: tools ## run all tests but those of real processes under the race detector
	@$(GO) test -race -shuffle=on $$($(GO) list ./... | grep -vE '/tests/(promises|conformance|faults|cluster)$$')

# Go's fuzzing may end with "context deadline exceeded" and no input, when its time is up while a worker is busy.
.PHONY: fuzz
fuzz: tools ## run every fuzz target for FUZZTIME (default 3s)
	@$(GO) list -f '{{$$p := .}}{{range .TestGoFiles}}{{$$p.Dir}}/{{.}} {{$$p.ImportPath}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$$p.Dir}}/{{.}} {{$$p.ImportPath}}{{"\n"}}{{end}}' ./... | \
	while read -r file package; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "$$package $$target"; \
			out=$$($(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$package" 2>&1) || { \
				grep -q '^    context deadline exceeded$$' <<<"$$out" && ! grep -q 'Failing input' <<<"$$out" || { echo "$$out"; exit 1; }; \
			}; \
		done; \
	done

.PHONY: lint
lint: tools ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go'))" || { gofmt -d $$(git ls-files -co --exclude-standard '*.go'); exit 1; }
	@$(GO) vet ./...
	@$(GO) tool staticcheck ./...

.PHONY: bench
bench: build ## measure a node against its baselines (BENCHMARKS.md; several minutes)
	@$(GO) run ./tests/load --binary ./chatnode

LOAD ?= --run fanout,channels,rate,idle,login
.PHONY: load
load: build ## compare a node with a bare fan-out server in C; LOAD: flags of tests/load
	@$(GO) run ./tests/load --binary ./chatnode $(LOAD)

.PHONY: load-peers
load-peers: build ## the same with ngircd and inspircd, which it installs on Debian
	@missing=; for program in ngircd inspircd; do \
		command -v $$program >/dev/null || test -x /usr/sbin/$$program || missing="$$missing $$program"; \
	done; \
	if [ -n "$$missing" ]; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get install -y --no-install-recommends $$missing; \
		if [ -d /run/systemd/system ]; then $$sudo systemctl disable --now $$missing; fi; \
	fi
	@$(GO) run ./tests/load --binary ./chatnode --foreign $(LOAD)

.PHONY: cover
cover: tools ## write coverage.out and print the total
	@$(GO) test -coverpkg=./... -coverprofile=coverage.out $$($(GO) list ./... | grep -vE '/tests/(promises|conformance|faults|cluster)$$') >/dev/null
	@$(GO) tool cover -func=coverage.out | tail -1

.PHONY: tidy
tidy: tools ## fail if go.mod or go.sum would change
	@$(GO) mod tidy -diff
	@$(GO) mod verify >/dev/null

.PHONY: check
check: build test lint tidy race fuzz ## what CI runs: these, a short look at the bench, and a clean git diff
	@$(GO) run ./tests/load --binary ./chatnode --small --rounds 1 >/dev/null
	@git diff --exit-code

.PHONY: clean
clean: ## remove what was built
	@rm -f chatnode coverage.out
