#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# with-systemd.sh [-t SECONDS] [-m PATH]... -- COMMAND [ARGUMENT]...
#
# Boots systemd as PID 1 of namespaces of its own, on a throw-away copy (an overlay) of this machine's root file system, and
# runs COMMAND beside it as root. What happens inside stays inside: files, processes, sockets, network, host name.
#   -t  ends everything after so many seconds (120)      -m  PATH of outside, read-only at the same place inside
# Exit status: COMMAND's; 77 when it can not run here (with the reason); 124 out of time; 70 no boot; 64 usage.
set -euo pipefail

skip() { echo "skipped: $*" >&2; exit 77; }
die() { echo "with-systemd: $*" >&2; exit 70; }

seconds=120 mounts=()
arguments=("$@")
while getopts t:m: option; do
    case $option in
    t) seconds=$OPTARG ;;
    m) mounts+=("$OPTARG") ;;
    *) exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n '3s/^# //p' "$0" >&2; exit 64; }

# ---- once outside: a mount namespace and a time limit around the rest

if [ -z "${WITH_SYSTEMD_INSIDE-}" ]; then
    [ "$(id -u)" = 0 ] || skip "needs root"
    [ -x /lib/systemd/systemd ] || skip "systemd is not installed"
    for tool in unshare nsenter setpriv timeout pivot_root; do
        command -v "$tool" >/dev/null || skip "needs $tool (util-linux, coreutils)"
    done
    for type in overlay cgroup2; do
        grep -qw "$type" /proc/filesystems || skip "this kernel has no $type"
    done
    unshare --mount --pid --fork --cgroup --net --ipc --uts true 2>/dev/null || skip "namespaces can not be made here"
    WITH_SYSTEMD_INSIDE=1 exec timeout --foreground -k 5 "$seconds" \
        setpriv --pdeathsig TERM unshare --mount --propagation private "$BASH" "$0" "${arguments[@]}"
fi

# ---- folders of this run, and their end

