# `make run` and `make test` need Python 3.11 or later and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that run tests.
TESTERS ?= 2
CODE := main.py processors schemas service tests benchmarks testimages docs

# opencv-python draws windows, and wants the system's libraries for it.
CHECK_LIBRARIES = $(BIN)/python -c 'import cv2' || { echo 'OpenCV misses a library of the system; on Debian: apt-get install libgl1 libglib2.0-0 libxcb1'; exit 1; }

.PHONY: run test soak build bench lint format docs images golden clean

run: $(VENV)/.runtime
	$(BIN)/python main.py

test: $(VENV)/.development
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder

# Minutes: workers and servers killed again and again, poison, a hundred thousand images.
soak: $(VENV)/.development
	$(BIN)/python -m pytest tests/soak -o python_files='soak_*.py' --timeout=3600 -s -v

build: clean
	$(MAKE) $(VENV)/.development
	$(MAKE) format lint

bench: $(VENV)/.development
	$(BIN)/python -m benchmarks

lint: $(VENV)/.development
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

format: $(VENV)/.development
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# The references that are generated from the code.
docs: $(VENV)/.development
	$(BIN)/python -m docs.generate

# The sample images, rendered anew.
images: $(VENV)/.development
	$(BIN)/python testimages/render.py

# What each operation makes of four pictures; it says what changed.
golden: $(VENV)/.development
	$(BIN)/python -m tests.golden

clean:
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Darkroom needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(CHECK_LIBRARIES)
	touch $@

$(VENV)/.development: requirements.txt requirements-clouds.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/.runtime
