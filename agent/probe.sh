# shellcheck shell=sh disable=SC2034,SC2154 # Names are of whoever reads this.
# Read by agent.sh and prove.sh: whether a foreign program runs here and now.

# ARCH: runs the foreign program that comes with the image. When it fails, sets reason and message.
probe() {
  answer=$(PATH=$image/probes "probe-$1" 2>/dev/null)
  case $? in
    86)
      [ "$answer" != "edgebuild-probe $1 probe-$1" ] || return 0
      reason=ProbeFailed message="a foreign program ran, and said '$answer'"
      ;;
    126) reason=InterpreterDenied message="a foreign program may not be run" ;;
    129 | 1[34]? | 15?) reason=EmulatorCrashed message="a foreign program was ended by a signal" ;;
    *) reason=ProbeFailed message="a foreign program cannot be run" ;;
  esac
  return 1
}

pause() {
  sleep "$every" &
  wait $!
}
