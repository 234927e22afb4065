# The action's image: one static binary, CA certificates and an empty temporary directory, on nothing.
# On `main` the action is built from this file; a release points action.yml at the prebuilt image by its digest.
#
# No `FROM --platform`: a release cross-compiles outside and hands the result in as the context `build`
# (--build-context build=DIR), so no emulation is needed and this file stays readable by every builder.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY cmd/promote cmd/promote
COPY internal internal
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=${VERSION}" -o /out/promote ./cmd/promote \
 && mkdir -p /out/tmp /out/etc/ssl/certs \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && chmod 1777 /out/tmp

# GitHub runs container actions as root and owns the files that they write outputs to; another user could not
# write them: https://docs.github.com/actions/reference/dockerfile-support-for-github-actions#user
# checkov:skip=CKV_DOCKER_3: see above
# trivy:ignore:DS-0002
FROM scratch
COPY --from=build /out/ /
ENTRYPOINT ["/promote"]
