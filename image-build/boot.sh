# What the FAT partition holds: kernel, its modules, initramfs, firmware. Nothing here is run for the architecture wanted,
# so that nothing is emulated. Bash; after image-build/debian.sh.

# Kinds of devices that no headless exchange has.
modules_left_out='^kernel/(sound|drivers/(gpu|media|infiniband|iio|isdn|comedi|staging|target|accel|mtd|video|hwtracing|fpga|gnss|w1|message|atm|net/(wan|can|arcnet|ieee802154|wireless/(ath|intel|marvell|mediatek|ralink|realtek|rsi|silabs|st|ti|quantenna|microchip|purelifi|zydas|atmel)))|net/(can|nfc|bluetooth|ieee802154|mac802154|6lowpan|batman-adv|tipc|sctp|rds|smc|openvswitch|mptcp)|fs/(btrfs|xfs|ocfs2|gfs2|nfs|nfsd|smb|ceph|f2fs|bcachefs|jfs|nilfs2|orangefs|afs|9p|dlm|ubifs|jffs2|reiserfs|ntfs3|hfs|hfsplus|udf))/'

# Unpacked modules, so that the squashfs can compress across them and a small board need not decompress each.
prepare_modules() {
  local tree="$work/boot/usr/lib/modules" kernel
  kernel="$(ls "$tree")"
  find "$tree/$kernel/kernel" -name '*.ko.xz' -printf '%P\n' >"$work/all.modules"
  sed 's|^|kernel/|' "$work/all.modules" | grep -E "$modules_left_out" | sed "s|^|$tree/$kernel/|" | xargs -r rm
  find "$tree/$kernel/kernel" -name '*.ko.xz' -print0 | xargs -0 -P2 -n64 unxz
  sed -i 's/\.ko\.xz$/.ko/' "$tree/$kernel/modules.order"
  mkdir -p "$work/modules/$kernel"
  mv "$tree/$kernel/kernel" "$tree/$kernel"/modules.{order,builtin,builtin.modinfo} "$work/modules/$kernel/"
  mkdir -p "$work/depmod/lib"
  ln -sfn "$work/modules" "$work/depmod/lib/modules"
  depmod -b "$work/depmod" -F "$tree/$kernel/System.map" "$kernel"
}

# busybox, e2fsck, the script and the modules that lead to the card.
make_initramfs() {
  local kernel to="$work/initramfs" pattern patterns
  kernel="$(ls "$work/modules")"
  mkdir -p "$to"/{bin,dev,proc,sys,run,fat,data,root,etc,"lib/modules/$kernel"}
  cp "$work/boot/usr/bin/busybox" "$to/bin/busybox"
  cp "$work/boot/usr/sbin/e2fsck.static" "$to/bin/e2fsck"
  cp image-build/initramfs/init "$to/init"
  ln -s busybox "$to/bin/sh"
  patterns="$(grep -vE '^(#|$)' image-build/initramfs/modules | paste -sd'|')"
  (
    cd "$work/modules/$kernel"
    find kernel -name '*.ko' | grep -E "^kernel/($patterns)\.ko\$" | sed 's|.*/||; s|\.ko$||' | LC_ALL=C sort |
      while read -r pattern; do
        modprobe -d "$work/depmod" -S "$kernel" --show-depends "$pattern" | sed -n 's/^insmod \([^ ]*\).*$/\1/p'
      done | sed "s|.*/modules/$kernel/||" | LC_ALL=C sort -u >"$work/initramfs.modules"
    cp --parents -t "$to/lib/modules/$kernel" $(<"$work/initramfs.modules") modules.order modules.builtin modules.builtin.modinfo
  )
  depmod -b "$to" -F "$work/boot/usr/lib/modules/$kernel/System.map" "$kernel"
  # The kernel's own device, before /dev is mounted.
  settle "$to"
  chmod 755 "$to/init" "$to/bin/busybox" "$to/bin/e2fsck"
  (cd "$to" && find . -print0 | LC_ALL=C sort -z | cpio --quiet --null -o -H newc --reproducible --owner=+0:+0) |
    zstd -q -19 -T1 >"$work/fat/initramfs.img"
}

# Every file with the time of the kernel's package, so that this part is the same for many commits; rights stay.
settle() { find "$1" -exec touch --no-dereference --reference="$work/boot/usr/lib/modules/$kernel/vmlinuz" {} +; }

# The names that the firmware looks for, of which there have been two for some boards.
device_trees() {
  local from="$work/boot/usr/lib/modules/$1/dtb/broadcom" pair
  cp "$from"/bcm27{11,12}*-rpi-*.dtb "$from"/bcm2837-rpi-{3,zero,cm3}*.dtb "$work/fat/"
  for pair in 2837-rpi-3-b:2710-rpi-3-b 2837-rpi-3-b-plus:2710-rpi-3-b-plus 2837-rpi-3-a-plus:2710-rpi-3-a-plus \
    2837-rpi-zero-2-w:2710-rpi-zero-2-w 2837-rpi-zero-2-w:2710-rpi-zero-2 2837-rpi-cm3-io3:2710-rpi-cm3 \
    2712-d-rpi-5-b:2712d0-rpi-5-b; do
    cp "$from/bcm${pair%:*}.dtb" "$work/fat/bcm${pair#*:}.dtb"
  done
}

firmware() {
  local from="$work/boot/usr/lib/raspi-firmware"
  cp "$from"/{bootcode.bin,start.elf,fixup.dat,start4.elf,fixup4.dat} "$work/fat/"
  cp image-build/fat/{config.txt,cmdline.txt} "$work/fat/"
}

# Kept while nothing that it is made of changed.
make_boot() {
  local digest kept kernel
  digest="$(cat "$work/boot.debs" image-build/boot.sh image-build/initramfs/* image-build/fat/config.txt image-build/fat/cmdline.txt |
    sha256sum | cut -c1-16)"
  kept="$caches/boot-$architecture-$digest"
  if [[ ! -d "$kept" ]]; then
    mkdir -p "$work/fat"
    unpack_debian "$work/boot.debs" "$work/boot"
    kernel="$(ls "$work/boot/usr/lib/modules")"
    prepare_modules
    make_initramfs
    settle "$work/modules"
    # Kept for many commits, so of the time of the kernel's package, and not of the commit that came first.
    SOURCE_DATE_EPOCH="$(stat -c %Y "$work/boot/usr/lib/modules/$kernel/vmlinuz")" \
      mksquashfs "$work/modules" "$work/fat/modules.squashfs" "${squashfs_options[@]}"
    cp "$work/boot/usr/lib/modules/$kernel/vmlinuz" "$work/fat/vmlinuz"
    if [[ "$architecture" == arm64 ]]; then
      device_trees "$kernel"
      firmware
    fi
    rm -rf "$caches"/boot-"$architecture"-*
    mv -T "$work/fat" "$kept"
  fi
  cp -r "$kept" "$work/fat.out"
}
