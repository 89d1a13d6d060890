# Debian packages without a Debian to install them in: resolved and verified by apt against an empty system of the
# architecture wanted, kept in out/cache/, unpacked by dpkg-deb. Bash; after image-build/lib.sh.

suite=trixie
mirror="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
security_mirror="${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The names below a heading of image-build/packages.
packages_under() {
  awk -v heading="[$1]" '/^\[/ { here = ($0 == heading); next } here && !/^(#|$)/ { print $1 }' image-build/packages
}

apt_for() {
  local directory="$caches/apt-$architecture"
  APT_CONFIG="$directory/apt.conf" "$@"
}

# An empty system's apt: what it downloads is the whole, and nothing of this machine's packages counts.
prepare_apt() {
  local directory="$caches/apt-$architecture" area signed="[signed-by=$keyring]"
  mkdir -p "$directory"/{state/lists/partial,cache/archives/partial,etc/preferences.d,etc/apt.conf.d,etc/sources.list.d}
  : >"$directory/state/status"
  area='main non-free-firmware'
  cat >"$directory/etc/sources.list" <<SOURCES
deb $signed $mirror $suite $area
deb $signed $mirror $suite-updates $area
deb $signed $security_mirror $suite-security $area
deb $signed $mirror $suite-backports $area
SOURCES
  cat >"$directory/apt.conf" <<CONFIGURATION
Dir "$directory";
Dir::State "$directory/state";
Dir::State::status "$directory/state/status";
Dir::Cache "$directory/cache";
Dir::Etc "$directory/etc";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONFIGURATION
  apt_for apt-get update -qq
}

# Writes the names of the .deb files, a line each, to the lists root.debs and boot.debs.
fetch_debian() {
  local names without kernel
  prepare_apt
  # Root: with everything they depend on, but what is left out.
  mapfile -t names < <(packages_under root; packages_under 'root from backports' | sed "s|\$|/$suite-backports|")
  apt_for apt-get install -qq -y --download-only "${names[@]}" >/dev/null
  without="$(packages_under 'left out' | paste -sd'|')"
  # Inst libc6 (2.41-12 Debian:13/stable [arm64])
  apt_for apt-get install -qq -y --simulate "${names[@]}" |
    sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*\[\([a-z0-9]*\)\]).*$/\1_\2_\3.deb/p' |
    sed 's/:/%3a/' | grep -vE "^($without)_" | LC_ALL=C sort >"$work/root.debs"
  # Boot: these alone.
  kernel="$(apt_for apt-cache depends -t "$suite-backports" "linux-image-$architecture" |
    sed -n 's/^ *Depends: linux-image-\([0-9].*\)$/\1/p')"
  [[ -n "$kernel" ]] || stop "there is no kernel for $architecture in $suite-backports"
  mapfile -t names < <(
    packages_under boot
    packages_under "boot $architecture"
    for part in base binary modules; do printf '%s/%s-backports\n' "linux-$part-$kernel" "$suite"; done
  )
  fetch_alone "$work/boot.debs" "${names[@]}"
}

# These packages without what they depend on; the names of the .deb files to the list.
fetch_alone() {
  local list="$1" archives="$caches/apt-$architecture/cache/archives" name file
  shift
  : >"$list"
  for name in "$@"; do
    file="$(cd "$work" && apt_for apt-get download --print-uris "$name" | cut -d' ' -f2)"
    [[ -f "$archives/$file" ]] || (cd "$archives" && apt_for apt-get download -qq "$name")
    printf '%s\n' "$file" >>"$list"
  done
  LC_ALL=C sort -o "$list" "$list"
}

unpack_debian() {
  local list="$1" to="$2" file
  mkdir -p "$to"
  while read -r file; do
    dpkg-deb --fsys-tarfile "$caches/apt-$architecture/cache/archives/$file" | tar -x -C "$to" -p --keep-directory-symlink
  done <"$list"
}
