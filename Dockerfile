# Tidemark in one image: a static binary with the playground and the time zones in it.
# The same image serves, works, migrates and manages; the command says which.

FROM node:20.20.2-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM golang:1.26.8-bookworm AS binary
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist/ web/dist/
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /tidemark ./cmd/tidemark

# Alpine brings what the binary does not: root certificates, and a wget to ask for its health.
FROM alpine:3.22
RUN adduser -D -H -u 10001 tidemark
COPY --from=binary /tidemark /usr/local/bin/tidemark
USER 10001
# Inside a container, the loopback address reaches nobody.
ENV TIDEMARK_LISTEN=0.0.0.0:8080
EXPOSE 8080
# No HEALTHCHECK here: only serve answers HTTP. compose.yaml has one for it.
ENTRYPOINT ["/usr/local/bin/tidemark"]
CMD ["serve"]
