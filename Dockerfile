# Images of sopup, made from the programs that `dist/build.sh` laid out, for the platforms that are there:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --file Dockerfile target/image
#   docker run --rm --volume "$PWD:/work:ro" ghcr.io/sopup/sopup
#
# The usual image has git and a shell: `sopup purge run` and hooks call git, and jobs in CI are shell scripts
# that clone. Scans, migrations and work with SOPS files read repositories without git: `--target bare` has
# the program alone. The programs must be linked statically (targets with musl).

FROM scratch AS bare
ARG TARGETPLATFORM
LABEL org.opencontainers.image.title="sopup" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://github.com/sopup/sopup" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
COPY $TARGETPLATFORM/sopup /usr/bin/sopup
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/bin/sopup"]

FROM alpine:3.22 AS git
ARG TARGETPLATFORM
LABEL org.opencontainers.image.title="sopup" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="https://github.com/sopup/sopup" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
# Repositories are mounted with owners of their own; git would refuse to read them.
RUN apk add --no-cache git openssh-client-default && git config --system --add safe.directory '*'
COPY $TARGETPLATFORM/sopup /usr/bin/sopup
# What a scan remembers for the next one.
ENV XDG_STATE_HOME=/tmp
USER 65532:65532
WORKDIR /work
CMD ["sopup", "scan"]
