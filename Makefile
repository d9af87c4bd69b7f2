# Two commands matter: make run, and make test.
# Everything that a fresh machine needs is done by the steps that need it.

BIN := bin/tidemark
export CGO_ENABLED ?= 0

.PHONY: run test build web generate lint vet clean

run: build ## build, start everything, load a demo, serve
	@exec $(BIN) up --log-format text --log-level warn

build: web
	@go build -o $(BIN) ./cmd/tidemark

web: ## the playground; without Node the API runs all the same
	@./scripts/web.sh

test: web ## all tests, against a real PostgreSQL and a real Redis
	@./scripts/test.sh

generate: ## sqlc and gqlgen, from a migrated database
	@./scripts/generate.sh

vet:
	@go vet ./...

lint: ## golangci-lint, as .golangci.yml has it
	@./scripts/lint.sh

clean: ## what was built; the data under .tidemark stays
	@rm -rf bin web/dist/assets web/dist/index.html
