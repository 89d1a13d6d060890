# The card as a file, without loop devices. Bash; after image-build/lib.sh. image-build/README.md has the layout.

# Mebibytes.
fat_begins=4 fat_size=256 slot_size=512 data_size=128
# Also in image-build/initramfs/init, in the order of its bytes on the card: "LAN1".
disk_signature=0x314e414c

make_disk() {
  local disk="$work/disk.img" a b data end
  a=$((fat_begins + fat_size)) b=$((fat_begins + fat_size + slot_size)) data=$((fat_begins + fat_size + 2 * slot_size))
  end=$((data + data_size))
  [[ "$(stat -c %s "$work/root.squashfs")" -le $((slot_size << 20)) ]] || stop "the root file system does not fit into $slot_size MiB"
  truncate -s "${end}M" "$disk"
  sfdisk --quiet --no-reread --no-tell-kernel "$disk" <<TABLE
label: dos
label-id: $disk_signature
unit: sectors
start=$((fat_begins * 2048)), size=$((fat_size * 2048)), type=c, bootable
start=$((a * 2048)), size=$((slot_size * 2048)), type=83
start=$((b * 2048)), size=$((slot_size * 2048)), type=83
start=$((data * 2048)), size=$((data_size * 2048)), type=83
TABLE
  make_fat
  make_data
  place "$work/fat.img" "$fat_begins"
  place "$work/root.squashfs" "$a"
  place "$work/data.img" "$data"
}

place() { dd if="$1" of="$work/disk.img" bs=1M seek="$2" conv=notrunc,sparse status=none; }

make_fat() {
  local fat="$work/fat.img"
  cp image-build/fat/{wifi.txt,lanline-setup.txt,read-me.txt} "$work/fat.out/"
  cp lanline.example.toml "$work/fat.out/lanline.toml"
  find "$work/fat.out" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
  truncate -s "${fat_size}M" "$fat"
  mkfs.vfat -F 32 -n LANLINE -i 4c414e31 --invariant "$fat" >/dev/null
  # In one order, so that the directory is the same each time.
  (cd "$work/fat.out" && TZ=UTC mcopy -i "$fat" -s -m -Q -- $(LC_ALL=C ls) ::/)
}

# Empty: the initramfs makes the directories. Its tables are written here, so that a first start does not do it slowly.
make_data() {
  truncate -s "${data_size}M" "$work/data.img"
  E2FSPROGS_FAKE_TIME="$SOURCE_DATE_EPOCH" mke2fs -q -F -t ext4 -T default -b 4096 -i 32768 -I 256 -m 1 -J size=16 \
    -L lanline-data -U 6c616e6c-696e-4650-8000-6c616e31ffff -O ^orphan_file \
    -E hash_seed=6c616e6c-696e-4650-8000-6c616e31fffe,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,nodiscard "$work/data.img"
}
