# shellcheck shell=bash
# Runs in the sandbox, where ARM64 programs run: serve.sh PORT BUILDAH…
# Starts the image that standard input holds as an OCI archive, fetches a page from it, and tells in lines of
# "word value" what it saw. The network is one of its own with nothing but loopback: its ports are nobody else's.
set -euo pipefail
port=$1
shift
buildah=("$@")

cat >"$TMPDIR/image.oci.tar"
# By its id, buildah takes an image whatever the platform it looks for.
"${buildah[@]}" pull --quiet --arch arm64 "oci-archive:$TMPDIR/image.oci.tar" >"$TMPDIR/id"
rm "$TMPDIR/image.oci.tar"
container=$("${buildah[@]}" from --pull-never "$(tail -n 1 "$TMPDIR/id")")
command=()
while IFS= read -r word; do command+=("$word"); done < <(
  "${buildah[@]}" inspect --format '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}{{range .OCIv1.Config.Cmd}}{{println .}}{{end}}' "$container" | sed '/^$/d'
)
echo "command ${command[*]}"
root=$("${buildah[@]}" mount "$container")

ip link set lo up
"${buildah[@]}" run "$container" -- "${command[@]}" &
server=$!

for ((second = 0; ; second++)); do
  if status=$(curl --silent --max-time 5 --output "$TMPDIR/page" --write-out '%{http_code}' "http://127.0.0.1:$port/"); then break; fi
  kill -0 $server 2>/dev/null || { echo "ended"; exit 1; }
  [ $second -lt 60 ] || { echo "silent"; exit 1; }
  sleep 1
done
echo "status $status"
echo "title $(sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' "$TMPDIR/page" | head -n 1)"
echo "machine $("${buildah[@]}" run "$container" -- uname -m)"

# The processes of the image are those whose root directory is the image's; one of them is buildah's own, which put
# them there and waits.
for process in /proc/[0-9]*; do
  [ "$(readlink "$process/root")" != / ] || continue
  case $(readlink "$process/exe") in /memfd:buildah*) continue ;; esac
  mapfile -d '' -t words <"$process/cmdline"
  [ ${#words[@]} -gt 0 ] || continue
  # QEMU, as the kernel starts it, is given the program's path first.
  echo "process ${process#/proc/} $(readlink "$process/exe") ${words[*]}"
  program=$root${words[1]}
  [ -f "$program" ] || continue
  # More than the header: the interpreter's name stands behind it.
  echo "program ${words[1]} $(head -c 2048 "$program" | base64 -w 0)"
done
