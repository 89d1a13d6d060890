# The root file system: Debian's files, ours over them, lanline as image-build/stage puts it; then what the packages'
# scripts would have done, as far as it is wanted. Bash; after image-build/debian.sh.

squashfs_options=(-noappend -quiet -no-progress -comp zstd -Xcompression-level 15 -b 256K -processors 2 -no-exports)

make_root() {
  local tree="$work/root"
  unpack_debian "$work/root.debs" "$tree"
  image-build/stage "$architecture" "$work/stage"
  cp -r --no-preserve=ownership "$work/stage/." "$tree/"
  cp -r --no-preserve=ownership image-build/rootfs/. "$tree/"
  public_key "$tree/usr/lib/lanline/update-key.pub"
  (umask 022 && settle_root "$tree")
  prune_root "$tree"
  printf 'lanline %s for %s\n' "$version" "$architecture" >"$tree/etc/lanline-release"
  find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  mksquashfs "$tree" "$work/root.squashfs" "${squashfs_options[@]}"
}

# What bundles are signed with. Without a key of one's own: one for development, made once on this machine.
public_key() {
  if [[ -z "${key:-}" ]]; then
    key="$out/development-key.pem"
    [[ -f "$key" ]] || (umask 077 && mkdir -p "$out" && openssl genpkey -algorithm ed25519 -out "$key")
    say "no --key: update bundles for this image are signed with $key, for development only"
  fi
  openssl pkey -in "$key" -pubout -out "$1" || stop "$key is not a private key that openssl can read (PEM)"
}

# Masked: what asks for logins, waits for people, or writes where nothing can be written.
masked=(
  getty.target console-getty.service getty@.service serial-getty@.service autovt@.service container-getty@.service
  systemd-logind.service systemd-firstboot.service systemd-machine-id-commit.service systemd-update-done.service
  systemd-random-seed.service systemd-hwdb-update.service systemd-journal-catalog-update.service ldconfig.service
  systemd-networkd-wait-online.service systemd-journal-flush.service systemd-hibernate-clear.service systemd-pcrmachine.service
  systemd-boot-random-seed.service systemd-backlight@.service systemd-rfkill.service systemd-rfkill.socket
  apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer
  proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount
)
generators_left_out=(systemd-getty-generator systemd-gpt-auto-generator systemd-hibernate-resume-generator systemd-cryptsetup-generator)
enabled=(systemd-networkd.service systemd-resolved.service systemd-timesyncd.service lanline.service)

settle_root() {
  local tree="$1" unit file
  mkdir -p "$tree"/{data,boot/firmware,proc,sys,dev,run,tmp,root,var,etc/lanline,usr/lib/modules,etc/systemd/system,etc/systemd/system-generators}
  # base-passwd, libc-bin, base-files
  cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
  cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
  sed -i 's|^root:\*|root:x|; s|^\([^:]*\):[^:]*:|\1:x:|; s|^root:\(.*\):[^:]*$|root:\1:/bin/sh|' "$tree/etc/passwd"
  # No account has a password, root least of all.
  sed 's|^\([^:]*\):.*$|\1:*:19000:0:99999:7:::|' "$tree/etc/passwd" >"$tree/etc/shadow"
  sed -i 's|^\([^:]*\):[^:]*:|\1:x:|' "$tree/etc/group"
  sed 's|^\([^:]*\):.*$|\1:*::|' "$tree/etc/group" >"$tree/etc/gshadow"
  printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' >"$tree/etc/nsswitch.conf"
  # Debian 12's systemd-sysusers does not know that ! locks an account; none has a password here.
  sed -i 's/^u!/u/' "$tree"/usr/lib/sysusers.d/*.conf
  systemd-sysusers --root="$tree" 2>"$work/sysusers" || stop "$(<"$work/sysusers")"
  sed -i 's|:!\*\?:|:*:|' "$tree/etc/shadow"
  chmod 640 "$tree/etc/shadow" "$tree/etc/gshadow"
  rm -f "$tree"/etc/{passwd,group,shadow,gshadow}-
  printf 'lanline\n' >"$tree/etc/hostname"
  printf '127.0.0.1\tlocalhost\n::1\t\tlocalhost\n127.0.1.1\tlanline\n' >"$tree/etc/hosts"
  : >"$tree/etc/machine-id"
  : >"$tree/etc/fstab"
  ln -sfn ../run/systemd/resolve/resolv.conf "$tree/etc/resolv.conf"
  # What systemd-tmpfiles would make at each start.
  mkdir -p "$tree/srv" "$tree/etc/default"
  ln -sfn ../proc/self/mounts "$tree/etc/mtab"
  ln -sfn ../locale.conf "$tree/etc/default/locale"
  ln -sfn default/keyboard "$tree/etc/vconsole.conf"
  chmod 700 "$tree"/etc/credstore*
  # wireless-regdb: its alternatives
  for file in regulatory.db regulatory.db.p7s; do
    [[ ! -e "$tree/usr/lib/firmware/$file-debian" ]] || ln -sfn "$file-debian" "$tree/usr/lib/firmware/$file"
  done
  # systemd does not go back behind this.
  : >"$tree/usr/lib/clock-epoch"
  for unit in "${masked[@]}"; do ln -sfn /dev/null "$tree/etc/systemd/system/$unit"; done
  for unit in "${generators_left_out[@]}"; do ln -sfn /dev/null "$tree/etc/systemd/system-generators/$unit"; done
  mapfile -t -O "${#enabled[@]}" enabled < <(
    cd image-build/rootfs/usr/lib/systemd/system && grep -l '^\[Install\]' -- *.service *.timer *.path 2>/dev/null
    cd "$work/stage/usr/lib/systemd/system" && grep -l '^\[Install\]' -- *.service *.timer *.path *.socket 2>/dev/null
  )
  systemctl --root="$tree" --quiet enable "${enabled[@]}"
  ln -sfn /usr/lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
}

# What nobody reads on a card. Copyrights stay.
prune_root() {
  local tree="$1"
  rm -rf "$tree"/usr/share/{man,info,locale,lintian,bug,doc-base,zsh,bash-completion,pam-configs,menu,factory,gcc,gdb,fish,polkit-1,dbus-1} \
    "$tree"/usr/lib/systemd/{catalog,user,boot} "$tree"/usr/lib/udev/hwdb.d "$tree"/usr/lib/kernel "$tree"/usr/lib/initcpio \
    "$tree"/var/* "$tree"/usr/lib/"${multiarch:?}"/gconv "$tree"/usr/lib/initramfs-tools "$tree"/usr/share/initramfs-tools
  find "$tree/usr/share/doc" -type f -not -iname 'copyright*' -not -path '*/doc/lanline/*' -delete
  find "$tree/usr/share/doc" -type d -empty -delete
  # Of Broadcom's firmware that of the boards' chips.
  find "$tree/usr/lib/firmware" \( -type f -o -type l \) -not -path '*/regulatory.db*' \
    -not -name 'brcmfmac4343[06]*' -not -name 'brcmfmac43455*' -not -name 'brcmfmac43456*' -not -name 'cyfmac43430*' -not -name 'cyfmac43455*' -delete
  find "$tree/usr/lib/firmware" -type d -empty -delete
}
