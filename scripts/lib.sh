# Shared by the scripts beside this file: what has to be there before anything of lanline runs. Bash.

say() { printf '%s\n' "lanline: $*"; }
stop() {
  printf '%s\n' "lanline: $*" >&2
  exit 1
}

# Of a script that is asked for `--help`: what stands at its head.
tell_help() {
  [[ "${1:-}" == -h || "${1:-}" == --help ]] || return 0
  local file="$root/scripts/${0##*/}"
  [[ -f "$file" ]] || file="$root/image-build/${0##*/}"
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$file"
  exit 0
}

# The Node that lanline runs on, whatever the machine's own is.
node26="$root/node_modules/.bin/node"

need_npm() {
  command -v node >/dev/null || stop "Node.js is missing; install Node.js 20.19 or newer (https://nodejs.org/; on Debian 13: apt install nodejs npm)"
  command -v npm >/dev/null || stop "npm is missing; install it beside Node.js (apt install npm)"
  # As what builds the pages wants it: npm leaves it out under any other, and says nothing.
  local major minor kind
  read -r major minor <<<"$(node -p 'process.versions.node.split(".").slice(0, 2).join(" ")')"
  ((major > 22 || (major == 22 && minor >= 12) || (major == 20 && minor >= 19))) ||
    stop "Node.js $major.$minor is too old; install 20.19, 22.12 or newer (https://nodejs.org/; on Debian 13: apt install nodejs npm)"
  kind="$(node -p 'process.platform + " " + process.arch')"
  [[ "$kind" == "linux x64" || "$kind" == "linux arm64" ]] ||
    stop "lanline runs on 64-bit Linux (x64, arm64); the Node.js here is for $kind"
}

# npm writes the hidden lock file last: when it is not older than package-lock.json, the packages are those.
packages_are_current() {
  [[ -x "$node26" && -f node_modules/.package-lock.json && ! package-lock.json -nt node_modules/.package-lock.json ]]
}

install_packages() {
  packages_are_current && return
  need_npm
  say "installing packages (the first time this takes a minute or two)"
  trap 'stop "stopped while installing; run this again, it begins anew"' INT TERM
  # Only the package `node` needs its install script. An npm before 11 does not read allowScripts, and would compile what
  # has a binding.gyp although its binaries come along.
  npm ci --ignore-scripts --include=dev --no-audit --no-fund --loglevel=error && npm rebuild node --loglevel=error >/dev/null ||
    stop "the packages could not be installed: npm says why, above. They come from npm's registry, so this once the \
machine needs the internet (behind a proxy: npm config set proxy http://...). Then run this again."
  trap - INT TERM
  touch node_modules/.package-lock.json
  "$node26" --version >/dev/null 2>&1 || install_libraries
  "$node26" --version >/dev/null ||
    stop "the packaged Node.js does not run on this machine ($(uname -sm)); Debian: apt install libatomic1 libstdc++6"
  "$node26" -e 'new (require("better-sqlite3"))(":memory:")' >/dev/null ||
    stop "the packaged SQLite does not run on this machine: it needs glibc 2.34 or newer, as in Debian 12, Ubuntu 22.04 or \
Fedora 35; here is $(getconf GNU_LIBC_VERSION 2>/dev/null || echo another C library)"
}

# What the packaged Node.js is linked to, and the smallest of systems lack.
install_libraries() {
  [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null || return 0
  say "installing libatomic1 libstdc++6"
  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libatomic1 libstdc++6 >/dev/null || true
}

# Pairs of a program and the Debian package that brings it: installs what is missing, where that is possible. What is
# still missing then is for the caller to say.
install_debian() {
  local missing=()
  while [[ $# -gt 0 ]]; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing+=("$2")
    shift 2
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    say "not here, what needs them is skipped: ${missing[*]}"
    return
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    say "some packages could not be installed; what needs them is skipped"
}

# What the pages are made of, as one number.
page_sources() {
  {
    find web-phone web-admin client src -type f -not -path '*/node_modules/*' -not -path '*/dist/*' \
      \( -not -path 'src/*' -o -name message.ts \) -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 cat
    cat package-lock.json scripts/page-plugins.ts
  } | sha256sum | cut -d' ' -f1
}

build_pages() {
  local sources page
  sources="$(page_sources)"
  [[ -f dist/pages.stamp && -d web-phone/dist && "$(<dist/pages.stamp)" == "$sources" ]] && return
  for page in web-phone web-admin; do
    [[ -f "$page/vite.config.ts" ]] || continue
    say "building $page"
    "$node26" node_modules/.bin/vite build --config "$page/vite.config.ts" --logLevel warn || stop "building $page failed; see above"
  done
  mkdir -p dist
  printf '%s\n' "$sources" >dist/pages.stamp
}