work=$(mktemp -d "${TMPDIR:-/tmp}/with-systemd.XXXXXX")
init='' booted='' group=''
clean_up() {
    set +e
    # The kernel kills what is left in a pid namespace when its PID 1 dies.
    [ -z "$init" ] || kill -KILL "$init" 2>/dev/null
    [ -z "$booted" ] || wait "$booted" 2>/dev/null
    for _ in $(seq 100); do
        [ -d "$group" ] || break
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
    done
    cd /
    umount -R -l "$work" 2>/dev/null
    rmdir "$work"
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

mount -t tmpfs -o mode=755 with-systemd "$work" || skip "mounting is not permitted"
mkdir "$work"/{changes,scratch,root,groups}
mount -t cgroup2 cgroup2 "$work/groups" 2>/dev/null || skip "cgroup2 can not be mounted"
group=$work/groups/with-systemd-$$
mkdir "$group" 2>/dev/null || skip "no cgroup can be made"
root=$work/root
mount -t overlay -o "lowerdir=/,upperdir=$work/changes,workdir=$work/scratch" overlay "$root" 2>/dev/null ||
    skip "no overlay of / can be mounted"

# ---- a machine without a past: nothing of the host's starts, nothing reaches the host's kernel

etc=$root/etc/systemd
: >"$root/etc/fstab"
echo with-systemd >"$root/etc/hostname"
[ -s "$root/etc/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
rm -rf "$root"/etc/systemd/system/*.wants "$root/usr/sbin/policy-rc.d" "$root/var/log/journal"
mkdir -p "$etc"/{system,system-generators,system.conf.d,journald.conf.d}
mask() { ln -sfn /dev/null "$1"; }
for unit in systemd-{sysctl,modules-load,timesyncd,udevd,udev-trigger,random-seed,binfmt,firstboot,hwdb-update,pstore}.service \
    systemd-udevd-{control,kernel}.socket systemd-journald-audit.socket systemd-update-utmp.service kmod-static-nodes.service \
    apparmor.service keyboard-setup.service ldconfig.service getty@.service console-getty.service \
    proc-sys-fs-binfmt_misc.automount dev-{hugepages,mqueue}.mount \
    sys-kernel-{config,debug,tracing}.mount sys-fs-fuse-connections.mount; do
    mask "$etc/system/$unit"
done
# Generators bring the host's own units in, and cost a second at each daemon-reload.
for generator in "$root"/{usr/lib,etc,usr/local/lib}/systemd/system-generators/*; do
    [ ! -e "$generator" ] || mask "$etc/system-generators/${generator##*/}"
done
cat >"$etc/journald.conf.d/test.conf" <<'CONF'
[Journal]
Storage=volatile
RateLimitIntervalSec=0
Audit=no
ReadKMsg=no
ForwardToSyslog=no
CONF
cat >"$etc/system.conf.d/test.conf" <<'CONF'
[Manager]
DefaultTimeoutStartSec=30s
DefaultTimeoutStopSec=15s
CONF
cat >"$etc/system/test.target" <<'CONF'
[Unit]
Description=What a test needs
Requires=sysinit.target dbus.socket systemd-journald.service
After=sysinit.target dbus.socket systemd-journald.service
CONF

# ---- PID 1

cat >"$work/boot" <<'BOOT'
set -e
root=$1
shift
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o nosuid,mode=755 dev "$root/dev"
cd "$root/dev"
mknod -m 666 null c 1 3
mknod -m 666 zero c 1 5
mknod -m 666 full c 1 7
mknod -m 666 random c 1 8
mknod -m 666 urandom c 1 9
mknod -m 666 tty c 5 0
mknod -m 666 fuse c 10 229
mkdir pts shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm shm
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
ln -s fd/0 stdin
ln -s fd/1 stdout
ln -s fd/2 stderr
cd /
mount -t tmpfs -o nosuid,nodev,mode=755 run "$root/run"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmp "$root/tmp"
for path in "$@"; do
    if [ -d "$path" ]; then mkdir -p "$root$path"; else mkdir -p "$root${path%/*}" && : >>"$root$path"; fi
    mount --bind "$path" "$root$path"
    mount -o remount,bind,ro "$root$path"
done
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l .outside
rmdir .outside
# Credentials reach a unit by propagation: without this their folder is empty, and nobody says so.
mount --make-rshared /
exec env -i container=with-systemd PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system --unit=test.target --log-target=journal --show-status=no
BOOT
(
    echo "$BASHPID" >"$group/cgroup.procs"
    exec setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount --propagation private --cgroup --uts --ipc --net \
        "$BASH" "$work/boot" "$root" ${mounts[@]+"${mounts[@]}"} </dev/null >"$work/boot.log" 2>&1
) &
booted=$!

is_systemd() {
    init=$(cat "/proc/$booted/task/$booted/children" 2>/dev/null || :)
    init=${init%% *}
    [ -n "$init" ] && [ "$(cat "/proc/$init/comm" 2>/dev/null)" = systemd ]
}
inside() { nsenter -t "$init" --mount --uts --ipc --net --pid --cgroup -- "$@"; }
wait_for() {
    for _ in $(seq 1500); do
        ! "$@" 2>/dev/null || return 0
        kill -0 "$booted" 2>/dev/null || break
        sleep 0.02
    done
    cat "$work/boot.log" >&2
    die "no boot ($*)"
}
wait_for is_systemd
wait_for inside test -S /run/systemd/private
state=$(inside systemctl is-system-running --wait) || {
    inside systemctl --failed --no-legend --plain >&2
    die "booted, but the system is $state"
}

# ---- the command: in a cgroup beside systemd's own; in the background, so that signals are taken at once

mkdir "$group/command"
status=0
(
    echo "$BASHPID" >"$group/command/cgroup.procs"
    unset WITH_SYSTEMD_INSIDE TMPDIR
    # The folder we came from, where it exists inside, too.
    inside /bin/sh -c 'cd "$1" 2>/dev/null || cd /; shift; exec "$@"' sh "$PWD" "$@"
) <&0 &
wait $! || status=$?
exit $status
