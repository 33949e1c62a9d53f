# make alone lists the targets. Each does its work in scripts/ or in one go command.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell bash scripts/version.sh)
STAMP   := -X github.com/pgmoat/pgmoat/app/cli.version=$(VERSION)
BUILD   := -trimpath -buildvcs=false -ldflags '-s -w $(STAMP)'

FUZZ_SECONDS := $(or $(PGMOAT_FUZZ_SECONDS),60)

.PHONY: help run test test-race fuzz-servers fuzz-pgbouncer fuzz-network fuzz-packets fuzz-intents soak suite lint fmt bench gen build install dist vuln clean

help: # this list; not in it
	@echo "pgmoat $(VERSION)"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: build ## build, then walk through the examples
	@bash scripts/run.sh

test: ## install what the tests need, then run them
	@bash scripts/need.sh servers packets cluster
	@echo "test: every package"
	@go test ./...

test-race: ## the tests under the race detector (needs a C compiler)
	@bash scripts/need.sh cc servers packets cluster
	@CGO_ENABLED=1 go test -race ./...

fuzz-servers: ## compare the model with real servers on random cases, see docs/lab.md
	@bash scripts/need.sh servers
	@PGMOAT_FUZZ_SECONDS=$(FUZZ_SECONDS) go test ./lab/postgres -run '^TestFuzzServers$$' -v -count 1 -timeout 0

fuzz-pgbouncer: ## compare the model with a real PgBouncer on random files, see docs/lab.md
	@bash scripts/need.sh servers
	@PGMOAT_FUZZ_SECONDS=$(FUZZ_SECONDS) go test ./lab/pgbouncer -run '^TestFuzzPgBouncer$$' -v -count 1 -timeout 0

fuzz-network: ## compare the network engine with a dull twin on random estates
	@PGMOAT_FUZZ_SECONDS=$(FUZZ_SECONDS) go test ./engine/network -run '^TestFuzzNetwork$$' -v -count 1 -timeout 0

fuzz-packets: ## compare the engine with real packets under random policies, see docs/lab.md
	@bash scripts/need.sh packets
	@PGMOAT_FUZZ_SECONDS=$(FUZZ_SECONDS) go test ./lab/enforce -run '^TestFuzzPackets$$' -v -count 1 -timeout 0

fuzz-intents: ## compare the reader of intents with a real API server on random documents, see docs/lab.md
	@bash scripts/need.sh cluster
	@PGMOAT_FUZZ_SECONDS=$(FUZZ_SECONDS) go test ./lab/controlplane -run '^TestFuzzIntents$$' -v -count 1 -timeout 0

soak: ## thousands of random estates there and back: compiled, applied, read again, proven; see docs/lab.md
	@bash scripts/need.sh servers packets
	@go test ./internal/roundtrip -estates 5000 -v -count 1 -timeout 0
	@PGMOAT_COMPILED_FACTOR=20 go test ./lab/compiled -v -count 1 -timeout 0

suite: ## compare a collection of policies with its known answers: DIR=path, else our own; see docs/suite.md
	@CGO_ENABLED=0 go build $(BUILD) -o bin/suite ./cmd/suite
	@bin/suite "$(or $(DIR),examples/suite)"

lint: ## linters, formatting, go.mod, generated code
	@bash scripts/lint.sh

fmt: ## format every Go file
	@gofmt -w $$(git ls-files -co --exclude-standard '*.go')

bench: ## run the benchmarks, keep the output in .cache/bench.txt
	@bash scripts/bench.sh

gen: ## write generated files anew
	@go generate ./...

build: ## build bin/pgmoat
	@echo "build: bin/pgmoat $(VERSION)"
	@CGO_ENABLED=0 go build -v $(BUILD) -o bin/pgmoat ./cmd/pgmoat 2>&1 | awk -f scripts/progress.awk

install: ## install pgmoat, and kubectl-pgmoat beside it, where go install puts programs
	@CGO_ENABLED=0 go install $(BUILD) ./cmd/pgmoat
	@bash scripts/plugin.sh

dist: ## release archives, completions and plugin manifest in dist/, the same bytes each time
	@bash scripts/dist.sh "$(VERSION)"

vuln: ## look for known vulnerabilities in what we call
	@bash scripts/vuln.sh

clean: ## remove what the other targets made
	@rm -rf bin dist .cache
