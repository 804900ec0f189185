# `make` lists what there is. Every target sets up what it needs (scripts/setup.sh) and skips what is there.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Node 24 is an npm package of ours: everything below runs on it, whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

FOREIGN_BUSYBOX := .cache/foreign
TEST_RESULTS := .cache/test-results
# The folders that hold TypeScript of ours, as far as they exist.
SOURCES = $(wildcard src agent test bench demo scripts)
# Every shell program of ours: by name, and by its first line.
SHELL_FILES = $(shell find . \( -name node_modules -o -name .git -o -name .cache -o -name dist -o -name coverage \) -prune \
  -o -type f \( -name '*.sh' -o -path './.ci/run' \) -print | sort)

.PHONY: help
help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/\1 \2/' \
	  | while read -r target text; do printf '  make %-13s %s\n' "$$target" "$$text"; done

.PHONY: setup
setup: ## install what building, testing and the demo need, where it is missing
	@scripts/setup.sh node build image verify test cluster demo

.PHONY: demo
demo: ## a whole cluster in a box: one EdgeBuild becomes an ARM64 image, proven, published and serving a page
	@scripts/setup.sh node build image cluster demo
	@node test/cluster/programs.ts >/dev/null
	@node scripts/images.ts
	@node demo/run.ts

.PHONY: demo-local
demo-local: ## the same image on this machine, without any cluster
	@scripts/setup.sh node build demo
	@node demo/local.ts

.PHONY: test
test: ## run every test; T=PATTERN for the test files whose path matches
	@scripts/setup.sh node build image test cluster
	@scripts/foreign-busybox.sh $(FOREIGN_BUSYBOX)
	@node test/cluster/programs.ts >/dev/null
	@node scripts/images.ts
	@scripts/test.sh $(TEST_RESULTS) $(T)

.PHONY: soak
soak: ## many more seeded sequences of faults than make test has; SEEDS=2000 BUILD_SEEDS=200 FIRST=1000
	@scripts/setup.sh node cluster
	@node test/cluster/programs.ts >/dev/null
	@EDGEBUILD_SEEDS=$(or $(SEEDS),2000) EDGEBUILD_BUILD_SEEDS=$(or $(BUILD_SEEDS),200) EDGEBUILD_FIRST_SEED=$(or $(FIRST),1000) \
	  scripts/test.sh .cache/soak-results 'test/faults/(edgebuild-)?random'

.PHONY: cluster
cluster: ## a shell in a whole Kubernetes of your own, as root, until it ends
	@scripts/setup.sh node cluster
	@node test/cluster/programs.ts >/dev/null
	@node test/cluster/enter.ts

.PHONY: build
build: ## compile the command line into dist/
	@scripts/setup.sh node
	@rm -rf dist
	@node scripts/bundle.ts src/main.ts

.PHONY: image
image: ## build the operator's image into edgebuild.oci.tar, without any registry
	@scripts/setup.sh node build image
	@node scripts/image-operator.ts --to oci-archive:edgebuild.oci.tar

.PHONY: image-agent
image-agent: ## build the image of the nodes' agent into edgebuild-agent.oci.tar
	@scripts/setup.sh node build image
	@node scripts/image-agent.ts --to oci-archive:edgebuild-agent.oci.tar

.PHONY: push
push: ## build both images, copy them to REGISTRY=host/path, and name them in manifests/; TLS_VERIFY=false for plain HTTP
	@[ -n "$(REGISTRY)" ] || { echo 'where to? make push REGISTRY=registry.example.com/edgebuild' >&2; exit 2; }
	@$(MAKE) image image-agent
	@node scripts/push.ts --registry "$(REGISTRY)" --tls-verify "$(or $(TLS_VERIFY),true)"

.PHONY: lint
lint: ## types, eslint, formatting, dead code, layering and shell programs
	@scripts/setup.sh node verify
	tsc --noEmit
	eslint .
	prettier --check --log-level warn .
	knip
	depcruise $(SOURCES) --config .dependency-cruiser.cjs
	shellcheck --external-sources $(SHELL_FILES)

.PHONY: generate
generate: ## write what is generated from src/api: crds/
	@scripts/setup.sh node
	node scripts/generate.ts

.PHONY: verify
verify: ## lint, and fail if anything generated differs from what src/api says
	@scripts/setup.sh node verify
	node scripts/generate.ts --check
	@$(MAKE) lint

.PHONY: bench
bench: ## measure against plain buildah and skopeo: docs/benchmarks.md says how
	@scripts/setup.sh node build demo
	@node bench/run.ts $(B)

.PHONY: bench-render
bench-render: ## measure edgebuild render, of one EdgeBuild and of a thousand
	@scripts/setup.sh node
	@node bench/render.ts

.PHONY: bench-runtime
bench-runtime: ## measure the controller runtime against raw requests and a twin in Go; B=converge, memory, latency, rest or leader
	@scripts/setup.sh node cluster
	@node test/cluster/programs.ts >/dev/null
	@mkdir -p .cache
	@cd bench/twin && PATH=$$PATH:/usr/local/go/bin CGO_ENABLED=0 go build -o ../../.cache/twin .
	@rm -rf .cache/bench
	@node scripts/bundle.ts --into .cache/bench bench/runtime-node.ts bench/runtime-raw.ts bench/leader-process.ts
	@node bench/runtime.ts $(B)

.PHONY: bench-nodes
bench-nodes: ## measure the nodes' agent on a real node, and the operator with 5,000 fake ones; B=image, box or scale
	@scripts/setup.sh node build cluster
	@node test/cluster/programs.ts >/dev/null
	@node scripts/images.ts
	@rm -rf .cache/bench-nodes
	@node scripts/bundle.ts --into .cache/bench-nodes src/main.ts
	@node bench/nodes.ts $(B)

.PHONY: bench-edgebuild
bench-edgebuild: ## measure EdgeBuilds on the stand-in for OpenShift, and whole ones in a box; B=latency, scale, whole or render
	@scripts/setup.sh node build image cluster
	@node test/cluster/programs.ts >/dev/null
	@node scripts/images.ts
	@rm -rf .cache/bench-edgebuild
	@node scripts/bundle.ts --into .cache/bench-edgebuild src/main.ts
	@node scripts/bundle.ts --into .cache/bench-edgebuild/raw bench/edgebuild-raw.ts
	@node bench/edgebuild.ts $(B)

.PHONY: clean
clean: ## remove what these targets made in this folder; node_modules and the user's cache stay
	rm -rf dist coverage .cache *.oci.tar
