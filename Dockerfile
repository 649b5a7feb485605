# The server as an image: docker build -t aifirst .
# Built with glibc of the same Debian as it runs on.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches keep the dependencies between builds; the binary is copied out because they are not in the layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin aifirst \
    && cp target/release/aifirst /usr/local/bin/aifirst

FROM debian:bookworm-slim
# Root certificates: model providers and webhooks are called over TLS. Today's are wanted, not a pinned set's.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin aifirst \
    && install --directory --owner aifirst --group aifirst --mode 0700 /var/lib/aifirst
COPY --from=build /usr/local/bin/aifirst /usr/local/bin/aifirst

# Production asks for its secrets at the start and says which are missing.
ENV AIFIRST_MODE=production \
    AIFIRST_DATA_DIR=/var/lib/aifirst \
    AIFIRST_LISTEN=0.0.0.0:8080 \
    AIFIRST_ADMIN_LISTEN=0.0.0.0:9090
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/aifirst
VOLUME /var/lib/aifirst
# 9090 is the admin listener (health, metrics): never publish it to strangers.
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["aifirst", "healthcheck"]
ENTRYPOINT ["aifirst"]
CMD ["serve"]
