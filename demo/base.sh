# shellcheck shell=bash
# Runs in the sandbox, where ARM64 programs run: base.sh SOURCES SUITE ARCHIVE BUILDAH…
# Makes a Debian (or Ubuntu) base image from packages, and writes it as an OCI archive.
set -euo pipefail
sources=$1 suite=$2 archive=$3
shift 3
buildah=("$@")

# That foreign programs run is proven already. A user namespace cannot make device nodes: the image has none, and gets
# those of whoever runs it.
mmdebstrap --mode=root --variant=minbase --architectures=arm64 --skip=check/qemu --skip=output/dev --format=tar \
  "$suite" "$TMPDIR/base.tar" "$sources"

echo "writing the base image"
container=$("${buildah[@]}" from --arch arm64 scratch)
"${buildah[@]}" add --quiet "$container" "$TMPDIR/base.tar" / >/dev/null
rm "$TMPDIR/base.tar"
"${buildah[@]}" config --os linux --arch arm64 --cmd /bin/bash "$container"
"${buildah[@]}" commit --quiet --format oci --rm "$container" "oci-archive:$archive.incomplete" >/dev/null
mv "$archive.incomplete" "$archive"
