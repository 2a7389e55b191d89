# docs/guide/install.md says how to run it. Any image with Node >= 20.19 will do as the base:
#   docker build --build-arg NODE_IMAGE=node:24-bookworm-slim .
ARG NODE_IMAGE=node:20-bookworm-slim

# Compiles. Its compiler and linter stay behind.
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
COPY adapters ./adapters
RUN npm run -s build

# Runs. No compiler is needed: the one native part, serialport's binding, comes prebuilt for amd64, arm64 and arm/v7.
FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production
WORKDIR /opt/weir
COPY package.json package-lock.json .npmrc LICENSE ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY --from=build /build/dist/src ./dist/src
COPY --from=build /build/dist/adapters ./dist/adapters
COPY devices ./devices
COPY examples ./examples

# Serial ports belong to group dialout (20 in Debian, here and on the host). The numbers are fixed so that volumes keep their owner.
RUN groupadd --gid 10001 weir \
 && useradd --uid 10001 --gid weir --groups dialout --home-dir /var/lib/weir --no-create-home --shell /usr/sbin/nologin weir \
 && install -d -o weir -g weir -m 0750 /var/lib/weir \
 && install -d -o root -g weir -m 0750 /etc/weir
USER weir
# What systemd would say: the queues in front of the upstreams are kept there.
ENV STATE_DIRECTORY=/var/lib/weir
WORKDIR /var/lib/weir
# /etc/weir/weir.yaml is the configuration: mount it read-only.
VOLUME ["/var/lib/weir"]
# MQTT, MQTT over WebSocket, CoAP.
EXPOSE 1883 8083 5683/udp
# A listener of another port, or one with TLS only: give another --health-cmd.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "require('node:net').connect(1883, '127.0.0.1', () => process.exit(0)).on('error', () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/weir/dist/src/main.js"]
CMD ["run", "/etc/weir/weir.yaml"]
