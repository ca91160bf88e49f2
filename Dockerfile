# The exporter as an image: what every event passes through compiled in the first stage, a virtual environment built in
# the second, and nothing else taken over from them.

# The Python of the other stages, with a C compiler.
FROM docker.io/library/python:3.13-bookworm AS compiler
ARG MYPYC_OPT_LEVEL=3
# 1: no image unless all is compiled; 0: plain Python; empty: what can be compiled is.
ARG EXPORTER_COMPILE=
WORKDIR /src
COPY pyproject.toml README.md LICENSE hatch_build.py ./
COPY exporter ./exporter
RUN python3 -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM docker.io/library/python:3.13-slim-bookworm AS builder
COPY --from=compiler /wheel /wheel
# With the clients of all kinds of queue. All dependencies come as wheels or as pure Python, so that no compiler is
# needed here; one that does not should fail.
RUN python3 -m venv /opt/exporter \
 && /opt/exporter/bin/python -m pip install --no-cache-dir --prefer-binary "$(echo /wheel/profile_exporter-*.whl)[all]" \
 && /opt/exporter/bin/python -m pip uninstall --yes pip

FROM docker.io/library/python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="exporter" \
      org.opencontainers.image.description="A self-hosted streaming destination: profile-change events in, ordered at-least-once HTTP exports out." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 exporter \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin exporter \
 && install --directory --owner 10001 --group 10001 /data \
 && install --directory /config
COPY --from=builder /opt/exporter /opt/exporter
# The root file system may be read-only: nothing writes bytecode, and the ports must be reachable from outside: that of the
# daemon, and of `serve` where records are taken, and where it answers questions about itself.
ENV PATH="/opt/exporter/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    EXPORTER__OPS__HOST=0.0.0.0 \
    EXPORTER__SERVE__HOST=0.0.0.0 \
    EXPORTER__SERVE__OPS__HOST=0.0.0.0
# The default configuration is, from /, /config/exporter.yaml; and what is by default beside its folder, /data/*.db.
WORKDIR /
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8085 9465
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('EXPORTER__OPS__PORT', '9464') + '/live', timeout=2).close()"]
ENTRYPOINT ["exporter"]
CMD ["run", "--config", "/config/exporter.yaml"]
