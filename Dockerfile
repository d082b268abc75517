# One image for the four services, their migration and ctl: Node, our sources and their libraries, and nothing that builds. Node is the one of package.json.
ARG NODE=24.21.0

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY . .
# The panel is built with what is then left out; the database and Node come from elsewhere.
RUN npm ci --ignore-scripts --no-audit --no-fund && node scripts/build-panel.ts --force \
 && rm -rf node_modules packages/*/node_modules services/*/node_modules \
 && npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/.bin /root/.npm

# The same beside the programs of the database, with which backups are restored as a drill, and restic, which copies them elsewhere, over SSH too.
FROM postgres:18-bookworm AS backup
RUN apt-get update -q && apt-get install -q -y --no-install-recommends openssh-client restic && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin sealpost \
 && mkdir -p /data /certificates /backups /elsewhere && chown 10001:10001 /data /certificates /backups /elsewhere && chmod 700 /data /backups /elsewhere \
 && mkdir /home/sealpost && ln -s /elsewhere /home/sealpost/.ssh
WORKDIR /app
USER 10001:10001
ENV SEALPOST_DATA_DIR=/data SEALPOST_BIND=:: POSTGRES_BIN=/usr/lib/postgresql/18/bin
ENTRYPOINT ["node", "--max-semi-space-size=32", "--no-allocation-site-pretenuring", "--openssl-config=/app/infra/node/openssl.cnf"]
CMD ["--help"]

FROM debian:12-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
# Volumes that are empty take on the owner of what they cover.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin sealpost \
 && mkdir -p /app/.compiled /data /keyring/xmpp /keyring/smtp /certificates \
 && chown -R 10001:10001 /app/.compiled /data /keyring /certificates && chmod 700 /data /keyring/*
WORKDIR /app
USER 10001:10001
ENV NODE_COMPILE_CACHE=/app/.compiled SEALPOST_DATA_DIR=/data KEYRING_DIR=/keyring SEALPOST_BIND=::
# Types are taken off and compiled once, by the user whose cache it is; Node keeps it by flags, so they are those of the entry point.
RUN for service in api xmpp keys smtp; do \
      DATABASE_URL=postgres://localhost/sealpost EVENT_BUS=postgres \
      node --max-semi-space-size=32 --no-allocation-site-pretenuring --openssl-config=infra/node/openssl.cnf \
        services/$service/src/main.ts --check-config || exit 1; done
ENTRYPOINT ["node", "--max-semi-space-size=32", "--no-allocation-site-pretenuring", "--openssl-config=/app/infra/node/openssl.cnf"]
CMD ["--help"]
