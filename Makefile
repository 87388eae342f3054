# `make talk`, `make web` and `make test` each do all the set-up they need, then their job. The second run starts in seconds.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Tests of FunASR's own code need PyTorch: a CPU build where pip finds one (200 MB), the usual one elsewhere (GB on
# Linux). `make test FUNASR=0` does without; those tests are skipped then.
FUNASR ?= 1

# A shell may forbid Python to keep compiled files: each of three workers, and each program that a test starts, would
# compile all of it again. Empty, the variable forbids nothing.
test fast-test clients-test browser-test offline-test ray-test: export PYTHONDONTWRITEBYTECODE :=

.PHONY: talk web demo test clients-test realtime-scenarios browser-test soak offline-test fuzz ray-test release-test fast-test lint setup funasr models common-models lock sbom clean

talk: common-models
	@$(BIN)/huiyin talk --demo-if-silent

web: common-models
	@$(BIN)/huiyin web

demo: common-models
	@$(BIN)/huiyin demo

test: $(VENV)/.test-ready models lint
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not release and not clients and not browser and not soak and not offline and not fuzz and not ray"

# Other people's clients, of the services and of Realtime: their packages are downloaded once, to
# ~/.cache/huiyin/clients.
clients-test: setup
	@$(BIN)/python -m pytest -n 3 --dist loadgroup -m clients tests/clients tests/live tests/realtime

# The conversations of tests/conversations that have sound, in real time through a Realtime server.
realtime-scenarios: setup
	@$(BIN)/huiyin simulate tests/conversations --against realtime

# The page in Chromium, which is a package of Debian's.
browser-test: setup
	@$(BIN)/python -m pytest -m browser tests/browser

# Twenty users who talk, cut in and leave; then the services under load, with a process killed every 20 seconds.
SOAK_MINUTES ?= 15
soak: models
	@SOAK_MINUTES=$(SOAK_MINUTES) $(BIN)/python -m pytest -s -m soak tests/clients tests/services

# Random input: for so many minutes each, of which each service's addresses have a third; and so many conversations in
# which something fails.
FUZZ_MINUTES ?= 30
FAULTS ?= 1000
FUZZ = tests/fuzz
fuzz: common-models
	@FUZZ_MINUTES=$(FUZZ_MINUTES) FAULTS=$(FAULTS) $(BIN)/python -m pytest -s -m fuzz $(FUZZ)

# Every command, watched in a network namespace: it connects to this machine alone.
offline-test: $(VENV)/.test-ready models
	@$(BIN)/python -m pytest -m offline tests/offline

# Several nodes of Ray's on this machine. Installs the extra `ray`, 200 MB, into the environment.
ray-test: $(VENV)/.test-ready common-models
	@$(BIN)/python -c "import ray.serve, ray.data" 2>/dev/null || $(BIN)/pip install -q -c constraints.txt -e ".[ray]"
	@$(BIN)/python -m pytest -m ray tests/ray

# The wheel in clean environments outside the checkout. Its packages are downloaded once, into pip's own cache.
release-test: setup
	@$(BIN)/python -m pytest -m release tests/release tests/choice

fast-test: setup
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

setup: $(VENV)/.ready

# System libraries first: Python's venv module is among them on Debian.
$(VENV)/.ready: pyproject.toml setup.py constraints.txt setup.sh
	@sh ./setup.sh $(PYTHON) $(VENV)
	@touch $@

# The tests also play through a virtual sound card, and watch programs.
$(VENV)/.test-ready: pyproject.toml setup.py constraints.txt setup.sh
	@EXTRA_PACKAGES="pulseaudio pulseaudio-utils libasound2-plugins strace" FUNASR=$(FUNASR) sh ./setup.sh $(PYTHON) $(VENV)
	@touch $(VENV)/.ready $@

# Paraformer, GPUs, and FunASR's own SenseVoice.
funasr: setup
	@FUNASR=1 sh ./setup.sh $(PYTHON) $(VENV)

# Recogniser and language model are chosen at the first run (docs/models.md): only what every choice needs is here.
common-models: setup
	@$(BIN)/huiyin models fetch common

models: setup
	@$(BIN)/huiyin models fetch embedded

# Pin every dependency again, the newest releases, for all Pythons and platforms at once.
lock: setup
	@$(BIN)/pip install -q uv
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.10 --extra embedded --extra webrtc --extra tools --extra wyoming --extra otel --extra ray --extra dev --extra funasr \
	    --index-strategy unsafe-best-match --no-annotate --no-header pyproject.toml -o constraints.txt

# What a release consists of, in CycloneDX's form.
SBOM ?= dist/huiyin.cdx.json
sbom: setup
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/huiyin licences --sbom $(SBOM)

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache *.egg-info
