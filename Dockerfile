# Parlor as an image: one program and its folder for data, run as nobody in particular.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential cmake pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /parlor
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY templates templates
COPY static static
# The caches outlive the build, so that the next one compiles only what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/parlor/target \
    cargo build --release --locked --bin parlor && cp target/release/parlor /usr/local/bin/parlor

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/parlor /usr/local/bin/parlor
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin parlor \
    && install --directory --owner=parlor --group=parlor --mode=700 /data
USER parlor
WORKDIR /data
VOLUME /data
ENV PARLOR_BIND=0.0.0.0:8080 PARLOR_DATA=/data PARLOR_UPLOADS=/data/uploads PARLOR_LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
# The image has no client for HTTP, but bash can speak enough of it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head --lines=1 <&3 | grep --quiet ' 200 '"]
ENTRYPOINT ["parlor"]
