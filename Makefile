# Everything runs from .venv, which `make install` keeps in step with requirements.txt. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install foundry test-models test-protocol test-load test-paging test-long test-upgrades run reset test lint format docs lock synth deploy destroy eval-demo bench-cutoff calibrate-cutoff bench-encoder bench-index bench-cold artefacts size pin-image

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMP := .venv/.installed
TORCH := .venv/.torch
PEERS := .venv/.peers

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: $(STAMP) ## Create .venv with everything but torch; done only when a requirement changed

$(STAMP): requirements.txt pyproject.toml hatch_build.py cli/__main__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'glimpse: Python 3.11 or later is needed; name one with PYTHON=/path/to/python3.12 make $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "glimpse: Python's venv module is missing; on Debian and Ubuntu it is in the package python3-venv" >&2; exit 1; }
	@echo 'Installing into .venv …'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	  --reinstall-package glimpse --editable .
	@touch $@

run: $(STAMP) ## Start the whole stack on this machine
	@exec $(BIN)/python -m local run --with-parent

reset: $(STAMP) ## Forget accounts, photographs and indexes on this machine
	@exec $(BIN)/python -m local reset

test: $(STAMP) ## Run all tests but the slow ones
	@$(BIN)/python -m pytest -m 'not slow and not models' -n 2 --no-loadscope-reorder

test-long: $(STAMP) ## Run the long variants of tests: a crash at every step, every import killed, all changes at once
	@$(BIN)/python -m pytest -m slow tests/e2e tests/integration -n 2 --no-loadscope-reorder

foundry: $(TORCH) ## Add torch and open_clip to .venv: for exports, training and the tests against them

# With pip, which takes torch's CPU build (1.1 GB with all the rest) where it is told of a folder or an index that has it.
PIP_LOCKED := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

$(TORCH): foundry/cpu.txt foundry/requirements.txt foundry/cuda.txt $(STAMP)
	@echo 'Installing torch into .venv …'
	@$(PIP_LOCKED) -r foundry/cpu.txt 2>/dev/null || echo 'No CPU build of torch is on offer; PyPI has the one for CUDA (5 GB).'
	@$(PIP_LOCKED) -r foundry/requirements.txt
	@if $(BIN)/python -m foundry.locking --needs-cuda; then $(PIP_LOCKED) -r foundry/cuda.txt; fi
	@touch $@

test-models: $(TORCH) ## Test exports, tokenizers and preprocessing against open_clip and torch
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m models tests/models

test-protocol: $(STAMP) ## Test the index protocol at length: the state machine, mistakes it must notice, killed writers
	@$(BIN)/python -m pytest -m slow tests/protocol

test-load: $(STAMP) ## Test 40 clients for three minutes while workers and the emulator are killed; LOAD=small: 8 clients for 15 s
	@LOAD=$(or $(LOAD),full) $(BIN)/python -m pytest -m slow -s tests/load

test-paging: $(STAMP) ## Test paging through large folders while they change, and what searches find; PAGING=small: one kind of vectors
	@$(BIN)/python -m pytest -m slow tests/paging $(if $(filter small,$(PAGING)),-k random)

test-upgrades: $(STAMP) ## Test that indexes, tables and the state of one machine of earlier versions are taken over
	@$(BIN)/python -m pytest tests/upgrades

lint: $(STAMP) ## Check style, types, layering, lengths of files and functions, spelling and Markdown
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy layers/glimpse/python/glimpse functions infra deployment local cli migration foundry benchmarks
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/structure
	@$(BIN)/typos
	@$(BIN)/pymarkdown scan --recurse --respect-gitignore .

format: $(STAMP) ## Format the code
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

docs: $(STAMP) ## Build the documentation's site in build/site, with the references of the index and of the routes
	@$(BIN)/python docs/site/assemble.py build/docs
	@$(BIN)/zensical build --strict
	@echo 'build/site: read it with $(BIN)/python -m http.server -b 127.0.0.1 -d build/site 8000'

size: $(STAMP) ## List what the image and the zips hold
	@$(BIN)/python -m benchmarks.artefacts.sizes

artefacts: $(STAMP) ## Build each function's artefact for Lambda and test it alone
	@$(BIN)/python -m pytest -m slow tests/artefacts

BASE_IMAGE := public.ecr.aws/lambda/python:3.12

pin-image: ## Pin embed's image to today's base image of AWS; needs a Docker engine and a network
	@digest=$$(docker buildx imagetools inspect $(BASE_IMAGE) --format '{{.Manifest.Digest}}') \
	  && sed -i "s|^ARG BASE=.*|ARG BASE=$(BASE_IMAGE)@$$digest|; s|was on [0-9-]*;|was on $$(date +%F);|" functions/embed/Dockerfile \
	  && grep '^ARG BASE=' functions/embed/Dockerfile

eval-demo: $(STAMP) ## Measure the demo model that ships
	@$(BIN)/python -m foundry.demo_model.evaluate

bench-cold: $(STAMP) ## Time each function's cold start on its artefact, beside the last commit without bytecode
	@$(BIN)/python -m benchmarks.artefacts.cold_start

bench-encoder: $(TORCH) ## Time the encoder beside open_clip on torch and plain onnxruntime
	@HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks.encoding.encoder

bench-index: $(PEERS) ## Time searches beside FAISS, hnswlib, usearch and LanceDB; takes up to half an hour
	@$(BIN)/python -m benchmarks.search.index

$(PEERS): benchmarks/requirements.txt $(STAMP)
	@echo 'Installing hnswlib (compiled here), usearch and LanceDB into .venv …'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r benchmarks/requirements.txt
	@touch $@

bench-cutoff: $(STAMP) ## Measure how well the number of relevant results is told
	@$(BIN)/python -m benchmarks.relevance.cutoff

calibrate-cutoff: $(STAMP) ## Fit anew what tells the number of relevant results
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.relevance.fit

synth: $(STAMP) ## Write the CloudFormation template for AWS to cdk.out
	@$(BIN)/python -m deployment.cdk synth --quiet

deploy: $(STAMP) ## Deploy to AWS, with the credentials of the environment
	@$(BIN)/python -m deployment deploy

destroy: $(STAMP) ## Remove the stack from AWS; buckets and tables stay, with the photographs
	@$(BIN)/python -m deployment.cdk destroy

COMPILE := $(BIN)/uv pip compile --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet
LOCK := $(COMPILE) pyproject.toml
LAMBDA := --python-version 3.12 --python-platform x86_64-manylinux_2_28 -c requirements.txt --excludes layers/excludes.txt

lock: $(STAMP) ## Compile the requirements files
	@$(LOCK) $(foreach extra,api embed search local cli dev docs,--extra $(extra)) --universal --python-version 3.11 -o requirements.txt
	@$(LOCK) $(LAMBDA) --extra api -o layers/api/requirements.txt
	@$(LOCK) $(LAMBDA) --extra search -o layers/search/requirements.txt
	@$(LOCK) $(LAMBDA) --extra embed -o functions/embed/requirements.txt
	@$(COMPILE) benchmarks/requirements.in --universal --python-version 3.11 -c requirements.txt \
	  -o benchmarks/requirements.txt
	@set -o pipefail; $(LOCK) --extra foundry --universal --python-version 3.11 -c requirements.txt \
	  | $(BIN)/python -m foundry.locking foundry/cpu.txt foundry/requirements.txt foundry/cuda.txt
