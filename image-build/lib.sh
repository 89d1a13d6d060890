# Shared by what is beside this file. Bash; after scripts/lib.sh, in the root of the sources.

out="$root/image-build/out"
caches="$out/cache"

version="$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)"

# Every time in an output is the commit's (reproducible-builds.org/specs/source-date-epoch).
if [[ -z "${SOURCE_DATE_EPOCH:-}" ]]; then
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct 2>/dev/null)" ||
    stop 'this is no git checkout; say when it is from: SOURCE_DATE_EPOCH=<seconds since 1970>'
fi
export SOURCE_DATE_EPOCH

# Debian's names to npm's.
npm_name_of() {
  case "$1" in
    amd64) printf 'x64\n' ;;
    arm64) printf 'arm64\n' ;;
    *) stop "there is no lanline for $1; there is for amd64 and arm64" ;;
  esac
}

# npm with a cache of its own: a second build fetches nothing.
quiet_npm() { npm --cache "$caches/npm" --prefer-offline --no-update-notifier "$@" 2> >(grep -v '^npm warn Unknown' >&2); }

# Rights and times that say nothing of the machine it was built on.
settle_tree() {
  chmod -R u=rwX,go=rX "$1"
  find "$1" -type f -exec chmod a-x {} +
  find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}
